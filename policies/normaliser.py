"""Commands as a head learns them, and back: one object for training and driving alike.

RoboVLMs normalises (clip, then -1 to 1), regularises (mean 0, deviation 1) and compands by the
mu-law; its gripper, the last number, is let alone on the way and made 0 or 1 at the end. There the
data set does the first half, the evaluation undoes some of it with numbers of its own (regularising
is never undone), and `maintain_last` of the two later steps restores the last *time step* of an
array instead of the last number. Here the steps stand in one module whose numbers are buffers of
the head, so that they are stored in the checkpoint; the inverse undoes every step, in the opposite
order. Different on purpose:

- A mobile base has no gripper: there is nothing to let alone or to make 0 or 1, so neither step
  exists.
- The range is the +-1.15 of its commands; upstream's +-0.65 would cut all of them.
- What comes out spans -1 to 1 again, whichever steps are on: a tanh and the bins of a tokenizer
  reach no further, and regularised commands would.

Neither later step is on by default, as in RoboVLMs' own loaders. `docs/heads.md` has what they did
in a trial.
"""

from __future__ import annotations

import math

import torch
from torch import nn

from envs.interface import COMMAND_LIMIT

MU = 255.0
LEAST_STD = 1e-6  # added to the deviation, RoboVLMs' number


class CommandNormaliser(nn.Module):
    """normalise -> regularise -> mu-law, and the inverse of all three."""

    low: torch.Tensor
    high: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, axes: int, regularise: bool = False, mu_law: bool = False) -> None:
        """Mean 0 and deviation 1 until `fit` sets them.

        Args:
            axes: Numbers of a command.
            regularise: Whether mean and deviation of the training commands become 0 and 1.
            mu_law: Whether small numbers are spread, by mu = 255.
        """
        super().__init__()
        self.regularise, self.mu_law = regularise, mu_law
        self.register_buffer("low", torch.full((axes,), -COMMAND_LIMIT))
        self.register_buffer("high", torch.full((axes,), COMMAND_LIMIT))
        self.register_buffer("mean", torch.zeros(axes))
        self.register_buffer("std", torch.ones(axes))

    def fit(self, commands: torch.Tensor) -> None:
        """Take mean and deviation from training commands [N, axes], command units.

        Raises:
            ValueError: if there are fewer than two, or they have another number of axes.
        """
        if commands.ndim != 2 or len(commands) < 2 or commands.shape[1] != len(self.mean):
            raise ValueError(f"commands must be [N, {len(self.mean)}] with N >= 2, got "
                             f"{list(commands.shape)}; give all training commands at once.")
        values = to_share(commands.to(self.low), self.low, self.high)
        self.mean.copy_(values.mean(dim=0))
        self.std.copy_(values.std(dim=0))

    def encode(self, commands: torch.Tensor) -> torch.Tensor:
        """Commands [..., axes] as they are learned, -1 to 1; what is beyond the range is cut."""
        return to_share(self._spread(to_share(commands, self.low, self.high)), *self._ends())

    def decode(self, values: torch.Tensor) -> torch.Tensor:
        """What was learned [..., axes] as commands; what is beyond -1 to 1 is cut."""
        values = from_share(values.clamp(-1.0, 1.0), *self._ends())
        if self.mu_law:
            values = values.sign() * torch.expm1(values.abs() * math.log1p(MU)) / MU
        if self.regularise:
            values = values * (self.std + LEAST_STD) + self.mean
        commands = from_share(values, self.low, self.high)
        return torch.minimum(torch.maximum(commands, self.low), self.high)  # but for rounding

    def _spread(self, values: torch.Tensor) -> torch.Tensor:
        """The steps behind normalising."""
        if self.regularise:
            values = (values - self.mean) / (self.std + LEAST_STD)
        if self.mu_law:
            values = values.sign() * torch.log1p(MU * values.abs()) / math.log1p(MU)
        return values

    def _ends(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What they make of the rims of the range, each [axes]."""
        rim = torch.ones_like(self.low)
        return self._spread(-rim), self._spread(rim)


def to_share(values: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Values [..., axes], cut to low and high, as -1 to 1."""
    within = torch.minimum(torch.maximum(values, low), high)
    return 2.0 * (within - low) / (high - low) - 1.0


def from_share(values: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """-1 to 1 as values between low and high."""
    return (values + 1.0) / 2.0 * (high - low) + low
