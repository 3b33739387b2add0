"""Where the console's pictures come from: a folder, a camera of this machine, or a robot's camera.

Nothing here drives: a robot is only looked at; at most it is told to stop when we hang up.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, UnidentifiedImageError

from envs.interface import Observation
from hardware.transport import Place

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".webp")
FIRST_PICTURE_S = 10.0  # waited for at most
STALE_S = 1.0  # an older picture is said to be old
CAMERA_FORMAT = "v4l2"  # of Linux


class Source(Protocol):
    """Something that can be looked at, again and again."""

    def look(self) -> tuple[Observation, str]:
        """What is seen now, and what it is, in words.

        Raises:
            ValueError: where there is nothing to see.
        """

    def close(self) -> None:
        """Let go of it."""


class Folder:
    """Pictures of a folder by name, from the start again after the last."""

    def __init__(self, folder: Path) -> None:
        """Find them.

        Raises:
            ValueError: if there are none.
        """
        paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in ENDINGS)
        if not paths:
            raise ValueError(f"{folder}: has no pictures, expected {', '.join(ENDINGS)}.")
        self._paths = itertools.cycle(paths)

    def look(self) -> tuple[Observation, str]:
        """The next picture."""
        path = next(self._paths)
        try:
            with Image.open(path) as picture:
                rgb = np.asarray(picture.convert("RGB"))
        except (OSError, UnidentifiedImageError) as error:
            raise ValueError(f"{path}: is no readable picture ({error}).") from error
        return _still(rgb), path.name

    def close(self) -> None:
        """Nothing is open."""


class Camera:
    """A camera of this machine."""

    def __init__(self, device: str, form: str = CAMERA_FORMAT) -> None:
        """Open it.

        Args:
            device: Like /dev/video0.
            form: What FFmpeg calls such devices.

        Raises:
            ValueError: if it cannot be opened.
        """
        try:
            import av
        except ModuleNotFoundError as error:
            raise ValueError("--camera needs av: pip install 'mobile-vla-bench[report]'."
                             ) from error
        try:
            self._video = av.open(device, format=form)
        except (OSError, ValueError) as error:
            raise ValueError(f"Camera {device!r} cannot be opened ({error}).") from error
        self._device = device
        self._frames: Iterator = self._video.decode(video=0)

    def look(self) -> tuple[Observation, str]:
        """The next picture."""
        frame = next(self._frames, None)
        if frame is None:
            raise ValueError(f"Camera {self._device!r} gives no more pictures.")
        return _still(frame.to_ndarray(format="rgb24")), self._device

    def close(self) -> None:
        """Free the camera."""
        self._video.close()


class Robot:
    """A robot's camera, simulated or real."""

    def __init__(self, place: Place) -> None:
        """Speak to it.

        Raises:
            ValueError: if nobody is there.
        """
        self._place, self._transport = place, place.open()

    def look(self) -> tuple[Observation, str]:
        """The latest picture."""
        end_s = time.monotonic() + FIRST_PICTURE_S
        while (frame := self._transport.frame()) is None:
            if time.monotonic() > end_s:
                raise ValueError(f"No picture from {self._place.address} in {FIRST_PICTURE_S:g} s.")
            time.sleep(0.01)
        velocity = self._transport.velocity()
        seen = _still(frame.rgb)
        if velocity is not None:
            seen["velocity"] = velocity
        age_s = time.monotonic() - frame.arrived_s
        old = f", {age_s:.1f} s old" if age_s > STALE_S else ""
        return seen, f"picture {frame.number}{old}"

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


def _still(rgb: np.ndarray) -> Observation:
    return Observation(rgb=rgb, velocity=np.zeros(3, np.float32))
