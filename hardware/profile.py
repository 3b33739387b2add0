"""What a robot may do and how it is spoken to: `hardware/robots/*.toml`, or a user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from envs.interface import COMMAND_LIMIT
from hardware.safety import Limits, Velocity
from scenarios.shipped import shipped_or_own
from scenarios.strict import build, read_toml

ROBOTS = Path(__file__).parent / "robots"
WIRES = ("si", "lab")


@dataclass(frozen=True)
class Ros:
    """Topics and their kinds, without a ROS installation too."""

    image: str
    velocity: str
    stamped: bool
    odometry: str
    emergency: str
    image_service: str
    frame: str
    domain: int

    def __post_init__(self) -> None:
        """Refuse names that are no topics."""
        for topic in (self.image, self.velocity, self.emergency, self.odometry or "/none",
                      self.image_service or "/none"):
            if not topic.startswith("/") or len(topic) < 2 or " " in topic:
                raise ValueError(f"A topic begins with / and has no spaces, got {topic!r}.")
        if not 0 <= self.domain <= 232:
            raise ValueError(f"domain must be within 0 and 232, got {self.domain}.")


@dataclass(frozen=True)
class Vendor:
    """SerBot's own library and camera, without ROS."""

    camera: str  # a GStreamer pipeline whose pictures are upright
    width: int
    height: int
    speed_m_s: float  # of throttle 100
    turn_rate_rad_s: float  # the same, turning
    angle_sign: int  # 1 where the library's +90 degrees are left, -1 where they are right
    spin_sign: int  # 1 where its positive spin is counter-clockwise

    def __post_init__(self) -> None:
        """Refuse numbers that make no picture or no motion."""
        if self.width < 4 or self.width % 4 or self.height < 1:
            raise ValueError(f"width must be a multiple of 4 and height positive, got "
                             f"{self.width} x {self.height}.")
        if min(self.speed_m_s, self.turn_rate_rad_s) <= 0.0:
            raise ValueError("speed_m_s and turn_rate_rad_s of throttle 100 must be positive, got "
                             f"{self.speed_m_s} and {self.turn_rate_rad_s}.")
        for name in ("angle_sign", "spin_sign"):
            if getattr(self, name) not in (1, -1):
                raise ValueError(f"{name} must be 1 or -1, got {getattr(self, name)}.")


@dataclass(frozen=True)
class Profile:
    """One robot as the safety rules and the transports see it."""

    name: str
    wire: str
    limits: Limits
    ros: Ros
    vendor: Vendor

    def __post_init__(self) -> None:
        """Refuse unknown units."""
        if self.wire not in WIRES:
            raise ValueError(f"wire must be one of {', '.join(WIRES)}, got {self.wire!r}.")

    def on_wire(self, velocity: Velocity) -> Velocity:
        """A velocity in the units that the robot's driver hears."""
        straight, turning = self._units()
        return velocity[0] * straight, velocity[1] * straight, velocity[2] * turning

    def from_wire(self, said: Velocity) -> Velocity:
        """What the robot's driver hears, as a velocity."""
        straight, turning = self._units()
        return said[0] / straight, said[1] / straight, said[2] / turning

    def _units(self) -> tuple[float, float]:
        """What 1 m/s and 1 rad/s are on the wire."""
        if self.wire == "si":
            return 1.0, 1.0
        return (COMMAND_LIMIT / self.limits.speed_m_s,
                COMMAND_LIMIT / self.limits.turn_rate_rad_s)


def load_profile(name: str | Path = "serbot") -> Profile:
    """A shipped profile by name, or a user's own by the path of its TOML file.

    Raises:
        ValueError: for an unknown name ("Did you mean") or a file that does not fit.
    """
    path = shipped_or_own("robot profile", name, ROBOTS, ".toml")
    return build(Profile, read_toml(path), path.name)
