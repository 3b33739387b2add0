"""What the laboratory's parser answers: a kind of action, speeds, a target, how sure it is.

Needs numpy alone. Speeds are the laboratory's m/s-like numbers; `to_command` turns them into ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from envs.interface import COMMAND_LIMIT
from policies.interface import clip_commands

FULL_LINEAR = 0.5  # the laboratory's validator lets no more pass; SerBot's speed at full command
FULL_ANGULAR = 1.0  # likewise, rad/s


class ActionType(Enum):
    """What kind of thing the words ask for."""

    MOVE = "move"
    TURN = "turn"
    STOP = "stop"
    GRAB = "grab"
    RELEASE = "release"
    POINT = "point"
    LOOK = "look"
    NAVIGATE = "navigate"
    AVOID = "avoid"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RobotAction:
    """One action in the laboratory's units.

    A mobile base has no gripper: GRAB, RELEASE, POINT and LOOK are understood and stand still.

    Raises:
        ValueError: for a speed that is not finite or a confidence outside [0, 1].
    """

    type: ActionType
    linear_x: float = 0.0  # ahead, m/s-like: 0.5 is full speed
    linear_y: float = 0.0  # to the left, likewise
    angular_z: float = 0.0  # counter-clockwise, rad/s-like: 1.0 is full speed
    target_object: str | None = None
    confidence: float = 0.0
    description: str = ""  # the words it came from

    def __post_init__(self) -> None:
        """Refuse what no robot can do, where it is made."""
        speeds = (self.linear_x, self.linear_y, self.angular_z)
        if not np.isfinite(speeds).all():
            raise ValueError(f"Speeds of a RobotAction must be finite, got {speeds}.")
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence must be in [0, 1], got {self.confidence}.")

    def twist(self) -> dict[str, dict[str, float]]:
        """The laboratory's robot command: `{linear: {x, y}, angular: {z}}`, its own units."""
        return {"linear": {"x": self.linear_x, "y": self.linear_y},
                "angular": {"z": self.angular_z}}

    def as_json(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return vars(self) | {"type": self.type.value}


def to_command(action: RobotAction) -> np.ndarray:
    """The command [3] float32, dimensionless, that asks for these speeds.

    Each speed as a share of full speed, times 1.15: 0.5 ahead becomes 1.15, 0.2 becomes 0.46, a
    turn of 0.5 becomes 0.575. What is faster than full speed is cut. A robot whose drive is
    `proportional` keeps the share; SerBot's `throttle` keeps the direction alone, drives at its one
    speed, and turns on the spot where angular_z leaves the dead band of 0.1.
    """
    full = np.array([FULL_LINEAR, FULL_LINEAR, FULL_ANGULAR])
    speeds = np.array([action.linear_x, action.linear_y, action.angular_z])
    return clip_commands(speeds / full * COMMAND_LIMIT).astype(np.float32)
