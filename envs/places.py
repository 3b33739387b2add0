"""Where distractors stand: on the floor, between where the robot may drive and the walls."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from envs.profile import Profile
from scenarios import Scenario

ROBOT_MARGIN_M = 0.2  # beyond the bounds, for a robot whose centre stands on them
GAP_M = 0.03  # between two distractors
PLACING_TRIES = 1000
# A profile's fullest room is filled so often, each thing in so few tries, before it is drawn from:
REHEARSALS, REHEARSAL_TRIES = 200, 100

Strip = tuple[tuple[float, float], tuple[float, float]]  # x range, y range, m
Circle = tuple[float, float, float]  # x, y, radius, m


def check_places(profile: Profile, scenario: Scenario) -> None:
    """Refuse distractors for which the scenario's room is too small or soon too full.

    Raises:
        ValueError: one sentence, whatever one episode would draw.
    """
    count, width_m = profile.distractors.count[1], profile.distractors.width_m[1]
    if count == 0:
        return
    reach_m = max(reach(shape, (width_m,) * 3) for shape in profile.distractors.shapes)
    sides = strips(reach_m, scenario)
    if not sides:
        raise ValueError(
            f"{scenario.name}: no side of the room has place for a distractor {2 * reach_m:.2f} m "
            f"across, {ROBOT_MARGIN_M} m outside the bounds, as the appearance {profile.name} may "
            "draw. Make width_m of the distractors smaller, their count 0, or the room larger.")
    if not _holds(count, reach_m, sides):
        raise ValueError(
            f"{scenario.name}: the room may be too full for {count} distractors up to "
            f"{2 * reach_m:.2f} m across, as the appearance {profile.name} may draw. Make their "
            "count or width_m smaller, or the room larger.")


def reach(shape: str, size_m: tuple[float, float, float]) -> float:
    """The radius in metres of the circle that a thing covers on the floor, however turned."""
    return math.hypot(size_m[0], size_m[1]) / 2 if shape == "box" else size_m[0] / 2


def strips(reach_m: float, scenario: Scenario) -> tuple[Strip, ...]:
    """Where a centre may be: every side of the room that is wide enough."""
    room, bounds = scenario.room, scenario.success
    keep = ROBOT_MARGIN_M + reach_m
    x, y = ((low + reach_m, high - reach_m) for low, high in (room.x_m, room.y_m))
    sides = [((bounds.bounds_x_m[1] + keep, x[1]), y), ((x[0], bounds.bounds_x_m[0] - keep), y),
             (x, (bounds.bounds_y_m[1] + keep, y[1])), (x, (y[0], bounds.bounds_y_m[0] - keep))]
    return tuple((xs, ys) for xs, ys in sides if xs[0] <= xs[1] and ys[0] <= ys[1])


def free_place(reach_m: float, sides: Sequence[Strip], placed: Sequence[Circle],
               rng: np.random.Generator, tries: int = PLACING_TRIES) -> tuple[float, float] | None:
    """A centre (x m, y m) where nothing stands yet, on a random side; None where none is found."""
    for _ in range(tries):
        xs, ys = sides[int(rng.integers(len(sides)))]
        x, y = rng.uniform(*xs), rng.uniform(*ys)
        if all(math.hypot(x - other_x, y - other_y) >= reach_m + other_reach_m + GAP_M
               for other_x, other_y, other_reach_m in placed):
            return x, y
    return None


@functools.lru_cache(maxsize=64)
def _holds(count: int, reach_m: float, sides: tuple[Strip, ...]) -> bool:
    """Whether so many things of this reach are placed with ease, every time."""
    rng = np.random.default_rng(0)
    for _ in range(REHEARSALS):
        placed: list[Circle] = []
        for _ in range(count):
            place = free_place(reach_m, sides, placed, rng, REHEARSAL_TRIES)
            if place is None:
                return False
            placed.append((*place, reach_m))
    return True
