"""A ROS 2 robot, spoken to directly over DDS: the same topics and types, no ROS installation."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from cyclonedds.core import Policy, Qos
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.sub import DataReader
from cyclonedds.topic import Topic
from cyclonedds.util import duration

from episodes.ros_pictures import picture_of
from hardware.profile import Profile
from hardware.ros_messages import (
    Bool,
    CompressedImage,
    Header,
    Image,
    Time,
    Twist,
    TwistStamped,
    twist_of,
)
from hardware.safety import ZERO, Velocity
from hardware.transport import Frame, LinkLostError, domain_of

CAMERA = Qos(Policy.Reliability.BestEffort, Policy.History.KeepLast(1))  # sensor data
WHEELS = Qos(Policy.Reliability.Reliable(duration(seconds=0)), Policy.History.KeepLast(1))
COMPRESSED = "compressed"  # how the topic's name ends
ASKED_EVERY = 10  # sends: whether anybody listens

logger = logging.getLogger(__name__)


class DdsTransport:
    """The address is a DDS domain's number; the profile's where it is empty."""

    source = "real"

    def __init__(self, address: str, profile: Profile, looks: bool) -> None:
        """Join the domain. That nobody is there shows later: no pictures come.

        Raises:
            ValueError: for an address that is no number.
        """
        self._profile, ros = profile, profile.ros
        self._participant = DomainParticipant(domain_of(address or str(ros.domain)))
        kind: Any = TwistStamped if ros.stamped else Twist
        self._wheels: Any = DataWriter(
            self._participant, self._topic(ros.velocity, kind), qos=WHEELS)
        self._frame: Frame | None = None
        self.emergency = ""
        self._trouble, self._sent, self._was_heard, self._open = "", 0, False, True
        self._lost = ""  # nobody listens here any more: why
        if looks:
            kind = CompressedImage if ros.image.endswith(COMPRESSED) else Image
            self._camera: Any = DataReader(
                self._participant, self._topic(ros.image, kind), qos=CAMERA)
            self._alarm: Any = DataReader(
                self._participant, self._topic(ros.emergency, Bool), qos=WHEELS)
            self._thread = threading.Thread(target=self._listen, daemon=True)
            self._thread.start()

    def frame(self) -> Frame | None:
        """The latest picture."""
        return self._frame

    def velocity(self) -> np.ndarray | None:
        """Nothing measures."""
        return None

    def send(self, velocity: Velocity) -> None:
        """Publish a velocity, in the units of the profile's `wire`."""
        twist: Any = twist_of(self._profile.on_wire(velocity))
        if self._profile.ros.stamped:
            now_ns = time.time_ns()
            stamp = Time(now_ns // 10**9, now_ns % 10**9)
            twist = TwistStamped(Header(stamp, self._profile.ros.frame), twist)
        self._wheels.write(twist)
        if self._lost:
            raise LinkLostError(self._lost)
        if self._sent % ASKED_EVERY == 0:
            heard = bool(self._wheels.get_matched_subscriptions())
            if self._was_heard and not heard:
                raise LinkLostError(f"Nobody listens on {self._profile.ros.velocity} any more.")
            self._was_heard = heard
        self._sent += 1

    def stop(self) -> None:
        """Publish zero."""
        self._sent = 1  # whether anybody listens is no question now
        with contextlib.suppress(LinkLostError):
            self.send(ZERO)

    def close(self) -> None:
        """Stop, and leave the domain."""
        if self._open:
            self.stop()
            self._open = False
            if hasattr(self, "_thread"):
                self._thread.join()

    def _hear_alarm(self) -> None:
        """The last word on the emergency topic holds."""
        for message in said(self._alarm.take(16)):
            topic = self._profile.ros.emergency
            self.emergency = f"topic {topic}" if message.data else ""

    def _topic(self, name: str, kind: Any) -> Topic:
        return Topic(self._participant, f"rt{name}", kind)

    def _listen(self) -> None:
        """Read until it is closed. Where that ends by a fault, emergency stops go unheard, too."""
        try:
            self._read()
        finally:
            if self._open:
                self._lost = ("Nobody reads pictures and the emergency topic any more: that thread "
                              "ended by the fault that stands above.")

    def _read(self) -> None:
        """Keep the latest picture; one that cannot be read is said once and left out."""
        number = 0
        while self._open:
            self._hear_alarm()
            for message in said(self._camera.take_iter(timeout=duration(milliseconds=100))):
                if not self._open:  # pictures need not end by themselves
                    return
                self._hear_alarm()
                try:
                    rgb = picture_of(message)
                except ValueError as error:
                    if str(error) != self._trouble:
                        self._trouble = str(error)
                        logger.warning("%s: %s", self._profile.ros.image, error)
                    continue
                number += 1
                self._frame = Frame(number, time.monotonic(), rgb)


def said(samples: Iterable[Any]) -> Iterator[Any]:
    """The messages among samples: that a topic's last publisher has left is a sample, too."""
    return (sample for sample in samples if sample.sample_info.valid_data)
