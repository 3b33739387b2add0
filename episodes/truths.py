"""The truth that a simulated file keeps: for labelling with the planner, never for a policy."""

from __future__ import annotations

import json
from pathlib import Path

import h5py

from envs.interface import BoxTruth, Truth

RULES = ("robot_radius_m", "step_m", "goal_radius_m", "clearance_m", "lead_m")


def read_truth(path: Path, decision: int = 0) -> Truth | None:
    """The world before a decision of an episode file; None where the file keeps none.

    Recordings have no group sim/; that of made-up files may say no more than their source.

    Raises:
        ValueError: if the file is damaged.
    """
    try:
        with h5py.File(path, "r") as file:
            if "sim" not in file or not len(file["sim"]):
                return None
            group = file["sim"]
            rules = json.loads(group.attrs["rules"])
            return Truth(
                robot=tuple(group["poses"][decision].tolist()),
                boxes=tuple(BoxTruth(*row) for row in group["boxes"][decision].tolist()),
                cup=tuple(group["cup"][decision].tolist()),
                pass_side=str(group.attrs["pass_side"]), **{name: rules[name] for name in RULES},
            )
    except (OSError, KeyError, RuntimeError) as error:
        raise ValueError(f"{path}: its group sim/ is damaged ({error}), expected poses, boxes, "
                         f"cup, rules and pass_side.") from error
