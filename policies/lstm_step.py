"""One step of stacked LSTM layers: what remains of `nn.LSTM` where one frame comes at a time.

Every weight is read once, in two products a layer: of what comes in and of the state. For a few
rows that is bound by memory; `nn.LSTM` is not made for it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from policies import one_row


class LstmStep(nn.Module):
    """The same layers as an `nn.LSTM`, one step a call."""

    def __init__(self, lstm: nn.LSTM, dtype: torch.dtype = torch.float32) -> None:
        """`dtype`: of weights and products; cells are kept in 32 bits."""
        super().__init__()
        self.layers, self.width = lstm.num_layers, lstm.hidden_size
        self.inputs, self.states = (nn.ParameterList([
            nn.Parameter(one_row.in_large_pages(
                getattr(lstm, f"weight_{side}_l{layer}").detach().to(dtype)), requires_grad=False)
            for layer in range(self.layers)]) for side in ("ih", "hh"))
        self.biases = nn.ParameterList([
            nn.Parameter((getattr(lstm, f"bias_ih_l{layer}")
                          + getattr(lstm, f"bias_hh_l{layer}")).detach(), requires_grad=False)
            for layer in range(self.layers)])

    def forward(self, values: torch.Tensor, hidden: torch.Tensor,
                cell: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The last layer's answer and the new state.

        Args:
            values: [R, in], a row each.
            hidden: [layers, R, width] float32.
            cell: As hidden.

        Returns:
            The answer [R, width], hidden and cell, all float32.
        """
        new_hidden, new_cell = [], []
        for layer in range(self.layers):
            values, kept = self._layer(layer, values.float(), hidden[layer], cell[layer])
            new_hidden.append(values)
            new_cell.append(kept)
        return values, torch.stack(new_hidden), torch.stack(new_cell)

    def _layer(self, layer: int, values: torch.Tensor, hidden: torch.Tensor,
               cell: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Hidden and cell [R, width] of a layer after the step."""
        weights, bias = (self.inputs[layer], self.states[layer]), self.biases[layer]
        if all(one_row.fits(each, len(values)) for each in weights):
            return one_row.lstm_layer(weights, bias, values, (hidden, cell))
        gates = [F.linear(rows.to(weight.dtype), weight).float()
                 for weight, rows in zip(weights, (values, hidden))]
        return bent(gates[0] + gates[1] + bias, cell)


def bent(gates: torch.Tensor, cell: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden and cell [R, W] after a step, of its gates [R, 4 W] and the cell before."""
    enter, forget, candidate, leave = gates.chunk(4, dim=1)
    kept = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(candidate)
    return torch.sigmoid(leave) * torch.tanh(kept), kept
