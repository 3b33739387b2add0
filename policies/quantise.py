"""Linear layers in whole numbers of 8 bits, by torch's own product of them.

A weight has one scale for each of its outputs, and what comes in one for each of its rows, found
when it comes: so a row's answer depends on no other row, which torch's own dynamic layers do not
promise (they share one scale for a whole batch). Weights take a quarter of the memory.
"""

from __future__ import annotations

import torch
from torch import nn

from policies.lstm_step import LstmStep, bent

LARGEST = 127.0
SMALLEST_SCALE = 1e-12  # for rows of zeros
STEP = 8  # inputs and outputs must be multiples, as GPUs ask
FEWEST_ROWS = 17  # of a product on a GPU; fewer are filled up with zeros


class Int8Linear(nn.Module):
    """`nn.Linear` with weights and inputs in 8 bits; sums are exact, scales have 32 bits."""

    weight: torch.Tensor
    scale: torch.Tensor

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None) -> None:
        """`weight` [out, in] and `bias` [out] of any floating-point numbers."""
        super().__init__()
        scale = (weight.float().abs().amax(dim=1) / LARGEST).clamp(min=SMALLEST_SCALE)
        whole = torch.round(weight.float() / scale[:, None]).to(torch.int8)
        self.register_buffer("weight", whole.t().contiguous())  # [in, out]
        self.register_buffer("scale", scale)
        self.bias = nn.Parameter(bias.detach().float(), requires_grad=False) \
            if bias is not None else None

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Values [..., in] to [..., out], in their own numbers."""
        rows = values.reshape(-1, values.shape[-1]).float()
        scale = (rows.abs().amax(dim=1, keepdim=True) / LARGEST).clamp(min=SMALLEST_SCALE)
        whole = torch.round(rows / scale).to(torch.int8)
        short = FEWEST_ROWS - len(whole) if values.is_cuda else 0
        if short > 0:
            whole = torch.cat([whole, whole.new_zeros(short, whole.shape[1])])
        sums = torch._int_mm(whole, self.weight)[:len(rows)]
        found = sums * (scale * self.scale)
        if self.bias is not None:
            found = found + self.bias
        return found.to(values.dtype).view(*values.shape[:-1], -1)


class Int8LstmStep(LstmStep):
    """An LSTM's step whose products are of whole numbers."""

    def __init__(self, step: LstmStep) -> None:
        """`step`: whose weights it takes."""
        nn.Module.__init__(self)
        self.layers, self.width = step.layers, step.width
        self.products = nn.ModuleList([
            Int8Linear(torch.cat(parts, dim=1), bias)
            for *parts, bias in zip(step.inputs, step.states, step.biases)])

    def _layer(self, layer: int, values: torch.Tensor, hidden: torch.Tensor,
               cell: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return bent(self.products[layer](torch.cat([values, hidden], dim=1)), cell)


def quantise(module: nn.Module) -> None:
    """Put 8 bits in the place of every linear layer and LSTM step below a module.

    CLIP's attention has its projections in one matrix that is no layer; that stays as it is, as do
    convolutions and layers whose sides are no multiples of 8.
    """
    for name, child in list(module.named_children()):
        if type(child) is nn.Linear and fits(child):
            setattr(module, name, Int8Linear(child.weight, child.bias))
        elif type(child) is LstmStep:
            setattr(module, name, Int8LstmStep(child))
        else:
            quantise(child)


def fits(layer: nn.Linear) -> bool:
    """Whether a product of whole numbers takes its sides."""
    return layer.in_features % STEP == 0 and layer.out_features % STEP == 0
