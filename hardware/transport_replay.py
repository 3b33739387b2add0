"""A recorded episode as camera: nothing drives, the pictures come as they were recorded."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from hardware.profile import Profile
from hardware.safety import Velocity
from hardware.transport import Frame

RATE_HZ = 30.0  # how often the picture of the moment is given again
DECISION_S = 0.4  # between recorded pictures where their times are not stored; for the last one


class ReplayTransport:
    """The address is an episode's file. After its last picture the camera is frozen."""

    source = "dummy"
    emergency = ""  # nobody can demand one over it

    def __init__(self, address: str, profile: Profile, looks: bool) -> None:
        """Read the episode; its first picture stands until the first velocity is sent.

        Raises:
            ValueError: if it cannot be read.
        """
        self._recorded = _read(Path(address)) if looks else None
        self._opened_s = time.monotonic()
        self._began_s: float | None = None

    def frame(self) -> Frame | None:
        """The picture of this moment."""
        if self._recorded is None:
            return None
        pictures, times_s = self._recorded
        now_s = time.monotonic()
        since_s = 0.0 if self._began_s is None else now_s - self._began_s
        until_s = times_s[-1] + DECISION_S
        index = int(np.searchsorted(times_s, since_s, side="right")) - 1
        arrived_s = now_s - max(0.0, since_s - until_s)
        number = int((arrived_s - self._opened_s) * RATE_HZ)
        return Frame(number, self._opened_s + number / RATE_HZ, pictures[index])

    def velocity(self) -> np.ndarray | None:
        """Nothing measures."""
        return None

    def send(self, velocity: Velocity) -> None:
        """Nothing moves; the recording begins with the first motion."""
        if self._began_s is None and any(velocity):
            self._began_s = time.monotonic()

    def stop(self) -> None:
        """Nothing moves."""

    def close(self) -> None:
        """Nothing is open."""


def _read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures [T, H, W, 3] and when each is shown, in seconds from the first motion [T]."""
    from episodes.hdf5 import read_episode

    episode = read_episode(path)
    count = len(episode.images)
    if count < 2:
        raise ValueError(f"{path}: holds {count} picture, expected two or more to replay.")
    times_s = episode.time_s
    if times_s is None:  # the laboratory's files are event-driven: a decision each
        times_s = np.maximum(np.arange(count) - 1, 0) * DECISION_S
    return episode.images, np.maximum.accumulate(times_s - times_s[0])
