"""What a failed episode looked like: one name of the laboratory's taxonomy, from its record alone.

The name says how it failed, not why; `eval.why` looks for the cause. Names of that taxonomy that no
driven episode can show (of data sets, of loading) are not here.
"""

from __future__ import annotations

import numpy as np

from episodes.record import Record
from eval import metrics

OSCILLATES = 1 / 3  # chosen: of the moves, so many turn back by more than a right angle
ABOUT = {  # what it is called -> when; the first that fits
    "left_right_confusion": "a box was passed on the wrong side",
    "overshoot": "touched the cup, or drove out of bounds",
    "missed_stop": "was at the goal and did not stay",
    "forward_collapse": "touched a box and was never told to go aside",
    "late_turn": "touched a box and was told to go aside",
    "oscillation": "a third of its moves or more turn back by more than a right angle",
    "false_stop": "stood still away from the goal at the end",
    "other": "none of these",
}


def kind_of(record: Record) -> str:
    """Which of `ABOUT` a failed episode is.

    Raises:
        ValueError: if it is no failure.
    """
    if metrics.success(record) or record.ended_by == "policy_error":
        raise ValueError(f"{record.scenario}, seed {record.seed}: is no failure.")
    if metrics.side_followed(record) not in (None, record.pass_side):
        return "left_right_confusion"
    if "cup" in record.touched or record.ended_by == "out_of_bounds":
        return "overshoot"
    boxes = [name for name in record.touched if name.startswith("box")]
    if not boxes and metrics.at_goal(record, "reach"):
        return "missed_stop"
    if boxes:
        aside = np.abs(record.sent[:, 1:]).max(initial=0.0) > record.rules["dead_band"]
        return "late_turn" if aside else "forward_collapse"
    if _turns_back(record.sent) >= OSCILLATES:
        return "oscillation"
    still = np.abs(record.sent[-2:]).max(initial=0.0) <= record.rules["dead_band"]
    return "false_stop" if still else "other"


def _turns_back(sent: np.ndarray) -> float:
    """The share of neighbouring moves whose directions differ by more than a right angle."""
    before, after = sent[:-1, :2], sent[1:, :2]
    return float(((before * after).sum(axis=1) < 0.0).mean()) if len(before) else 0.0
