"""A camera's frame as the policy's picture, normalised, in about a millisecond of one core.

The same picture as `policies.picture.squeeze` gives: each of its pixels is the mean of those whose
centres lie in it. There, pillow rounds to whole levels after each axis; here nothing is rounded, so
the two differ by at most one level of 255. Along the frame's lines it is a product of whole
numbers, which processors do four times as fast as one of 32-bit floats.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
from PIL import Image

from policies.picture import CLIP_MEAN, CLIP_STD

LEVELS, MIDDLE = 255.0, np.uint8(128)
COLORS = 3
WIDTH_STEP = 8  # columns of a product of whole numbers are padded to a multiple
MOST_IN_GROUP = 200  # pixels that one small matrix takes; more would cost more than pillow
WITH_WHOLE_NUMBERS = ("AVX2", "AVX512")  # processors whose product of whole numbers is fast


def can_shrink(height: int, width: int, size: int, device: torch.device) -> bool:
    """Whether frames of these sides are quicker here than in pillow."""
    if height <= size or width <= size:
        return False
    fast = (device.type == "cuda"
            or torch.backends.cpu.get_cpu_capability() in WITH_WHOLE_NUMBERS)
    return fast and _groups(height, size) is not None and _lines(width, size) is not None


def shrink(frame: np.ndarray, size: int, device: torch.device) -> torch.Tensor:
    """A frame [H, W, 3] uint8 RGB as [3, size, size] float32, normalised as CLIP's pictures are.

    Raises:
        ValueError: for sides of which `can_shrink` says no.
    """
    height, width, _ = frame.shape
    across, down, scale, shift = _constants(height, width, size, device)
    groups = math.gcd(width, size)
    columns = COLORS * size // groups
    levels = torch.from_numpy((frame ^ MIDDLE).view(np.int8)).to(device).view(height * groups, -1)
    lines = (levels.float() @ across.float() if device.type == "cuda"
             else torch._int_mm(levels, across))
    sums = lines[:, :columns].to(torch.float32).reshape(len(down), -1, groups * columns)
    means = torch.bmm(down, sums).view(size, groups, COLORS, -1)
    picture = means.permute(2, 0, 1, 3).reshape(COLORS, size, size)
    return torch.addcmul(shift, picture, scale)


@lru_cache(maxsize=16)
def _constants(height: int, width: int, size: int,
               device: torch.device) -> tuple[torch.Tensor, ...]:
    """What a frame is multiplied by.

    Returns:
        Along a group of a line's pixels and colours [in * 3, 3 * out, padded], whole numbers;
        down each group of lines [groups, out, in], means;
        scale [3, 1, size] and shift [3, 1, 1], which make sums along lines normalised values.
    """
    lines, down = _lines(width, size), _groups(height, size)
    if lines is None or down is None:
        raise ValueError(f"Frames of {height} x {width} do not become {size} x {size} by small "
                         f"matrices; ask can_shrink.")
    given, taken = lines.shape
    padded = -(-COLORS * given // WIDTH_STEP) * WIDTH_STEP
    across = torch.zeros(taken, COLORS, padded, dtype=torch.int8)
    for color in range(COLORS):
        across[:, color, color * given:(color + 1) * given] = lines.T
    mean, std = (torch.tensor(each).view(COLORS, 1, 1) for each in (CLIP_MEAN, CLIP_STD))
    counts = lines.sum(dim=1).repeat(size // given)
    scale = 1.0 / (counts * LEVELS * std)
    shift = (float(MIDDLE) / LEVELS - mean) / std
    return tuple(each.to(device) for each in (across.view(taken * COLORS, padded), down, scale,
                                              shift))


def _lines(side: int, size: int) -> torch.Tensor | None:
    """Which pixels of a group make which of the smaller line's [out, in], 0 and 1; all alike."""
    groups = _groups(side, size)
    if groups is None or not torch.equal(groups, groups[:1].expand_as(groups)):
        return None
    return (groups[0] > 0.0).to(torch.int8)


@lru_cache(maxsize=32)
def _groups(side: int, size: int) -> torch.Tensor | None:
    """Pillow's means of a line's pixels [groups, out, in]; None if they do not fall into groups.

    A pixel whose centre is on a rim falls here or there by rounding, so pillow is asked.
    """
    count = math.gcd(side, size)
    if side // count > MOST_IN_GROUP:
        return None
    single = Image.fromarray(np.eye(side, dtype=np.float32))
    means = torch.from_numpy(np.array(single.resize((size, side), Image.Resampling.BOX)).T.copy())
    blocks = means.view(count, size // count, count, side // count)
    own = torch.stack([blocks[group, :, group] for group in range(count)])
    return own if int((own != 0).sum()) == int((means != 0).sum()) else None
