"""Red and blue of pixels change places, compiled."""

from __future__ import annotations

import numpy as np

from envs.raycast.compiled import jit


@jit
def swap(source: np.ndarray, target: np.ndarray) -> None:
    """Write the pixels [3 N] uint8 of `source` to `target`, which is none of its memory."""
    for pixel in range(source.size // 3):
        red, green, blue = source[3 * pixel], source[3 * pixel + 1], source[3 * pixel + 2]
        target[3 * pixel] = blue
        target[3 * pixel + 1] = green
        target[3 * pixel + 2] = red
