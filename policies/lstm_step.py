"""One step of stacked LSTM layers: what remains of `nn.LSTM` where one frame comes at a time.

Each layer's weights for input and state are one matrix, so a step is one product a layer, and every
weight is read once. For a few rows that is bound by memory; `nn.LSTM` is not made for it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn


class LstmStep(nn.Module):
    """The same layers as an `nn.LSTM`, one step a call."""

    def __init__(self, lstm: nn.LSTM, dtype: torch.dtype = torch.float32) -> None:
        """`dtype`: of weights and products; cells are kept in 32 bits."""
        super().__init__()
        self.layers, self.width = lstm.num_layers, lstm.hidden_size
        both = [[getattr(lstm, f"{kind}_{side}_l{layer}").detach() for side in ("ih", "hh")]
                for layer in range(self.layers) for kind in ("weight", "bias")]
        self.weights = nn.ParameterList(
            [nn.Parameter(torch.cat(pair, dim=1).to(dtype), requires_grad=False)
             for pair in both[::2]])
        self.biases = nn.ParameterList(
            [nn.Parameter(pair[0] + pair[1], requires_grad=False) for pair in both[1::2]])

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
            gates = self._gates(layer, torch.cat([values.float(), hidden[layer]], dim=1))
            enter, forget, candidate, leave = gates.chunk(4, dim=1)
            kept = torch.sigmoid(forget) * cell[layer]
            new_cell.append(kept + torch.sigmoid(enter) * torch.tanh(candidate))
            values = torch.sigmoid(leave) * torch.tanh(new_cell[-1])
            new_hidden.append(values)
        return values, torch.stack(new_hidden), torch.stack(new_cell)

    def _gates(self, layer: int, both: torch.Tensor) -> torch.Tensor:
        """Before their activations [R, 4 * width] float32."""
        weight, bias = self.weights[layer], self.biases[layer]
        return F.linear(both.to(weight.dtype), weight).float() + bias
