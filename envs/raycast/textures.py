"""Textures as the kernels read them: square levels, each half the one before, bytes in lanes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

MAX_BITS = 10  # 1024 texels a side


@lru_cache(maxsize=16)
def load_textures(paths: Sequence[Path]) -> tuple[np.ndarray, np.ndarray]:
    """All levels of all pictures, one behind the other.

    Returns:
        Texels [N] uint64 (red, green, blue in the lowest bits of 16 each) and levels
        [T, MAX_BITS + 1, 2] int64: where each begins, and its side as a power of two; the finest
        first, the last one repeated to the end.
    """
    texels: list[np.ndarray] = []
    levels = np.zeros((len(paths), MAX_BITS + 1, 2), np.int64)
    start = 0
    for number, path in enumerate(paths):
        for level, texture in enumerate(_levels(path)):
            levels[number, level:] = start, len(texture).bit_length() - 1
            lanes = texture.astype(np.uint64)
            texels.append((lanes[..., 0] | lanes[..., 1] << 16 | lanes[..., 2] << 32).ravel())
            start += texels[-1].size
    return np.concatenate(texels) if texels else np.zeros(1, np.uint64), levels


def _levels(path: Path) -> list[np.ndarray]:
    """The picture as a square of a power of two and its halves, down to one texel."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    bits = min(MAX_BITS, max(1, round(np.log2(max(picture.size)))))
    if picture.size != (1 << bits, 1 << bits):
        picture = picture.resize((1 << bits, 1 << bits), Image.Resampling.LANCZOS)
    current = np.asarray(picture, np.float64)
    found = [current]
    while len(current) > 1:
        size = len(current) // 2
        current = current.reshape(size, 2, size, 2, 3).mean(axis=(1, 3))
        found.append(current)
    return [np.round(each).astype(np.uint8) for each in found]
