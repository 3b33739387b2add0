"""The near end of driver and watchdog: starts both, gives orders, sees what they show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hardware.board import Board, shared_file
from hardware.driver import MOST_PIXELS, PICTURE, frame_of
from hardware.link import Link, pair
from hardware.safety import RefusedError, Velocity
from hardware.transport import Frame, LinkLostError, Place

PICTURE_BYTES = PICTURE.size + MOST_PIXELS * 3
PICTURE_SLOTS = 32  # a second of pictures: so long a recorder may be held up
STATE_BYTES = 16384
START_S, ANSWER_S, END_S = 30.0, 1.0, 5.0
POLL_S = 0.005
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class State:
    """How things stood at the driver's last tick."""

    at_s: float  # monotonic clock
    armed: bool
    why: str  # it stands; "" while a command is in force
    mode: str
    live: bool  # pictures come
    velocity: Velocity  # what the wheels were told last
    lost: str  # the robot is gone: how
    measured: list[float] | None  # body velocity [3], where something measures
    driven: dict[str, list[float]]  # source: number, scale and velocity [3] of its last command
    refused: dict[str, int] = field(default_factory=dict)
    late_s: float = 0.0  # 99 % of the last ticks came at most so late


class Pilot:
    """Drives one robot through processes that do not depend on this one's pace.

    Several threads may give orders: who decides and who watches the operator's page.
    """

    def __init__(self, place: Place, mode: str = "vla",
                 settings: Mapping[str, str] | None = None) -> None:
        """Start driver and watchdog, and wait for the driver.

        `settings`: variables of their environment, in place of this process's.

        Raises:
            ValueError: one sentence, if the robot cannot be reached.
        """
        files = [shared_file(PICTURE_BYTES, PICTURE_SLOTS), shared_file(STATE_BYTES)]
        self._pictures = Board(files[0], PICTURE_BYTES, PICTURE_SLOTS)
        self._states = Board(files[1], STATE_BYTES)
        self.boards = {files[0]: f"{files[0]}:{PICTURE_BYTES}:{PICTURE_SLOTS}",
                       files[1]: f"{files[1]}:{STATE_BYTES}"}  # for processes that only look
        ours, drivers = pair()
        beats, watchdogs = pair()
        where = json.dumps(asdict(place))
        self.driver = start_process("hardware.driver", [
            where, mode, str(drivers.fileno()), str(beats.fileno()),
            *self.boards.values(),
        ], [drivers.fileno(), beats.fileno(), *files], settings)
        handle = os.pidfd_open(self.driver.pid)
        self.watchdog = start_process("hardware.watchdog", [
            where, str(watchdogs.fileno()), str(handle)], [watchdogs.fileno(), handle], settings)
        for each in (drivers, beats, watchdogs):
            each.close()
        os.close(handle)
        self._link, self._number = Link(ours), 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._speaking = threading.Lock()  # numbers rise in the order in which orders are sent
        self._frame: Frame | None = None
        self._seen = 0
        self.source = self._begun()

    def frame(self) -> Frame | None:
        """The latest picture, None before the first."""
        found = self._pictures.read(self._seen)
        if found is not None:
            self._seen, message = found
            self._frame = frame_of(message)
        return self._frame

    def state(self) -> State:
        """How things stood a tick ago.

        Raises:
            LinkLostError: if the driver is gone; the watchdog has stopped the wheels then.
        """
        found = self._states.read()
        code = self.driver.poll()
        if found is None or code is not None:
            how = (f"killed: {signal.Signals(-code).name}" if code and code < 0 else
                   f"exit code {code}")
            raise LinkLostError(f"The process that drives is gone ({how}); the watchdog stops the "
                                "robot.")
        return State(**json.loads(found[1]))

    def command(self, velocity: Sequence[float], source: str = "policy",
                confidence: float | None = None, seen_s: float | None = None) -> int:
        """Offer a velocity decided now; returns the command's number.

        `seen_s`: when the picture arrived on which it was decided, where it was one.
        """
        return self._order(do="command", source=source, velocity=[float(v) for v in velocity],
                           decided_s=time.monotonic(), confidence=confidence, seen_s=seen_s)

    def refusal(self, number: int) -> str:
        """Why an order was refused, as far as is known by now; "" where it was not."""
        with self._speaking:
            self._listen()
        return self._answers.get(number, {}).get("refused", "")

    def arm(self) -> None:
        """Allow motion.

        Raises:
            RefusedError: with the reason, if the robot must not move now.
        """
        self._ask(do="arm")

    def set_mode(self, mode: str) -> None:
        """Who drives, as in `Gate.set_mode`.

        Raises:
            RefusedError: for another word.
        """
        self._ask(do="mode", mode=mode)

    def disarm(self) -> None:
        """Stand still, until armed again."""
        self._order(do="disarm")

    def stop(self, why: str) -> None:
        """Emergency stop; holds until released."""
        self._order(do="stop", why=why)

    def release(self) -> None:
        """Take the emergency stop back."""
        self._order(do="release")

    def wait_live(self, patience_s: float) -> None:
        """Wait until pictures come.

        Raises:
            LinkLostError: if none do.
        """
        until_s = time.monotonic() + patience_s
        while not (state := self.state()).live:
            if state.lost or time.monotonic() > until_s:
                raise LinkLostError(state.lost or f"No live pictures for {patience_s:g} s: look at "
                                    "the camera's plug, topic and lens.")
            time.sleep(POLL_S)

    def close(self) -> None:
        """Hang up: the driver stops the robot, confirms it and ends; then the watchdog does."""
        self._link.close()
        for process in (self.driver, self.watchdog):
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        while self.boards:
            os.close(self.boards.popitem()[0])

    def _order(self, **order: Any) -> int:
        with self._speaking:
            self._listen()
            self._number += 1
            self._link.send(number=self._number, **order)
            return self._number

    def _ask(self, **order: Any) -> None:
        """Give an order and wait for the answer."""
        number, until_s = self._order(**order), time.monotonic() + ANSWER_S
        while (answer := self._answers.get(number)) is None:
            if self._link.lost or time.monotonic() > until_s:
                raise RefusedError("driver", "The process that drives does not answer.")
            time.sleep(POLL_S)
            with self._speaking:
                self._listen()
        if answer["reason"]:
            raise RefusedError(answer["reason"], answer["refused"])

    def _listen(self) -> None:
        for answer in self._link.heard():
            if len(self._answers) > 1000:
                self._answers.clear()
            self._answers[answer["number"]] = answer

    def _begun(self) -> str:
        """Wait for the driver; returns the source of its pictures."""
        until_s = time.monotonic() + START_S
        while time.monotonic() < until_s and not self._link.lost:
            for said in self._link.heard():
                if "failed" in said:
                    self.close()
                    raise ValueError(said["failed"])
                return said["source"]
            time.sleep(POLL_S)
        self.close()
        raise ValueError("The process that drives did not start; its reason stands above.")


def start_process(module: str, arguments: list[str], files: list[int],
                  settings: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """A process of its own session: neither Ctrl-C nor a closed terminal is meant for it."""
    code = (f"import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
            f"from {module} import main; main(*sys.argv[1:])")
    return subprocess.Popen([sys.executable, "-c", code, json.dumps(sys.path), *arguments],
                            stdin=subprocess.DEVNULL, pass_fds=files, start_new_session=True,
                            env={**os.environ, **ONE_THREAD, **(settings or {})})
