"""Case 2, CLIPNormalized2DActionModelV2: Case 1 with a resampler and CLIP normalisation.

The original: the pooled picture, narrowed to 256, goes through a resampler of 16 latents (4 heads,
inner width x 1.5) and through CLIPNormalization: it is compared with the CLIP features of the whole
batch (cosine, temperature 0.07), the softmax's mean of these is projected to 256, added, and
normed. Words are only brought to unit length. The head is 512-256-2 with a LayerNorm over the two
outputs.

Different here: the resampler reads the class token and all patches, not a sequence of length one.
What a robot does must not depend on who else is asked, so a picture is compared with its own CLIP
feature alone, as in the original at batch one; the softmax over one is 1, and the projection that
served the comparison only has no part any more. The CLIP feature is the vision tower's before its
projection (768 wide, not 512), the same that the hybrid sees. Unit length is given as unit mean
square, the same direction as loud as what stands beside it. No LayerNorm over two outputs.

Its recipe was Case 1's (3e-5 in its code): see there why the protocol's serves here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.backbone import Parts
from policies.case1_simplified import DROPOUT, TEXT, VISION, narrow
from policies.head import AXES, Head, Wants, regressor
from policies.learned import Learned
from policies.resampler import Resampler
from policies.sizes import Sizes, dropout

PATCHES, CLIP = "kosmos_patches", "clip_vision"
INNER_FACTOR = 1.5


class ClipNormalisation(nn.Module):
    """A picture's features, corrected by its own CLIP feature."""

    def __init__(self, width: int, clip_width: int) -> None:
        """`width`: of the features that are corrected."""
        super().__init__()
        self.project = nn.Linear(clip_width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, seen: torch.Tensor, clip: torch.Tensor) -> torch.Tensor:
        """Features [..., width] and CLIP features [..., clip_width] to [..., width]."""
        return self.norm(seen + self.project(direction(clip)))


class ClipNormalizedHead(Head):
    """Patches through the resampler, CLIP normalisation, words -> command."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], resampler: bool = True,
                 clip: bool = True) -> None:
        """Case 1's inputs with two parts more.

        Args:
            sizes: Of the layers.
            widths: Of the towers' parts.
            resampler: Whether it reads all patches; without, the pooled picture.
            clip: Whether there is CLIP normalisation.
        """
        seen = PATCHES if resampler else VISION
        super().__init__(Wants((seen, *([CLIP] if clip else [])), (TEXT,)), widths)
        width, drop = sizes.case_width, dropout(DROPOUT, sizes)
        self.resampler = Resampler(
            widths[PATCHES], width, sizes.kosmos_latents // 4, layers=1,
            heads=sizes.resampler_heads // 2, inner_factor=INNER_FACTOR) if resampler else None
        self.vision = nn.Dropout(drop) if resampler else narrow(widths[VISION], width, drop)
        self.clip = ClipNormalisation(width, widths[CLIP]) if clip else None
        self.text = narrow(widths[TEXT], width, drop)
        self.actions = regressor(2 * width, width, AXES, dropout=drop)

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 1, 2], each frame on its own."""
        scaled = self.scaled(parts)
        seen = scaled[self.wants.frame[0]]
        if self.resampler is not None:
            seen = self.resampler(seen).mean(dim=-2)
        seen = self.vision(seen)
        if self.clip is not None:
            seen = self.clip(seen, scaled[CLIP])
        words = direction(self.text(scaled[TEXT]))[:, None].expand(-1, seen.shape[1], -1)
        return self.actions(torch.cat([seen, words], dim=-1))[:, :, None] * COMMAND_LIMIT


def direction(values: torch.Tensor) -> torch.Tensor:
    """Values [..., width] of mean square 1: what unit length is, times the root of the width."""
    return F.rms_norm(values, values.shape[-1:])


class CaseTwo(Learned):
    """`--policy case2_clip_normalized`."""

    model, with_clip, head_class = "case2_clip_normalized", True, ClipNormalizedHead


class CaseTwoWithoutClip(Learned):
    """Its variant that needs no CLIP tower."""

    model, head_class = "case2_no_clip", partial(ClipNormalizedHead, clip=False)
