"""Case 1, Simplified2DActionModelV2: pooled picture and mean words, a small MLP, no memory.

The original: Kosmos-2 frozen, its pooled picture 1024 -> 256 and the mean of its words 2048 -> 256
(each Linear, LayerNorm, dropout 0.4), side by side into an MLP 512-512-256-128-2, and a LayerNorm
over the two outputs, which maps whatever it is given to one of two commands. Here the structure is
the same without that LayerNorm (`case1_output_norm` has it), commands are shares of the command
range, and where the original answers with zeros for want of a picture or words, this one refuses.
At size mini dropout is scaled with the widths (`policies.sizes.dropout`).

Its recipe was AdamW 5e-5, weight decay 1e-3, cosine, Huber delta 0.1, batch 2, patience 3, on about
50 frames. Here all heads are trained by the protocol (`training.heads.HeadRecipe`) on thousands of
frames: 2e-3 at batch 128, near to what 5e-5 at batch 2 is by linear scaling (3.2e-3); loss, weight
decay and schedule are the seeds'.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.backbone import Parts
from policies.head import AXES, Head, Wants, regressor
from policies.learned import Learned
from policies.sizes import Sizes, dropout

VISION, TEXT = "kosmos_vision", "kosmos_text"
DROPOUT = 0.4  # at full size


class SimplifiedHead(Head):
    """Picture and words, narrowed alike and laid side by side -> command."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], text: bool = True,
                 output_norm: bool = False) -> None:
        """An MLP of four layers behind what is narrowed.

        Args:
            sizes: Of the layers.
            widths: Of the towers' parts.
            text: Whether it is told the words.
            output_norm: The original's LayerNorm over two outputs, which leaves two commands only.
        """
        super().__init__(Wants((VISION,), (TEXT,) if text else ()), widths)
        width = sizes.case_width
        drop = dropout(DROPOUT, sizes)
        self.narrow = nn.ModuleDict({name: narrow(widths[name], width, drop)
                                     for name in self.scale})
        self.actions = regressor(len(self.narrow) * width, 2 * width, width, width // 2, AXES,
                                 dropout=drop)
        self.norm = nn.LayerNorm(AXES) if output_norm else nn.Identity()

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 1, 2], each frame on its own."""
        scaled = self.scaled(parts)
        known = {name: layer(scaled[name]) for name, layer in self.narrow.items()}
        fused = self.joined(known, *known)
        return self.norm(self.actions(fused))[:, :, None] * COMMAND_LIMIT


def narrow(width: int, narrowed: int, drop: float) -> nn.Sequential:
    """The cases' way from a tower's width to their own."""
    return nn.Sequential(nn.Linear(width, narrowed), nn.LayerNorm(narrowed), nn.Dropout(drop))


class CaseOne(Learned):
    """`--policy case1_simplified`."""

    model, head_class = "case1_simplified", SimplifiedHead
