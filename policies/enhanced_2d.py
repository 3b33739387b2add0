"""Enhanced 2D: a resampler of 64 latents over the picture, the words beside it -> MLP, no memory.

The original narrows the pooled picture to 512, hands that one vector to the resampler (64 latents,
8 heads, inner width x 2), where 64 latents can only copy it, and takes their mean. The adapters
that bring the words to 1024 and both to 512 are made in the first forward pass, after the optimizer
has listed its parameters: they were never trained, and no checkpoint has them.

Different here: the resampler reads the class token and every patch, so that it has something to
choose from (its attention, shared by two passes in the original, is one pass over tokens and
latents, see `policies.resampler`), and every layer exists from the start and learns.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.backbone import Parts
from policies.head import AXES, Head, Wants, regressor
from policies.learned import Learned
from policies.resampler import Resampler
from policies.sizes import Sizes, dropout

PATCHES, POOLED, TEXT = "kosmos_patches", "kosmos_vision", "kosmos_text"
DROPOUT = 0.2  # at full size
INNER_FACTOR = 2.0


class Enhanced(Head):
    """What the latents found and what the words say -> command."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], resampler: bool = True) -> None:
        """512 wide at full size.

        Args:
            sizes: Of latents, heads and layers.
            widths: Of the towers' parts.
            resampler: Whether it reads all patches; without, the pooled picture.
        """
        seen = PATCHES if resampler else POOLED
        super().__init__(Wants((seen,), (TEXT,)), widths)
        width, words = sizes.attention, widths[TEXT] // 2
        drop = dropout(DROPOUT, sizes)
        self.resampler = Resampler(
            widths[PATCHES], width, sizes.kosmos_latents, layers=1, heads=sizes.attention_heads,
            inner_factor=INNER_FACTOR) if resampler else None
        self.vision = nn.Sequential(
            nn.Identity() if resampler else nn.Linear(widths[POOLED], width),
            nn.LayerNorm(width), nn.Dropout(drop))
        self.text = nn.Sequential(nn.Linear(widths[TEXT], words), nn.LayerNorm(words),
                                  nn.Dropout(drop))
        self.fusion = nn.Sequential(nn.Linear(width + words, width), nn.LayerNorm(width),
                                    nn.Dropout(drop))
        self.actions = regressor(width, width // 2, AXES, dropout=drop)

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 1, 2], each frame on its own."""
        scaled = self.scaled(parts)
        seen = scaled[self.wants.frame[0]]
        if self.resampler is not None:
            seen = self.resampler(seen).mean(dim=-2)  # [B, W, width]
        known = {self.wants.frame[0]: self.vision(seen), TEXT: self.text(scaled[TEXT])}
        fused = self.fusion(self.joined(known, *known))
        return self.actions(fused)[:, :, None] * COMMAND_LIMIT


class Enhanced2D(Learned):
    """`--policy enhanced_2d`."""

    model, head_class = "enhanced_2d", Enhanced
