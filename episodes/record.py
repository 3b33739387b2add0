"""The record of one episode: facts only. Metrics are pure functions of it, elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.interface import BoxTruth, Truth

MAYBE = ("rgb", "confidence", "late_s", "aside")  # arrays that not every record has
ASIDE = "aside "  # begins the names of other policies' arrays
SOURCES = ("real", "simulated", "dummy")


@dataclass(frozen=True)
class Record:
    """What happened in one episode of N decisions.

    `success`, `side_followed` and the like are not stored: `eval.metrics` derives them.
    """

    scenario: str
    scenario_hash: str
    policy: str
    instruction: str
    seed: int
    source: str
    ended_by: str  # goal | contact | time | out_of_bounds | stuck | policy_error | safety_stop
    error: str | None  # what the policy did wrong where ended_by is policy_error
    variation: dict[str, str]  # distance, bias, pattern
    resampled: int  # layouts refused at reset before this one
    rules: dict[str, float]  # the scenario's numbers that metrics need, see RULES
    pass_side: str
    poses: np.ndarray  # [N + 1, 3] float64: x m, y m, yaw rad before each decision, and at the end
    path: np.ndarray  # [K, 3] float64: the robot's pose at every tick
    boxes: np.ndarray  # [N + 1, B, 5] float64: x m, y m, yaw rad, length m, width m
    cup: np.ndarray  # [N + 1, 2] float64
    asked: np.ndarray  # [N, 3] float32: the policy's commands
    sent: np.ndarray  # [N, 3] float32: what the world executed, at the end of each decision
    velocity: np.ndarray  # [N + 1, 3] float32: measured, body frame
    clearance_m: np.ndarray  # [N + 1] float64: the robot's rim to the nearest obstacle
    latency_s: np.ndarray  # [N] float64: wall-clock seconds the policy took, 0 within a plan
    touched: dict[str, float]  # what was touched first at which second
    rgb: np.ndarray | None = field(default=None, repr=False)  # [N + 1, H, W, 3] uint8 where kept
    confidence: np.ndarray | None = None  # [N] float64 where the policy says any, else NaN
    late_s: np.ndarray | None = None  # [N] float64, on a virtual clock: seconds that the answer to
    # each picture took; NaN at later rows of a plan, infinite where the policy was still thinking
    appearance: dict[str, Any] | None = None  # how it looked, where that was drawn; `envs.look`
    aside: dict[str, np.ndarray] | None = None  # what other policies would have done: name ->
    # [N, 3] float32, NaN where they were not asked or had no answer; stored as `aside NAME`

    @property
    def plans(self) -> list[tuple[int, int]] | None:
        """On a virtual clock: at which decisions the policy looked, and how many rows it said."""
        if self.late_s is None:
            return None
        looked = [*np.flatnonzero(np.isfinite(self.late_s)).tolist(), len(self.late_s)]
        return [(start, 1 + int(np.isnan(self.late_s[start + 1:end]).sum()))
                for start, end in zip(looked, looked[1:])]

    @property
    def decisions(self) -> int:
        """How many commands were executed."""
        return len(self.sent)

    def truth(self, step: int) -> Truth:
        """The world before decision `step`, for labelling with the planner afterwards."""
        rules = self.rules
        return Truth(
            robot=tuple(self.poses[step]), cup=tuple(self.cup[step]),
            boxes=tuple(BoxTruth(*row) for row in self.boxes[step].tolist()),
            pass_side=self.pass_side, robot_radius_m=rules["robot_radius_m"],
            step_m=rules["step_m"], goal_radius_m=rules["goal_radius_m"],
            clearance_m=rules["clearance_m"], lead_m=rules["lead_m"],
        )

    def header(self) -> dict[str, Any]:
        """Everything but the arrays, ready for JSON."""
        return {name: value for name, value in vars(self).items()
                if not isinstance(value, np.ndarray) and name not in MAYBE}

    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays by name; those that may be missing only where they are there."""
        found = {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        others = self.aside or {}
        return found | {ASIDE + name.replace("/", "_"): others[name] for name in others}


def parted(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """What `Record.arrays` gave, as fields of a record again."""
    fields = {name: value for name, value in arrays.items() if not name.startswith(ASIDE)}
    others = {name.removeprefix(ASIDE): value for name, value in arrays.items()
              if name.startswith(ASIDE)}
    return fields | ({"aside": others} if others else {})
