"""Fixed RoboVLMs: one picture, the words and an action query look at each other -> plan -> command.

The original's "Fixed Claw Matrix" lays pooled picture and words side by side and lets that single
vector attend to itself, which is a linear layer; three MLPs in a row are called vision-language,
language-action and action-vision. Self, temporal and spatial "advanced attention" are of the same
kind, and the hierarchical planner's three levels all read the same vector. It answers linear_x,
linear_y and angular_z, multiplies the last by 0.05 in the output and again in the loss, drives by
one constant sentence, and lists Kosmos-2 as trainable, but runs it without gradients.

Different here: the claw is what its name in RoboVLMs-style reports promises, attention between the
pairs of vision, language and action (their EnhancedClawMatrix: softmax weights over the three,
fusion 3h-2h-h-h). Vision is all patches; the action is a learned query that asks the words, then
the picture, and so finds what the words are about. Each level of the planner reads what the level
above decided. There is no turning, which the recorded data never do, and no attention over a
sequence of length one. The words are one vector, their mean, as everywhere here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.attention import Asking
from policies.backbone import Parts
from policies.head import AXES, Head, Wants, regressor
from policies.learned import Learned
from policies.sizes import Sizes, dropout

PATCHES, TEXT = "kosmos_patches", "kosmos_text"
DROPOUT = 0.2  # at full size
QUERY_SCALE = 0.02  # of the action query's first values


class Claw(nn.Module):
    """Attention between the pairs of vision, language and action; their weighted sum."""

    def __init__(self, width: int, heads: int, drop: float) -> None:
        """`width`: of all three; the action is a query that is learned."""
        super().__init__()
        self.query = nn.Parameter(QUERY_SCALE * torch.randn(width))
        self.vision_language = Asking(width, heads)
        self.language_vision = Asking(width, heads)
        self.action_language = Asking(width, heads)
        self.action_vision = Asking(width, heads)
        self.weigh = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 3),
                                   nn.Softmax(dim=-1))
        self.fuse = regressor(3 * width, 2 * width, width, width, dropout=drop)

    def forward(self, vision: torch.Tensor, language: torch.Tensor) -> torch.Tensor:
        """Vision [N, T, width] and language [N, 1, width] to [N, width]."""
        action = self.query.expand(len(vision), 1, -1)
        told = self.vision_language(vision, language)
        named = self.language_vision(language, vision)
        found = self.action_vision(self.action_language(action, language), told)
        kinds = torch.stack([told.mean(dim=1), named[:, 0], found[:, 0]], dim=1)  # [N, 3, width]
        beside = kinds.flatten(1)
        return self.fuse(beside) + (self.weigh(beside)[:, :, None] * kinds).sum(dim=1)


class Beside(nn.Module):
    """No claw: the patches' mean and the words, fused by one layer."""

    def __init__(self, width: int) -> None:
        """`width`: of both."""
        super().__init__()
        self.fuse = nn.Linear(2 * width, width)

    def forward(self, vision: torch.Tensor, language: torch.Tensor) -> torch.Tensor:
        """As `Claw`."""
        return self.fuse(torch.cat([vision.mean(dim=1), language[:, 0]], dim=-1))


class Levels(nn.Module):
    """Three levels of a plan, each after the one above it."""

    def __init__(self, width: int, drop: float) -> None:
        """The lower the level, the narrower its inner layer."""
        super().__init__()
        self.levels = nn.ModuleList(regressor(width, width // share, width, dropout=drop)
                                    for share in (1, 2, 4))
        self.fuse = regressor(3 * width, width, width, dropout=drop)
        self.norm = nn.LayerNorm(width)

    def forward(self, known: torch.Tensor) -> torch.Tensor:
        """What is known [N, width], with what is planned [N, width]."""
        decided, above = [], torch.zeros_like(known)
        for level in self.levels:
            above = level(known + above)
            decided.append(above)
        return self.norm(known + self.fuse(torch.cat(decided, dim=-1)))


class Clawed(Head):
    """Patches, words and an action query -> claw -> levels -> command."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], claw: bool = True,
                 hierarchy: bool = True) -> None:
        """512 wide at full size.

        Args:
            sizes: Of layers and heads.
            widths: Of the towers' parts.
            claw: Whether vision, language and action look at each other.
            hierarchy: Whether there are levels between claw and command.
        """
        super().__init__(Wants((PATCHES,), (TEXT,)), widths)
        width, drop = sizes.attention, dropout(DROPOUT, sizes)
        self.vision, self.text = (nn.Sequential(
            nn.Linear(widths[name], width), nn.LayerNorm(width)) for name in (PATCHES, TEXT))
        self.claw = Claw(width, sizes.attention_heads, drop) if claw else Beside(width)
        self.fused = nn.Sequential(nn.LayerNorm(width), nn.Dropout(drop))
        self.levels = Levels(width, drop) if hierarchy else nn.Identity()
        self.actions = regressor(width, width // 2, AXES, dropout=drop)

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 1, 2], each frame on its own."""
        scaled = self.scaled(parts)
        frames = scaled[PATCHES].shape[:2]
        vision = self.vision(scaled[PATCHES]).flatten(0, 1)  # [B * W, T, width]
        words = self.text(scaled[TEXT])[:, None].expand(-1, frames[1], -1).flatten(0, 1)
        fused = self.claw(vision, words[:, None])
        commands = self.actions(self.levels(self.fused(fused)))
        return commands.unflatten(0, frames)[:, :, None] * COMMAND_LIMIT


class FixedRobovlms(Learned):
    """`--policy fixed_robovlms`."""

    model, head_class = "fixed_robovlms", Clawed
