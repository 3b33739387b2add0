"""What crosses the border between a world and everyone else. Needs numpy alone.

Frames: world x forward from the start, y left, yaw counter-clockwise; body frame likewise.
A command is `[linear_x, linear_y, angular_z]`, dimensionless, each in [-1.15, 1.15].
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

COMMAND_LIMIT = 1.15  # the laboratory's key press constant
DRIVES = ("throttle", "proportional")
TICK_S = 0.05
SUBSTEPS_PER_TICK = 12  # physics at 240 Hz


class Observation(TypedDict):
    """One look at the world. Never contains ground truth."""

    rgb: np.ndarray  # [H, W, 3] uint8, RGB, forward camera
    velocity: np.ndarray  # [3] float32: vx m/s, vy m/s, wz rad/s, body frame


@dataclass(frozen=True)
class BoxTruth:
    """One box as it stands: pose in the world frame and size."""

    x_m: float
    y_m: float
    yaw_rad: float
    length_m: float  # along its own x axis
    width_m: float  # along its own y axis


@dataclass(frozen=True)
class Truth:
    """Everything the privileged expert may know at one decision; no other policy sees it."""

    robot: tuple[float, float, float]  # x m, y m, yaw rad, world frame
    boxes: tuple[BoxTruth, ...]
    cup: tuple[float, float]
    pass_side: str  # left or right
    robot_radius_m: float
    step_m: float  # driven in one decision at full command
    goal_radius_m: float
    clearance_m: float  # what the nominal route keeps from the boxes
    lead_m: float


@dataclass(frozen=True)
class CameraSpec:
    """The forward camera on the robot's mast."""

    height_m: float
    tilt_rad: float  # positive looks down
    horizontal_fov_rad: float
    aspect: float  # width / height of the view, whatever the pixel counts are
    near_m: float
    far_m: float


@dataclass(frozen=True)
class RobotSpec:
    """The robot, and alone the place where commands become m/s.

    `throttle`: only the direction `atan2(linear_y, linear_x)` counts, at constant speed beyond the
    dead band; turning comes first. `proportional`: speed grows with the command.
    """

    name: str
    drive: str
    radius_m: float
    height_m: float
    mass_kg: float
    speed_m_s: float  # at full command
    turn_rate_rad_s: float  # at full command
    dead_band: float  # command units
    decision_s: float
    camera: CameraSpec

    def __post_init__(self) -> None:
        """Refuse unknown drives and decisions that are no whole number of ticks."""
        if self.drive not in DRIVES:
            raise ValueError(f"drive must be one of {', '.join(DRIVES)}, got {self.drive!r}.")
        if min(self.radius_m, self.height_m, self.mass_kg, self.speed_m_s, self.decision_s) <= 0:
            raise ValueError("radius_m, height_m, mass_kg, speed_m_s, decision_s must be above 0.")
        if abs(self.decision_s / TICK_S - self.ticks_per_decision) > 1e-9:
            raise ValueError(f"decision_s must be a multiple of {TICK_S}, got {self.decision_s}.")

    @property
    def ticks_per_decision(self) -> int:
        """Ticks of 0.05 s that one command is held."""
        return max(1, round(self.decision_s / TICK_S))

    @property
    def step_m(self) -> float:
        """Metres driven in one decision at full command."""
        return self.speed_m_s * self.decision_s

    def is_motion(self, command: np.ndarray) -> bool:
        """Whether a command moves the robot at all: some component leaves the dead band."""
        return bool(np.max(np.abs(command)) > self.dead_band)

    def velocity(self, command: np.ndarray) -> np.ndarray:
        """Body velocity [3] (vx m/s, vy m/s, wz rad/s) that a command [3] asks for."""
        command = np.clip(np.asarray(command, np.float64), -COMMAND_LIMIT, COMMAND_LIMIT)
        if self.drive == "proportional":
            share = np.where(np.abs(command) > self.dead_band, command / COMMAND_LIMIT, 0.0)
            return share * (self.speed_m_s, self.speed_m_s, self.turn_rate_rad_s)
        return self._throttle(command)

    def _throttle(self, command: np.ndarray) -> np.ndarray:
        """The laboratory's driver: spin first, else move at constant speed along the angle."""
        linear_x, linear_y, angular_z = command
        if abs(angular_z) > self.dead_band:
            return np.array([0.0, 0.0, self.turn_rate_rad_s * angular_z / COMMAND_LIMIT])
        if max(abs(linear_x), abs(linear_y)) <= self.dead_band:
            return np.zeros(3)
        angle = math.atan2(linear_y, linear_x)
        return np.array([self.speed_m_s * math.cos(angle), self.speed_m_s * math.sin(angle), 0.0])


def world_to_body(direction: np.ndarray, yaw_rad: float) -> np.ndarray:
    """Rotate a direction [2] from the world frame into the body frame."""
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    return np.array([cos * direction[0] + sin * direction[1],
                     -sin * direction[0] + cos * direction[1]])


def full_command(direction: np.ndarray) -> np.ndarray:
    """A body-frame direction [2] as a command [3] float32 whose largest component is 1.15."""
    largest = float(np.max(np.abs(direction)))
    if largest == 0.0:
        return np.zeros(3, np.float32)
    linear = np.asarray(direction, np.float64) / largest * COMMAND_LIMIT
    return np.array([linear[0], linear[1], 0.0], np.float32)
