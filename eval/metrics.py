"""What a record is worth: pure functions of `Record`, so that a rule can change without a new run.

Lengths in metres, times in seconds; the sides are `left` and `right` of the way from start to cup.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from envs import planner, task
from envs.interface import TICK_S
from episodes.record import Record

MODES = ("reach", "stop", "hold")  # what counts as being at the goal; each includes the next
DEFAULT_MODE = "hold"
MEANS = ("spl", "soft_spl", "path_length_m", "min_clearance_m", "time_s")  # averaged in a summary


def judge(record: Record) -> dict[str, Any]:
    """Everything that is stored about one episode, ready for JSON. No wall-clock time is in it."""
    return {
        "success": success(record), "reach": at_goal(record, "reach"), "contact": contact(record),
        "side_followed": side_followed(record), "side_compliant": side_compliant(record),
        "metrics": {
            **{f"success_{mode}": success(record, mode) for mode in MODES},
            "spl": spl(record), "soft_spl": soft_spl(record),
            "path_length_m": path_length_m(record), "shortest_m": shortest_m(record),
            "remaining_m": remaining_m(record), "min_clearance_m": min_clearance_m(record),
            "time_s": time_s(record), "decisions": record.decisions,
        },
    }


def success(record: Record, mode: str = DEFAULT_MODE) -> bool:
    """At the goal by `mode`, every box passed on the commanded side, and nothing touched."""
    return at_goal(record, mode) and side_compliant(record) is True and not contact(record)


def at_goal(record: Record, mode: str) -> bool:
    """Whether the robot was at the goal, the circle round the cup's centre.

    `reach`: its centre was inside at some tick. `stop`: it stood still inside for one decision.
    `hold`: for `hold_decisions` in a row, which is what the scenarios ask for.

    Raises:
        ValueError: for an unknown mode.
    """
    rules = record.rules
    if mode == "reach":
        gaps = np.linalg.norm(record.path[:, :2] - record.cup[0], axis=1)
        return bool(gaps.min() <= rules["goal_radius_m"])
    if mode not in MODES:
        raise ValueError(f"mode must be one of {', '.join(MODES)}, got {mode!r}.")
    wanted = int(rules["hold_decisions"]) if mode == "hold" else 1
    gaps = np.linalg.norm(record.poses[:, :2] - record.cup, axis=1)
    inside = gaps <= rules["goal_radius_m"]
    return any(inside[end] and task.stood_still(record.poses[:end + 1], wanted, rules["still_m"])
               for end in range(len(inside)))


def contact(record: Record) -> bool:
    """Whether the robot touched anything: box, cup or wall."""
    return bool(record.touched)


def side_followed(record: Record) -> str | None:
    """`left` or `right` if every box was passed there, `mixed`, or None if one was not passed."""
    return task.side_followed(record.path, record.boxes[0, :, :2].tolist())


def side_compliant(record: Record) -> bool | None:
    """Whether every box was passed on the commanded side; None if one was not passed at all."""
    side = side_followed(record)
    return None if side is None else side == record.pass_side


def shortest_m(record: Record) -> float:
    """The shortest collision-free way from the start to the goal circle on the commanded side.

    Raises:
        ValueError: if there is none or the start is inside the circle: such a layout is no task.
    """
    length_m = planner.geodesic_m(record.truth(0))
    if not (math.isfinite(length_m) and length_m > 0.0):
        raise ValueError(f"{record.scenario}, seed {record.seed}: the shortest way must be longer "
                         f"than 0 m, got {length_m}.")
    return length_m


def remaining_m(record: Record) -> float:
    """The shortest way left at the end; where the robot touches a box, as close as it stands."""
    truth = replace(record.truth(-1), lead_m=0.0)
    route = planner.path(truth, clearance_m=0.0)
    length_m = float(np.linalg.norm(np.diff(route, axis=0), axis=1).sum())
    return max(0.0, length_m - truth.goal_radius_m)


def path_length_m(record: Record) -> float:
    """The way the robot's centre went, summed over ticks."""
    return float(np.linalg.norm(np.diff(record.path[:, :2], axis=0), axis=1).sum())


def spl(record: Record) -> float:
    """Success weighted by path length: success * shortest / max(path, shortest)."""
    return _efficiency(record) if success(record) else 0.0


def soft_spl(record: Record) -> float:
    """SPL with progress, max(0, 1 - remaining / shortest), in place of success.

    Neither side nor contact enters.
    """
    progress = max(0.0, 1.0 - remaining_m(record) / shortest_m(record))
    return progress * _efficiency(record)


def min_clearance_m(record: Record) -> float:
    """The smallest gap between the robot's rim and any obstacle, as seen at the decisions.

    Raises:
        ValueError: if a clearance is not finite.
    """
    gap_m = float(record.clearance_m.min())
    if not math.isfinite(gap_m):
        raise ValueError(f"{record.scenario}, seed {record.seed}: clearance is {gap_m}.")
    return gap_m


def time_s(record: Record) -> float:
    """Seconds of the world's clock from start to end."""
    return (len(record.path) - 1) * TICK_S


def _efficiency(record: Record) -> float:
    shortest = shortest_m(record)
    return shortest / max(path_length_m(record), shortest)
