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
            gates = self._gates(layer, values.float(), hidden[layer])
            enter, forget, candidate, leave = gates.chunk(4, dim=1)
            kept = torch.sigmoid(forget) * cell[layer]
            new_cell.append(kept + torch.sigmoid(enter) * torch.tanh(candidate))
            values = torch.sigmoid(leave) * torch.tanh(new_cell[-1])
            new_hidden.append(values)
        return values, torch.stack(new_hidden), torch.stack(new_cell)

    def _gates(self, layer: int, values: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """Before their activations [R, 4 * width] float32."""
        return (_product(self.inputs[layer], values) + _product(self.states[layer], state)
                + self.biases[layer])


def _product(weight: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The matrix [N, K] times each row [R, K], float32."""
    narrow = rows.to(weight.dtype)
    if one_row.fits(weight, len(rows)):
        return one_row.product(weight, narrow)
    return F.linear(narrow, weight).float()
