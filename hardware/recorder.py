"""The process that records: every picture of the camera, with what the wheels were told then.

It only looks at the boards that the driver writes, so it cannot hold up a tick. One thread packs
pictures, another writes files; between them wait at most as many bytes as are said below. A picture
that could not be taken is counted and said, never made up.
"""

from __future__ import annotations

import json
import queue
import signal
import threading
import time
from bisect import bisect_left
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from envs.interface import COMMAND_LIMIT
from episodes.names import EpisodeName
from episodes.stream import EpisodeStream, pack
from hardware.board import Board
from hardware.driver import frame_of
from hardware.link import inherited
from hardware.transport import Frame

POLL_S = 0.002
WAITING = 64  # packed pictures, between the two threads
KEPT_STATES = 100
STANDS = [0.0, 0.0, 0.0]


class Moment(NamedTuple):
    """How things stood at one of the driver's ticks."""

    at_s: float
    armed: bool
    wanted: list[float]  # m/s, m/s, rad/s


class Packed(NamedTuple):
    """A picture on its way to the file."""

    content: bytes
    size: tuple[int, int]
    command: np.ndarray
    arrived_s: float


class Recorder:
    """Records one drive after the other: from arming to disarming."""

    def __init__(self, pictures: Board, states: Board) -> None:
        """Nothing is recorded before `begin`."""
        self._pictures, self._states = pictures, states
        self._seen, self._seen_state = 0, 0
        self._moments: deque[Moment] = deque(maxlen=KEPT_STATES)
        self._drive: Drive | None = None

    def begin(self, facts: dict[str, Any]) -> None:
        """From now on, record what is driven; `facts` as `Drive` wants them."""
        if self._drive is not None:
            self._drive.discard()
        self._drive = Drive(**facts)
        found = self._pictures.read()
        self._seen = found[0] if found else 0  # what was there before is not part of it

    def end(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Finish; returns `files`, `frames`, `dropped` and, if something went wrong, `failed`."""
        while self._drive is not None and self.look():
            pass
        drive, self._drive = self._drive, None
        return drive.end(facts) if drive is not None else {"files": [], "frames": 0, "dropped": 0,
                                                           "failed": ""}

    @property
    def failed(self) -> str:
        """Why nothing is recorded any more; "" while all is well."""
        return "" if self._drive is None else self._drive.failed

    def look(self) -> bool:
        """Take the next picture, if there is one; returns whether there was."""
        self._hear()
        found = self._pictures.next(self._seen)
        if found is None:
            return False
        self._seen, message = found
        frame = frame_of(message)
        moment = self._at(frame.arrived_s)
        if self._drive is not None and moment.armed:
            self._drive.add(frame, moment.wanted)
        return True

    def _hear(self) -> None:
        found = self._states.read(self._seen_state)
        if found is not None:
            self._seen_state, message = found
            state = json.loads(message)
            self._moments.append(Moment(state["at_s"], state["armed"], in_force(state)))

    def _at(self, moment_s: float) -> Moment:
        """How things stood when a picture came: the first tick that could know of it."""
        if not self._moments:
            return Moment(moment_s, False, STANDS)
        at = bisect_left(self._moments, moment_s, key=lambda each: each.at_s)
        return self._moments[min(at, len(self._moments) - 1)]


def in_force(state: dict[str, Any]) -> list[float]:
    """The velocity [3] of the command that the wheels follow, which they may not have reached yet.

    Args:
        state: As the driver shows it.
    """
    if state["why"]:  # it stands
        return STANDS
    return max(state["driven"].values())[2:]  # the highest number was given last


class Drive:
    """One drive on its way to disk: as many files as readers want it to be."""

    def __init__(self, folder: str, scenario: str, full: list[float],
                 facts: dict[str, str | int | float | bool]) -> None:
        """`full`: [3] m/s, m/s, rad/s at full command; `facts`: what the files shall say."""
        self._folder, self._scenario, self._full = Path(folder), scenario, np.array(full)
        self._facts = {"scenario": scenario, **facts}
        self._began, self._began_s = datetime.now(), time.monotonic()
        self._zero_s = 0.0  # when the first picture came
        self._last = -1  # the camera's number of the last picture
        self.frames = self.dropped = 0
        self.failed = ""
        self._files: list[Path] = []
        self._stream: EpisodeStream | None = None
        self._queue: queue.Queue[Packed | None] = queue.Queue(WAITING)
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    def add(self, frame: Frame, velocity: list[float]) -> None:
        """Pack a picture; waits while too many wait for the disk."""
        if self._last >= 0:
            self.dropped += frame.number - self._last - 1
        self._last = frame.number
        command = (np.array(velocity) / self._full * COMMAND_LIMIT).astype(np.float32)
        if not self.frames:
            command = np.zeros(3, np.float32)  # it stands when it begins
            self._zero_s = frame.arrived_s
        self._queue.put(Packed(pack(frame.rgb), frame.rgb.shape[:2], command, frame.arrived_s))
        self.frames += 1

    def end(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Wait for the disk; returns what became of it."""
        self._queue.put(None)
        self._writer.join()
        self._finish(facts)
        return {"files": [str(path) for path in self._files], "frames": self.frames,
                "dropped": self.dropped, "failed": self.failed}

    def discard(self) -> None:
        """It never became a drive: leave nothing behind."""
        self._queue.put(None)
        self._writer.join()
        if self._stream is not None:
            self._stream.discard()

    def _write(self) -> None:
        """The writer's thread. After a failure it only empties the queue."""
        while (packed := self._queue.get()) is not None:
            if self.failed:
                continue
            try:
                self._append(packed)
            except OSError as error:
                self.failed = (f"{self._folder}: recording ended ({error.strerror or error}); free "
                               f"some of the disk, or record elsewhere.")

    def _append(self, packed: Packed) -> None:
        if self._stream is not None and self._stream.full:
            self._finish({"ended_by": "continued"})
        if self._stream is None:
            self._stream = self._begin(packed)
        self._stream.append(packed.content, packed.command, packed.arrived_s - self._zero_s)

    def _begin(self, packed: Packed) -> EpisodeStream:
        """The drive's next file, named by the moment at which it begins."""
        started = self._began + timedelta(seconds=packed.arrived_s - self._began_s)
        pattern, distance = (str(self._facts[name]) or None for name in ("pattern", "distance"))
        path = None
        while path is None or path.exists():
            name = EpisodeName(started, self._scenario, pattern, distance)
            path, started = self._folder / f"{name}.h5", started + timedelta(seconds=1)
        first = self._files[0].stem if self._files else path.stem
        return EpisodeStream(path, packed.size, {
            **self._facts, "drive": first, "part": len(self._files)})

    def _finish(self, facts: dict[str, Any]) -> None:
        """Close the file that is open."""
        stream, self._stream = self._stream, None
        if stream is None:
            return
        try:
            self._files.append(stream.finish(facts))
        except (OSError, ValueError) as error:
            self.failed = self.failed or f"{stream.path} could not be finished ({error})."
            stream.discard()


def main(orders: str, pictures: str, states: str) -> None:
    """Record what is ordered, until whoever orders is gone.

    Args:
        orders: Number of the inherited end on which orders come.
        pictures: File, size and slots of the board with pictures, as `file:bytes:slots`.
        states: File and size of the board with the driver's state.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it ends when nobody orders any more
    link = inherited(int(orders))
    recorder = Recorder(*(Board(*map(int, each.split(":"))) for each in (pictures, states)))
    said = ""
    while not link.lost:
        for order in link.heard():
            if order["do"] == "begin":
                recorder.begin(order["facts"])
                link.send(done="begin")
            else:
                link.send(done="end", **recorder.end(order["facts"]))
        if recorder.failed != said:
            said = recorder.failed
            link.send(failed=said)
        if not recorder.look():
            time.sleep(POLL_S)
    recorder.end({"ended_by": "safety_stop", "stopped": "Whoever drove it is gone."})
