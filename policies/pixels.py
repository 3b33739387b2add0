"""Pictures as the towers want them: [B, 3, size, size], normalised as CLIP and Kosmos-2 are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from policies.picture import CLIP_MEAN, CLIP_STD, squeeze


def pixels(pictures: Sequence[np.ndarray], size: int, device: str | torch.device) -> torch.Tensor:
    """Pictures [H, W, 3] uint8 RGB as normalised values [B, 3, size, size] float32."""
    batch = np.stack([squeeze(picture, (size, size)) for picture in pictures])
    return normalise(torch.from_numpy(batch).to(device))


def normalise(batch: torch.Tensor) -> torch.Tensor:
    """[B, H, W, 3] from 0 to 255 to [B, 3, H, W] float32 with CLIP's mean and deviation."""
    mean = torch.tensor(CLIP_MEAN, device=batch.device).view(3, 1, 1)
    std = torch.tensor(CLIP_STD, device=batch.device).view(3, 1, 1)
    values = batch.permute(0, 3, 1, 2).to(torch.float32, copy=True,
                                          memory_format=torch.contiguous_format)
    return values.mul_(1.0 / (255.0 * std)).sub_(mean / std)  # in place: it is the size that costs
