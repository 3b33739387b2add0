"""What the task means, as pure functions of poses: goal, side, stillness. Needs numpy alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

PASSED_RAD = math.pi / 2  # the bearing from a box to the robot turned by more than this: passed


def goal_distance_m(pose: Sequence[float], cup: Sequence[float]) -> float:
    """From the robot's centre to the cup's centre."""
    return math.dist(pose[:2], cup[:2])


def side_passed(path: np.ndarray, box_xy: Sequence[float]) -> str | None:
    """On which side of a box a path [K, >=2] went by, or None where it did not go by.

    The bearing from the box to the robot turns clockwise when the robot passes on the left of a box
    that it drives towards, and counter-clockwise on the right.
    """
    away = np.asarray(path, float)[:, :2] - np.asarray(box_xy, float)[:2]
    bearing = np.arctan2(away[:, 1], away[:, 0])
    turns = bearing[1:] - bearing[:-1]
    turned = float((turns - math.tau * np.rint(turns / math.tau)).sum())
    if abs(turned) < PASSED_RAD:
        return None
    return "left" if turned < 0 else "right"


def side_followed(path: np.ndarray, boxes: Sequence[Sequence[float]]) -> str | None:
    """`left` or `right` if every box was passed there, `mixed`, or None if one was not passed."""
    sides = [side_passed(path, box) for box in boxes]
    if None in sides:
        return None
    return sides[0] if len(set(sides)) == 1 else "mixed"


def stood_still(poses: np.ndarray, decisions: int, still_m: float) -> bool:
    """Whether the robot moved less than `still_m` in each of the last decisions; poses [N, 3]."""
    if len(poses) <= decisions:
        return False
    moved = np.linalg.norm(np.diff(poses[-decisions - 1:, :2], axis=0), axis=1)
    return bool(np.all(moved < still_m))
