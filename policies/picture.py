"""The policy's picture: the whole view squeezed to a square, normalised as CLIP does."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # published with CLIP, the same in Kosmos-2
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def squeeze(rgb: np.ndarray, size: int) -> np.ndarray:
    """A picture [H, W, 3] uint8 as [size, size, 3], without cropping; as it is if it fits."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"A picture is [H, W, 3] uint8, got {rgb.shape} {rgb.dtype}.")
    if rgb.shape[:2] == (size, size):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((size, size), Image.Resampling.BOX))


def pixels(pictures: Sequence[np.ndarray], size: int, device: str | torch.device) -> torch.Tensor:
    """Pictures [H, W, 3] uint8 RGB as normalised values [B, 3, size, size] float32."""
    batch = np.stack([squeeze(picture, size) for picture in pictures])
    return normalise(torch.from_numpy(batch).to(device))


def normalise(batch: torch.Tensor) -> torch.Tensor:
    """[B, H, W, 3] uint8 to [B, 3, H, W] float32 with CLIP's mean and deviation."""
    values = batch.permute(0, 3, 1, 2).float().div(255.0)
    mean = torch.tensor(CLIP_MEAN, device=batch.device).view(1, 3, 1, 1)
    std = torch.tensor(CLIP_STD, device=batch.device).view(1, 3, 1, 1)
    return (values - mean) / std
