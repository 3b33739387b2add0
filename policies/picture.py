"""The policy's picture: the whole view squeezed, never cropped. Needs numpy and pillow alone."""

from __future__ import annotations

import numpy as np
from PIL import Image

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # published with CLIP, the same in Kosmos-2
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


def checked(rgb: np.ndarray) -> np.ndarray:
    """A picture as it is.

    Raises:
        ValueError: for anything else than [H, W, 3] uint8.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise ValueError(f"A picture is [H, W, 3] uint8, got {rgb.shape} {rgb.dtype}.")
    return rgb


def squeeze(rgb: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture [H, W, 3] uint8 at another (height, width), without cropping; as it is if it fits.

    Raises:
        ValueError: for anything else than [H, W, 3] uint8.
    """
    height, width = size
    if checked(rgb).shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))
