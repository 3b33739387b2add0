"""Where the cup is in a picture: its edges to a fraction of a pixel, or nothing.

The cup is the only thing whose size is the same in every episode and whose colour nothing else has:
red. A cup that is cut off, half hidden or doubtful is no sighting.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEAST_RED = 40.0  # grey levels that red must exceed green and blue by
LEAST_SHARE = 0.45  # of red itself: cardboard has a quarter
LEAST_PIXELS = 4  # high and wide
NEXT = 0.08  # a second red thing may have at most this share of its pixels


class Sighting(NamedTuple):
    """Edges of the cup as shares of half the picture: right and down are positive, 0 the middle."""

    centre: float
    top: float
    base: float
    width: float


def find_target(rgb: np.ndarray) -> Sighting | None:
    """The cup in a picture [H, W, 3] uint8, None where it is not whole or not sure."""
    from scipy.ndimage import label

    colours = rgb.astype(np.float32)
    redness = colours[..., 0] - np.maximum(colours[..., 1], colours[..., 2])
    strong = (redness > LEAST_RED) & (redness > LEAST_SHARE * colours[..., 0])
    numbered, count = label(strong)
    if not count:
        return None
    sizes = np.bincount(numbered.ravel())[1:]
    largest = int(sizes.argmax()) + 1
    if sizes.sum() - sizes.max() > NEXT * sizes.max():
        return None
    rows, columns = np.nonzero(numbered == largest)
    (top, left), (base, right) = (rows.min(), columns.min()), (rows.max(), columns.max())
    height, width = rgb.shape[:2]
    if min(base - top, right - left) + 1 < LEAST_PIXELS or top < 2 or left < 2 or (
            base > height - 3 or right > width - 3):
        return None
    # How much of a pixel is cup: redness over what the cup has where it is surely whole.
    whole = np.median(redness[numbered == largest])
    cover = np.clip(redness[top - 2:base + 3, left - 2:right + 3] / whole, 0.0, 1.0)
    third = max(1, cover.shape[1] // 6)
    middle = cover[:, cover.shape[1] // 2 - third:cover.shape[1] // 2 + third + 1].mean(axis=1)
    sixth = max(1, cover.shape[0] // 6)
    belt = cover[cover.shape[0] // 2 - sixth:cover.shape[0] // 2 + sixth + 1].mean(axis=0)
    high, low = _edges(middle, top - 2)
    first, last = _edges(belt, left - 2)
    across, down = width / 2, height / 2
    return Sighting(((first + last) / 2 - across) / across, (high - down) / down,
                    (low - down) / down, (last - first) / across)


def _edges(cover: np.ndarray, start: int) -> tuple[float, float]:
    """Where a profile of pixels rises over a half and falls below it again, in pixels."""
    inside = np.flatnonzero(cover >= 0.5)
    first, last = int(inside[0]), int(inside[-1])
    rise = (cover[first] - 0.5) / max(1e-6, cover[first] - cover[first - 1])
    fall = (cover[last] - 0.5) / max(1e-6, cover[last] - cover[last + 1])
    return start + first + 0.5 - rise, start + last + 0.5 + fall
