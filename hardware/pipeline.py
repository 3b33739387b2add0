"""Pictures out of a GStreamer pipeline that runs as a process of its own: the latest, no other."""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import threading
import time
from typing import IO

import numpy as np

from envs.realtime import be_ordinary
from hardware.transport import Frame

WARM_UP = 5  # pictures while exposure settles; the laboratory's number
END_S = 2.0
PROGRAM = "gst-launch-1.0"

logger = logging.getLogger(__name__)


class Pipeline:
    """Starts it, keeps its newest picture, and never has another one in its place."""

    def __init__(self, pipeline: str, width: int, height: int) -> None:
        """Start the camera.

        Args:
            pipeline: As `gst-launch-1.0` takes it, up to pictures of any raw format, upright.
            width: Pixels, a multiple of 4: rows are not padded then.
            height: Pixels.

        Raises:
            ValueError: if there is no GStreamer, or the pipeline is no text for it.
        """
        self._size = (height, width, 3)
        self._frame: Frame | None = None
        ours, theirs = os.pipe()
        end = (f"video/x-raw,format=RGB,width={width},height={height} ! "
               f"queue leaky=downstream max-size-buffers=1 ! fdsink fd={theirs} sync=false")
        try:
            self._process = subprocess.Popen(
                [PROGRAM, "-q", *shlex.split(f"{pipeline} ! {end}")], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[theirs],
                preexec_fn=be_ordinary)  # it shares no priority with who drives
        except (OSError, ValueError) as error:
            os.close(ours)
            raise ValueError(f"The camera cannot be started: {PROGRAM}: {error}. On Ubuntu: "
                             "apt install gstreamer1.0-tools.") from error
        finally:
            os.close(theirs)
        self._pictures = open(ours, "rb", buffering=0)  # noqa: SIM115 (closed by its reader)
        self._readers = [threading.Thread(target=each, daemon=True)
                         for each in (self._read, self._complain)]
        for each in self._readers:
            each.start()

    def frame(self) -> Frame | None:
        """The latest picture; None before the first after the warm-up."""
        return self._frame

    def close(self) -> None:
        """End the camera."""
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for each in self._readers:
            each.join(END_S)

    def _read(self) -> None:
        """Take whole pictures until the camera ends; then the last one grows old."""
        with self._pictures as pictures:
            number = 0
            while True:
                rgb = np.empty(self._size, np.uint8)
                if not _fill(pictures, rgb.data.cast("B")):
                    return
                number += 1
                if number > WARM_UP:
                    self._frame = Frame(number, time.monotonic(), rgb)

    def _complain(self) -> None:
        """Pass on what GStreamer says: only errors, as it is told to be quiet."""
        assert self._process.stderr is not None
        with self._process.stderr as words:
            for line in words:
                logger.warning("camera: %s", line.decode("utf-8", "replace").rstrip())


def _fill(pictures: IO[bytes], into: memoryview) -> bool:
    """Read until it is full; false at the end."""
    while into:
        got = pictures.readinto(into)  # type: ignore[attr-defined]
        if not got:
            return False
        into = into[got:]
    return True
