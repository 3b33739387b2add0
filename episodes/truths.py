"""The truth that a simulated file keeps: for labelling with the planner, never for a policy."""

from __future__ import annotations

import json
from pathlib import Path

from envs.interface import BoxTruth, Truth
from episodes.guard import attributes, content, guarded

EXPECTED = "poses, boxes, cup, rules and pass_side"
RULES = ("robot_radius_m", "step_m", "goal_radius_m", "clearance_m", "lead_m")


def read_truth(path: Path, decision: int = 0) -> Truth | None:
    """The world before a decision of an episode file; None where the file keeps none.

    Recordings have no group sim/; that of made-up files and of augmented copies holds no poses.

    Raises:
        ValueError: if the file is damaged.
    """
    with guarded(path, EXPECTED) as file:
        if "sim" not in file or "poses" not in file["sim"]:
            return None
        group, facts = file["sim"], attributes(file["sim"])
        try:
            rules = json.loads(facts["rules"])
            poses, boxes, cup = (content(group[name]) for name in ("poses", "boxes", "cup"))
            return Truth(
                robot=tuple(poses[decision].tolist()),
                boxes=tuple(BoxTruth(*row) for row in boxes[decision].tolist()),
                cup=tuple(cup[decision].tolist()),
                pass_side=str(facts["pass_side"]), **{name: rules[name] for name in RULES},
            )
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"{path}: its group sim/ is damaged ({error}), expected "
                             f"{EXPECTED}.") from error
