"""What a record is worth: pure functions of `Record`, so that a rule can change without a new run.

Lengths in metres, times in seconds; the sides are `left` and `right` of the way from start to cup.
None stands where an episode has no such number; it then counts in no mean of it. How the robot
moved is in `eval.motion`, what depends on wall-clock times in `eval.timing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from envs import planner, task
from envs.interface import TICK_S
from episodes.record import Record
from eval import motion

MODES = ("reach", "stop", "hold")  # what counts as being at the goal; each includes the next
DEFAULT_MODE = "hold"
SAFETY_MARGIN_M = 0.05  # chosen: nearer than this to a box is near
EVERY = "episodes without errors"
ANY = f"{EVERY}, won or not"
MEANS = {  # averaged in a summary -> over which episodes
    "spl": f"{EVERY}, 0 where there was no success",
    "soft_spl": EVERY,
    "ndtw": ANY,
    "sdtw": f"{EVERY}, nDTW where there was a success, else 0",
    "barn": f"{EVERY}, 0 where there was no success",
    "progress": ANY,
    "remaining_m": ANY,
    "path_length_m": ANY,
    "time_s": ANY,
    "min_clearance_m": ANY,
    "box_gap_min_m": ANY,
    "box_gap_mean_m": ANY,
    "near_box_s": ANY,
    "contacts": ANY,
    "first_contact_s": f"{EVERY} in which something was touched",
    "impact_speed_m_s": f"{EVERY} in which something was touched",
    "jerk_m_s3": f"{EVERY} with at least three decisions",
    "curvature_1_m": f"{EVERY} with at least two moves",
    "roughness": f"{EVERY} with at least two moves",
    "angle_over_length_rad_m": f"{EVERY} in which the robot moved",
}


def judge(record: Record) -> dict[str, Any]:
    """Everything that is stored about one episode, ready for JSON. No wall-clock time is in it."""
    won = success(record)
    measured = {name: _finite(record, name, measure(record)) for name, measure in MEASURES.items()}
    measured["sdtw"] = won * (measured["ndtw"] or 0.0)
    return {
        "success": won, "reach": at_goal(record, "reach"), "contact": contact(record),
        "side_followed": side_followed(record), "side_compliant": side_compliant(record),
        "metrics": {
            **{f"success_{mode}": success(record, mode) for mode in MODES},
            **measured, "decisions": record.decisions,
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
    return max(0.0, progress(record)) * _efficiency(record)


def progress(record: Record) -> float:
    """The share of the shortest way that is behind the robot: 1 - remaining / shortest.

    Negative where it ended farther away than it began.
    """
    return 1.0 - remaining_m(record) / shortest_m(record)


def barn(record: Record) -> float:
    """The BARN challenge's score: success * T0 / clip(T, 2 T0, 8 T0), so at most 0.5.

    T0 is the shortest way at full speed, T the time that the episode took.
    """
    if not success(record):
        return 0.0
    ideal_s = shortest_m(record) / (record.rules["step_m"] / record.rules["decision_s"])
    return ideal_s / min(max(time_s(record), 2.0 * ideal_s), 8.0 * ideal_s)


def min_clearance_m(record: Record) -> float:
    """The smallest gap between the robot's rim and any obstacle, as seen at the decisions."""
    return float(record.clearance_m.min())


def box_gaps_m(record: Record) -> np.ndarray:
    """The gap [K] between the robot's rim and the nearest box at every tick; negative inside."""
    ticks = max(1, round(record.rules["decision_s"] / TICK_S))
    at = np.minimum(np.arange(len(record.path)) // ticks, len(record.boxes) - 1)
    boxes = record.boxes[at]  # [K, B, 5]: as they stood at the decision before
    away = record.path[:, None, :2] - boxes[..., :2]
    cos, sin = np.cos(boxes[..., 2]), np.sin(boxes[..., 2])
    local = np.stack([cos * away[..., 0] + sin * away[..., 1],
                      cos * away[..., 1] - sin * away[..., 0]], axis=-1)
    beyond = np.abs(local) - boxes[..., 3:] / 2.0  # [K, B, 2]
    outside = np.linalg.norm(np.maximum(beyond, 0.0), axis=-1)
    gaps = outside + np.minimum(beyond.max(axis=-1), 0.0) - record.rules["robot_radius_m"]
    return gaps.min(axis=1)


def near_box_s(record: Record) -> float:
    """How long the robot was nearer than `SAFETY_MARGIN_M` to a box."""
    return int((box_gaps_m(record)[1:] < SAFETY_MARGIN_M).sum()) * TICK_S


def first_contact_s(record: Record) -> float | None:
    """When something was touched first; None where nothing was."""
    return float(min(record.touched.values())) if record.touched else None


def impact_speed_m_s(record: Record) -> float | None:
    """How fast the robot was in the last whole tick before it touched something; None if nothing.

    Records hold no forces: this stands for the impulse, which is at most speed * mass.
    """
    contact_s = first_contact_s(record)
    if contact_s is None:
        return None
    tick = min(max(1, math.ceil(round(contact_s / TICK_S, 6)) - 1), len(record.path) - 1)
    before = record.path[tick - 1:tick + 1, :2]
    return float(np.linalg.norm(np.diff(before, axis=0), axis=1).sum()) / TICK_S


def time_s(record: Record) -> float:
    """Seconds of the world's clock from start to end."""
    return (len(record.path) - 1) * TICK_S


def _efficiency(record: Record) -> float:
    shortest = shortest_m(record)
    return shortest / max(path_length_m(record), shortest)


def _finite(record: Record, name: str, value: float | None) -> float | None:
    """The value, or an error that says of what: NaN is no number."""
    if value is not None and not math.isfinite(value):
        raise ValueError(f"{record.scenario}, seed {record.seed}: {name} is {value}, expected a "
                         f"finite number; the record is damaged.")
    return value


MEASURES: dict[str, Callable[[Record], float | None]] = {
    "spl": spl, "soft_spl": soft_spl, "ndtw": motion.ndtw, "barn": barn,
    "progress": progress, "shortest_m": shortest_m, "remaining_m": remaining_m,
    "path_length_m": path_length_m, "time_s": time_s,
    "min_clearance_m": min_clearance_m,
    "box_gap_min_m": lambda record: float(box_gaps_m(record).min()),
    "box_gap_mean_m": lambda record: float(box_gaps_m(record).mean()),
    "near_box_s": near_box_s, "contacts": lambda record: len(record.touched),
    "first_contact_s": first_contact_s, "impact_speed_m_s": impact_speed_m_s,
    "jerk_m_s3": motion.jerk_m_s3, "curvature_1_m": motion.curvature_1_m,
    "roughness": motion.roughness, "angle_over_length_rad_m": motion.angle_over_length_rad_m,
}
