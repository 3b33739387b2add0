"""What is trained behind frozen towers: a head says which features it wants and answers commands.

One contract for every model: features of a window of frames and of the words go in, a plan of
commands for every frame of the window comes out. Frames are in order, the first `lengths[b]` of a
row count, what follows is zero; an answer never looks at later frames.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.backbone import Parts

AXES = 2  # linear_x, linear_y: the recorded data never turn
WEAKEST_SHARE = 0.01  # of the motions in training; fewer may be slips
HUBER_DELTA = 0.1  # of an error in shares of the command range, the seeds' number


@dataclass(frozen=True)
class Wants:
    """Which features a head wants, and over how many frames it looks back and plans ahead."""

    frame: tuple[str, ...]  # names from `policies.backbone`
    text: tuple[str, ...] = ()
    window: int = 1
    plan: int = 1
    only_last: bool = False  # whether it learns from the last frame of a window alone


class Standardise(nn.Module):
    """Mean and deviation of one part over the training data, fixed afterwards."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, width: int) -> None:
        """Does nothing until it is set."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("std", torch.ones(width))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Values [..., width] with mean 0 and deviation 1."""
        return (values - self.mean) / self.std


class Head(nn.Module, ABC):
    """One trainable head."""

    weakest: torch.Tensor

    def __init__(self, wants: Wants, widths: Mapping[str, int]) -> None:
        """`widths`: of every part that the towers give.

        Raises:
            ValueError: if they do not give what the head wants.
        """
        super().__init__()
        missing = [name for name in (*wants.frame, *wants.text) if name not in widths]
        if missing:
            raise ValueError(f"{type(self).__name__} wants {', '.join(missing)}, the towers give "
                             f"{', '.join(widths)}.")
        self.wants = wants
        self.scale = nn.ModuleDict({name: Standardise(widths[name])
                                    for name in (*wants.frame, *wants.text)})
        self.register_buffer("weakest", torch.zeros(()))  # motion commanded in training

    @abstractmethod
    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, plan, 2] (linear_x, linear_y; command units) for every frame.

        Args:
            parts: Frame parts [B, W, ...] and text parts [B, width].
            lengths: [B] int64, frames that count.
        """

    def loss(self, parts: Parts, lengths: torch.Tensor, commands: torch.Tensor,
             mask: torch.Tensor) -> torch.Tensor:
        """What training makes small: Huber, masked.

        Args:
            parts: As in `forward`.
            lengths: As in `forward`.
            commands: Right answers [B, W, plan, 2], command units.
            mask: [B, W, plan] float: weights, 0 where there is none.
        """
        return masked_huber(self(parts, lengths), commands, mask)

    def fit(self, commands: torch.Tensor) -> None:
        """Take what it needs from the training commands [N, 2], command units."""
        strength = commands.abs().amax(dim=-1)
        moving = strength[strength > 0]
        if len(moving):
            self.weakest.copy_(moving.quantile(WEAKEST_SHARE))

    def decide(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """`forward`'s commands, but what is nearer to none than to the weakest motion is none.

        A regression that doubts whether to stop answers something in between. Where every motion
        that it learned from is a full one, a robot would drive on at the slightest doubt; so the
        likelier of the two is done.
        """
        commands = self(parts, lengths)
        moves = commands.abs().amax(dim=-1, keepdim=True) >= self.weakest / 2
        return commands * moves

    def scaled(self, parts: Parts) -> Parts:
        """Every wanted part, standardised."""
        return {name: scale(parts[name]) for name, scale in self.scale.items()}

    def joined(self, parts: Parts, *names: str) -> torch.Tensor:
        """Frame and text parts side by side [B, W, sum of widths], words repeated a frame."""
        frames = parts[self.wants.frame[0]].shape[1]
        return torch.cat([parts[name] if name in self.wants.frame
                          else parts[name][:, None].expand(-1, frames, -1) for name in names],
                         dim=-1)


def masked_huber(found: torch.Tensor, commands: torch.Tensor, mask: torch.Tensor,
                 delta: float = HUBER_DELTA) -> torch.Tensor:
    """Mean Huber loss of commands [..., 2], weighed by mask [...], in shares of the range."""
    off = F.huber_loss(found.float() / COMMAND_LIMIT, commands / COMMAND_LIMIT, reduction="none",
                       delta=delta).mean(dim=-1)
    return (off * mask).sum() / mask.sum().clamp(min=1.0)


def regressor(*widths: int, dropout: float = 0.0) -> nn.Sequential:
    """Linear layers of these widths with ReLU and dropout between them.

    He et al. 2015: at torch's own scale the ReLU layers shrink the signal, and nothing is learned.
    """
    layers: list[nn.Module] = []
    for before, after in zip(widths, widths[1:]):
        layer = nn.Linear(before, after)
        nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
        layers += [layer, nn.ReLU(), *([nn.Dropout(dropout)] if dropout else [])]
    while not isinstance(layers[-1], nn.Linear):
        layers.pop()
    return nn.Sequential(*layers)
