"""The near end of the recorder: starts it, says when a drive begins and ends, hears of trouble."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs.interface import RobotSpec
from hardware.link import Link, pair
from hardware.pilot import Pilot, start_process

START_S, END_S, LEAVE_S = 30.0, 60.0, 90.0
POLL_S = 0.005


class RecordingError(RuntimeError):
    """A drive cannot be recorded any more: one sentence says why. The robot has to stand."""


@dataclass(frozen=True)
class Recorded:
    """What became of a drive."""

    files: tuple[Path, ...]  # one, or several where it lasted long
    frames: int
    dropped: int  # pictures that the camera counted and nobody got
    failed: str  # why it is not whole; "" where it is


class CameraTape:
    """Records every picture that a pilot's camera gives while it is armed."""

    def __init__(self, pilot: Pilot, robot: RobotSpec) -> None:
        """Start the process that records."""
        ours, theirs = pair()
        self.process = start_process("hardware.recorder", [
            str(theirs.fileno()), *pilot.boards.values()], [theirs.fileno(), *pilot.boards])
        theirs.close()
        self._link = Link(ours)
        self._full = [robot.speed_m_s, robot.speed_m_s, robot.turn_rate_rad_s]
        self._failed = ""

    def begin(self, folder: Path, scenario: str, facts: dict[str, Any]) -> None:
        """Record from the next arming on.

        Args:
            folder: Made if needed.
            scenario: Its name.
            facts: For the files: source, pattern, distance, instruction, and whatever else.

        Raises:
            RecordingError: if the process does not answer.
        """
        self._failed = ""
        self._link.send(do="begin", facts={"folder": str(folder), "scenario": scenario,
                                           "full": self._full, "facts": facts})
        self._answer("begin", START_S)

    def check(self) -> None:
        """Notice that nothing is recorded any more.

        Raises:
            RecordingError: if so.
        """
        for said in self._link.heard():
            self._failed = said.get("failed", self._failed)
        if self._link.lost or self.process.poll() is not None:
            self._failed = "The process that records is gone."
        if self._failed:
            raise RecordingError(self._failed)

    def end(self, **facts: str) -> Recorded:
        """Finish a drive's files; `facts` say how it ended.

        Raises:
            RecordingError: if the process does not answer.
        """
        self._link.send(do="end", facts=facts)
        said = self._answer("end", END_S)
        return Recorded(tuple(map(Path, said["files"])), said["frames"], said["dropped"],
                        said["failed"])

    def close(self) -> None:
        """Hang up; what is open is finished."""
        self._link.close()
        try:
            self.process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _answer(self, what: str, patience_s: float) -> dict[str, Any]:
        until_s = time.monotonic() + patience_s
        while time.monotonic() < until_s and not self._link.lost:
            for said in self._link.heard():
                if said.get("done") == what:
                    return said
            time.sleep(POLL_S)
        raise RecordingError("The process that records does not answer.")
