"""How far a point is from what stands on the floor, seen from above. Needs nothing but math."""

from __future__ import annotations

import math
from collections.abc import Sequence


class Rectangle:
    """The footprint of a box: centre (m), yaw (rad) and half its sides (m)."""

    def __init__(self, pose: Sequence[float], half_m: Sequence[float]) -> None:
        """`pose` is x m, y m, yaw rad; `half_m` along the box's own x and y axis."""
        self._x, self._y = pose[:2]
        self._cos, self._sin = math.cos(pose[2]), math.sin(pose[2])
        self._half_x, self._half_y = half_m[:2]

    def gap_m(self, x: float, y: float) -> float:
        """Metres from a point to the rim; negative inside."""
        x, y = x - self._x, y - self._y
        beside = abs(self._cos * x + self._sin * y) - self._half_x
        before = abs(self._cos * y - self._sin * x) - self._half_y
        if beside > 0.0 and before > 0.0:
            return math.hypot(beside, before)
        return max(beside, before)


class Disc:
    """The footprint of a cylinder: centre and radius (m)."""

    def __init__(self, pose: Sequence[float], radius_m: float) -> None:
        """`pose` is x m, y m and whatever follows."""
        self._x, self._y = pose[:2]
        self._radius_m = radius_m

    def gap_m(self, x: float, y: float) -> float:
        """Metres from a point to the rim; negative inside."""
        return math.hypot(x - self._x, y - self._y) - self._radius_m
