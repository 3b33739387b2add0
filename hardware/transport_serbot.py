"""SerBot II without ROS: its camera through GStreamer, its wheels through the vendor's library.

NOT VERIFIED ON HARDWARE: tested with a library and a camera that are made up. The library moves
straight in any direction or turns, never both at once; which of its signs mean left and
counter-clockwise depends on its version, and the profile says it (`angle_sign`, `spin_sign`).
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

from hardware.pipeline import Pipeline
from hardware.profile import Profile, Vendor
from hardware.safety import ZERO, Velocity
from hardware.transport import Frame, LinkLostError

FULL = 100  # throttle


class SerbotTransport:
    """The address is empty: the robot is this machine."""

    source = "real"
    emergency = ""  # nobody can demand one over it

    def __init__(self, address: str, profile: Profile, looks: bool) -> None:
        """Take wheels and camera; the library stops the wheels as it starts.

        Raises:
            ValueError: where the library or GStreamer is missing.
        """
        if address:
            raise ValueError("--transport serbot drives the machine that it runs on and takes no "
                             f"address, got {address!r}.")
        self._vendor = profile.vendor
        self._wheels = _library()
        self._camera = Pipeline(self._vendor.camera, self._vendor.width,
                                self._vendor.height) if looks else None
        self._open = True

    def frame(self) -> Frame | None:
        """The latest picture."""
        return None if self._camera is None else self._camera.frame()

    def velocity(self) -> np.ndarray | None:
        """Nothing measures: the encoders are not read."""
        return None

    def send(self, velocity: Velocity) -> None:
        """Tell the wheels a velocity, as direction and throttle."""
        angle, straight, turning = said(velocity, self._vendor)
        try:
            if turning:
                self._spin(turning)
            elif straight:
                self._wheels.move(angle, straight)
            else:
                self._wheels.stop()
        except OSError as error:
            raise LinkLostError(f"SerBot's wheels do not answer: {error}.") from error

    def stop(self) -> None:
        """Tell the wheels zero."""
        with contextlib.suppress(LinkLostError):
            self.send(ZERO)

    def close(self) -> None:
        """Stop, and let go of the camera."""
        if self._open:
            self._open = False
            self.stop()
            if self._camera is not None:
                self._camera.close()

    def _spin(self, throttle: int) -> None:
        """Turn; newer versions of the library have one call for it, older ones two."""
        if hasattr(self._wheels, "spin"):
            self._wheels.spin(throttle)
        elif throttle > 0:
            self._wheels.spinLeft(throttle)
        else:
            self._wheels.spinRight(-throttle)


def said(velocity: Velocity, vendor: Vendor) -> tuple[int, int, int]:
    """A velocity as the library hears it: direction in degrees [0, 360), throttle, spin.

    One of throttle and spin is zero: the greater part of the motion counts. Motion is never
    rounded to none.
    """
    vx, vy, wz = velocity
    straight = math.hypot(vx, vy) / vendor.speed_m_s
    turning = abs(wz) / vendor.turn_rate_rad_s
    if turning > straight:
        return 0, 0, int(math.copysign(_throttle(turning), wz)) * vendor.spin_sign
    angle = vendor.angle_sign * math.degrees(math.atan2(vy, vx))
    return round(angle) % 360, _throttle(straight), 0


def _throttle(share: float) -> int:
    return min(FULL, max(1, round(FULL * share))) if share > 0.0 else 0


def _library() -> Any:
    """The vendor's drive.

    Raises:
        ValueError: if it is not installed, or finds no wheels.
    """
    try:
        from pop.driving import Driving
    except ImportError as error:
        raise ValueError(f"SerBot's own library is not here ({error}): `pop` comes with the "
                         "robot's system and is in no package index.") from error
    try:
        return Driving()
    except OSError as error:
        raise ValueError(f"SerBot's library finds no wheels: {error}.") from error
