"""What the four RoboVLMs heads share: the action token's answers in, a plan for every frame out.

RoboVLMs cuts an episode into windows and, at every frame of a window, asks for the next n actions
(`unfold`); a mask tells the steps that lie behind the episode's end. It fills a window on the left
by repeating the first frame; here frames come first and nothing is repeated, because an answer
never looks at later frames, and what is behind the last frame has the mask 0.

Two options are RoboVLMs' own:

`organise`: `interleave` asks at every frame of the window, `segment` shows the past frames and asks
at the last one only. RoboVLMs shows the past actions too; here none are shown: a policy that sees
what it did last copies it, and its own mistakes with it.

`action_mask`: without it, steps behind the end of the episode count as if they were recorded. What
is padded is standing still, which is what an episode ends with.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import torch
from torch import nn

from policies.arm_loss import plan_loss
from policies.backbone import ACTION, Parts
from policies.head import AXES, Head, Wants, regressor
from policies.normaliser import CommandNormaliser
from policies.sizes import Sizes

ORGANISE = ("interleave", "segment")
REACH = 1.25  # of the tanh, see MLPTanhHead


@dataclass(frozen=True)
class PlanOptions:
    """What makes variants of one head."""

    organise: str = "interleave"  # interleave | segment: which frames of a window are asked
    action_mask: bool = True  # whether steps behind the episode's end are left out
    regularise: bool = False  # of the normaliser
    mu_law: bool = False  # of the normaliser

    def __post_init__(self) -> None:
        """Refuse what is no organisation."""
        if self.organise not in ORGANISE:
            raise ValueError(f"organise must be {' or '.join(ORGANISE)}, got {self.organise!r}.")


class MLPTanhHead(nn.Module):
    """h-1024-512-256-(plan x axes) with ReLU, tanh at the end.

    tanh reaches +-1 only at infinity, and most commands lie exactly there (+-1.15 is the rim): the
    weights would grow for ever while the gradient dies, and an output at the wrong rim would hardly
    come back. So tanh is stretched by a quarter, and what is beyond the rim is cut when driving.
    """

    def __init__(self, width: int, sizes: Sizes) -> None:
        """`width`: of what comes in."""
        super().__init__()
        self._plan = sizes.plan
        self.mlp = regressor(width, *sizes.head, sizes.plan * AXES)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States [B, W, width] to [B, W, plan, axes] in +-1.25."""
        return REACH * torch.tanh(self.mlp(states)).unflatten(-1, (self._plan, AXES))


class PlanHead(Head):
    """A head that answers normalised plans; a subclass says how."""

    more_options: ClassVar = tuple(field.name for field in fields(PlanOptions))

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], window: int,
                 options: PlanOptions) -> None:
        """`window`: frames that it looks back over."""
        super().__init__(Wants((ACTION,), window=window, plan=sizes.plan,
                               only_last=options.organise == "segment"), widths)
        self.options = options
        self.normaliser = CommandNormaliser(AXES, options.regularise, options.mu_law)

    @abstractmethod
    def encoded(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Plans [B, W, plan, 2] as the normaliser encodes commands."""

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, plan, 2] within the range."""
        return self.normaliser.decode(self.encoded(parts, lengths))

    def fit(self, commands: torch.Tensor) -> None:
        """Give the normaliser mean and deviation of the training commands [N, 2] too."""
        super().fit(commands)
        self.normaliser.fit(commands)

    def loss(self, parts: Parts, lengths: torch.Tensor, commands: torch.Tensor,
             mask: torch.Tensor) -> torch.Tensor:
        """How far the plans that count are off; arguments as in `Head.loss`."""
        wanted, counts = self.lesson(lengths, commands, mask)
        return self.off(parts, lengths, wanted, counts)

    def lesson(self, lengths: torch.Tensor, commands: torch.Tensor,
               mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Right answers [B, W, plan, 2], encoded, and [B, W, plan] which of them count."""
        counts = mask
        if not self.options.action_mask:  # a frame counts whole; behind the end it stands still
            commands, counts = commands * mask[..., None], mask[..., :1].expand_as(mask)
        if self.options.organise == "segment":
            frames = torch.arange(mask.shape[1], device=mask.device)
            counts = counts * (frames == lengths[:, None] - 1)[..., None]
        return self.normaliser.encode(commands), counts

    def off(self, parts: Parts, lengths: torch.Tensor, wanted: torch.Tensor,
            counts: torch.Tensor) -> torch.Tensor:
        """Masked Huber loss of encoded plans; arguments as `lesson` gives them."""
        return plan_loss(self.encoded(parts, lengths), wanted, counts)
