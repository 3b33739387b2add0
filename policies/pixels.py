"""Pictures as the towers want them: [B, 3, size, size], normalised as CLIP and Kosmos-2 are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from policies.picture import CLIP_MEAN, CLIP_STD, checked, squeeze
from policies.shrink import can_shrink, shrink


def pixels(pictures: Sequence[np.ndarray], size: int, device: str | torch.device) -> torch.Tensor:
    """Pictures [H, W, 3] uint8 RGB as normalised values [B, 3, size, size] float32."""
    place = torch.device(device)
    if any(picture.shape[:2] != (size, size) for picture in pictures):
        return torch.stack([_one(checked(picture), size, place) for picture in pictures])
    return normalise(torch.from_numpy(np.stack([checked(each) for each in pictures])).to(place))


def _one(picture: np.ndarray, size: int, place: torch.device) -> torch.Tensor:
    """A picture of any sides; how it is made smaller does not depend on its companions."""
    height, width = picture.shape[:2]
    if can_shrink(height, width, size, place):
        return shrink(picture, size, place)
    return normalise(torch.from_numpy(squeeze(picture, (size, size)).copy())[None].to(place))[0]


def normalise(batch: torch.Tensor) -> torch.Tensor:
    """[B, H, W, 3] from 0 to 255 to [B, 3, H, W] float32 with CLIP's mean and deviation."""
    mean = torch.tensor(CLIP_MEAN, device=batch.device).view(3, 1, 1)
    std = torch.tensor(CLIP_STD, device=batch.device).view(3, 1, 1)
    values = batch.permute(0, 3, 1, 2).to(torch.float32, copy=True,
                                          memory_format=torch.contiguous_format)
    return values.mul_(1.0 / (255.0 * std)).sub_(mean / std)  # in place: it is the size that costs
