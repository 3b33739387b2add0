"""The sensor's faults: a Gaussian blur, and noise that only seed, moment and place decide."""

from __future__ import annotations

import math

import numpy as np

from envs.raycast.compiled import jit

BLUR_WIDTH = 224  # a blur's strength counts pixels of a picture this wide


def sense(picture: np.ndarray, blur_px: float, aspect: float, noise: float, seed: int,
          moment: int) -> None:
    """Blur and disturb a picture [H, W, 3] uint8 in place.

    Args:
        picture: Of a view `aspect` times as wide as high, however many pixels it has.
        blur_px: Standard deviation in a picture 224 wide.
        aspect: See `picture`.
        noise: Standard deviation in grey levels.
        seed: Of the episode's noise.
        moment: Of this picture in its episode.
    """
    height, width = picture.shape[:2]
    if blur_px > 0.0:
        across = _kernel(blur_px * width / BLUR_WIDTH)
        along = _kernel(blur_px * height * aspect / BLUR_WIDTH)
        _blur(picture, across, along)
    if noise > 0.0:
        _disturb(picture, noise, np.uint64(np.random.SeedSequence([seed, moment]).generate_state(
            1, np.uint64)[0]))


def _kernel(sigma: float) -> np.ndarray:
    """Half a normalised Gaussian [R + 1] float32, the middle first."""
    reach = np.arange(max(1, math.ceil(3.0 * sigma)) + 1)
    half = np.exp(-0.5 * (reach / max(sigma, 1e-3)) ** 2)
    return (half / (half[0] + 2.0 * half[1:].sum())).astype(np.float32)


@jit
def _blur(picture, across, along):
    """Rows, then columns; what lies outside the picture is like its edge."""
    height, width = picture.shape[0], picture.shape[1]
    rows = np.empty((height, 3 * width), np.float32)
    flat = picture.reshape(height, 3 * width)
    for v in range(height):
        for k in range(3 * width):
            total = across[0] * flat[v, k]
            for step in range(1, len(across)):
                left, right = k - 3 * step, k + 3 * step
                total += across[step] * (np.float32(flat[v, left if left >= 0 else k % 3])
                                         + np.float32(flat[v, right if right < 3 * width
                                                           else 3 * width - 3 + k % 3]))
            rows[v, k] = total
    for v in range(height):
        for k in range(3 * width):
            total = along[0] * rows[v, k]
            for step in range(1, len(along)):
                total += along[step] * (rows[max(0, v - step), k]
                                        + rows[min(height - 1, v + step), k])
            flat[v, k] = np.uint8(total + np.float32(0.5))


@jit
def _disturb(picture, noise, seed):
    """Add noise to every byte, each from its own hash: nearly Gaussian, the sum of four bytes."""
    flat = picture.reshape(-1)
    scale = np.float32(noise / math.sqrt(4.0 * (256.0 ** 2 - 1.0) / 12.0))
    for k in range(len(flat)):
        z = seed + np.uint64(k + 1) * np.uint64(0x9E3779B97F4A7C15)  # splitmix64, Steele 2014
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
        total = np.int64((z & np.uint64(255)) + (z >> np.uint64(8) & np.uint64(255))
                         + (z >> np.uint64(16) & np.uint64(255))
                         + (z >> np.uint64(24) & np.uint64(255))) - 510
        value = np.float32(flat[k]) + scale * np.float32(total)
        flat[k] = np.uint8(min(np.float32(255.0), max(np.float32(0.0), value)) + np.float32(0.499))
