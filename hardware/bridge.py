"""A simulated robot as one that speaks ROS 2: `python -m hardware.bridge --address HOST:PORT`.

Pictures of `python -m envs.serve` are published, velocities heard are passed on.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scenarios.cli import LogLevel, run_command

PERIOD_S = 0.01


@dataclass(frozen=True)
class Config:
    """Publish a simulated robot's camera and let /cmd_vel drive it, until Ctrl-C."""

    address: str
    """host:port of `python -m envs.serve`."""
    profile: str = "serbot"
    """Name or TOML file of hardware/robots: topics, kinds and units."""
    domain: int | None = None
    """ROS_DOMAIN_ID; the profile's where not given."""
    log_level: LogLevel = "info"
    """How much is logged."""


def main(config: Config) -> Callable[[], None]:
    """Connect both sides and return the work."""
    from hardware.profile import load_profile
    from hardware.transport import Place

    profile = load_profile(config.profile)
    robot = Place("sim", config.address, config.profile).open()
    domain = profile.ros.domain if config.domain is None else config.domain
    return lambda: _pass_on(robot, profile, domain)


def _pass_on(robot: Any, profile: Any, domain: int) -> None:
    from cyclonedds.domain import DomainParticipant
    from cyclonedds.pub import DataWriter
    from cyclonedds.sub import DataReader
    from cyclonedds.topic import Topic

    from hardware import ros_messages as ros
    from hardware.transport_dds import CAMERA, COMPRESSED, WHEELS, said

    here, topics = DomainParticipant(domain), profile.ros
    packed, kind = topics.image.endswith(COMPRESSED), (
        ros.TwistStamped if topics.stamped else ros.Twist)
    camera: Any = DataWriter(here, Topic(here, f"rt{topics.image}", (
        ros.CompressedImage if packed else ros.Image)), qos=CAMERA)
    wheels: Any = DataReader(here, Topic(here, f"rt{topics.velocity}", kind), qos=WHEELS)
    shown = -1
    try:
        while True:
            for heard in said(wheels.take(16)):
                twist = heard.twist if topics.stamped else heard
                robot.send(profile.from_wire(
                    (twist.linear.x, twist.linear.y, twist.angular.z)))
            frame = robot.frame()
            if frame is not None and frame.number > shown:
                shown = frame.number
                camera.write(ros.message_of(frame.rgb, packed))
            time.sleep(PERIOD_S)
    finally:
        robot.close()


if __name__ == "__main__":
    run_command(Config, main)
