"""A drive as an episode file: what was seen and what was sent, by the writer of simulated ones.

Either a picture a decision, in the policy's size, or every picture of the camera as it came.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from episodes.hdf5_writer import write_episode
from episodes.names import EpisodeName
from episodes.record import Record
from episodes.rollout import Task
from hardware.camera_tape import CameraTape
from hardware.robot_env import RobotEnv
from policies.interface import Policy
from scenarios.schema import DISTANCES, PATTERNS

LEAST_FREE_BYTES = 32_000_000  # of the disk, before anything moves


@dataclass(frozen=True)
class Kept:
    """What became of a drive; `str` says it to the operator."""

    files: tuple[Path, ...]
    frames: int
    dropped: int = 0  # pictures that the camera counted and nobody got
    failed: str = ""

    def __str__(self) -> str:
        """Files and frames, and what is missing."""
        names = ", ".join(map(str, self.files)) or "nothing kept"
        missing = f", {self.dropped} pictures missed" if self.dropped else ""
        return f"{names} ({self.frames} frames{missing}){' ' if self.failed else ''}{self.failed}"


class Keeper(Protocol):
    """Keeps drives in one folder."""

    keep_rgb: bool  # whether the loop has to keep pictures

    def begin(self, env: RobotEnv, facts: dict[str, Any]) -> None:
        """A room is laid out, and about to be driven; `facts` for the file."""

    def check(self) -> None:
        """Called again and again while driving.

        Raises:
            RecordingError: if the drive cannot be kept any more.
        """

    def keep(self, record: Record, mode: str, why: str) -> Kept:
        """The drive is over.

        Raises:
            OSError, RecordingError: if it could not be kept.
        """


class DecisionKeeper:
    """A picture a decision."""

    keep_rgb = True

    def __init__(self, folder: Path, profile: str, storage: str) -> None:
        """Nothing is made before the first drive."""
        self._folder, self._profile, self._storage = folder, profile, storage

    def begin(self, env: RobotEnv, facts: dict[str, Any]) -> None:
        """The record has everything."""

    def check(self) -> None:
        """Nothing is written before the drive is over."""

    def keep(self, record: Record, mode: str, why: str) -> Kept:
        """Write the record, unless nothing was driven."""
        if not record.decisions:
            return Kept((), 0)
        path = keep(record, self._folder, self._profile, mode, why, storage=self._storage)
        return Kept((path,), record.decisions + 1)


class CameraKeeper:
    """Every picture of the camera, from arming to disarming, by a process of its own."""

    keep_rgb = False

    def __init__(self, folder: Path, profile: str, tape: CameraTape) -> None:
        """`tape` is open, and closed by whoever opened it."""
        self._folder, self._profile, self._tape = folder, profile, tape

    def begin(self, env: RobotEnv, facts: dict[str, Any]) -> None:
        """Record from the next arming on."""
        pattern, distance = factors(vars(env.info["layout"].variation))
        self._tape.begin(self._folder, env.scenario.name, {
            **facts, "source": env.source, "pattern": pattern, "distance": distance,
            "scenario_hash": env.scenario.hash(), "robot_profile": self._profile})

    def check(self) -> None:
        """Hear whether it still goes on."""
        self._tape.check()

    def keep(self, record: Record, mode: str, why: str) -> Kept:
        """Finish the files."""
        done = self._tape.end(ended_by=record.ended_by, mode=mode, stopped=why)
        return Kept(done.files, done.frames, done.dropped, done.failed)


def check_recording(folder: str | None, frames: str, compat: bool, web: bool = False) -> None:
    """Refuse before anything moves what could not be kept afterwards.

    Args:
        folder: For drives.
        frames: `decision` or `all`.
        compat: Whether they are packed by gzip.
        web: Whether a page may begin to record without a folder that was named.

    Raises:
        ValueError: for a place that is no folder or takes no file, and for gzip of all of the
            camera's pictures.
    """
    if folder is not None:
        _check_place(Path(folder))
    elif not web and (compat or frames != "decision"):
        raise ValueError("--frames and --compat say how drives are kept: give --record DIR, too.")
    if compat and frames != "decision":
        raise ValueError(f"--compat packs by gzip, too slow for --frames {frames} at the camera's "
                         "pace; record without it, then `python -m episodes.convert DIR --from lab "
                         "--to lab --compat --out DIR2`.")


def _check_place(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"--record {folder}: is a file, expected a folder for drives.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            free = shutil.disk_usage(folder).free
    except OSError as error:
        raise ValueError(f"--record {folder}: cannot be written ({error.strerror}), expected a "
                         f"folder that takes files.") from error
    if free < LEAST_FREE_BYTES:
        raise ValueError(f"--record {folder}: has {free / 1e6:.1f} MB free, expected at least "
                         f"{LEAST_FREE_BYTES / 1e6:.0f} MB for a drive.")


def keeper_of(frames: str, folder: Path, profile: str, storage: str, env: RobotEnv,
              stack: contextlib.ExitStack) -> Keeper:
    """Whoever keeps drives; the stack closes it.

    Args:
        frames: `decision` or `all`.
        folder: Made if needed.
        profile: The robot's profile, by name.
        storage: Of a picture a decision: `zstd`, or `gzip`, which plain h5py reads.
        env: The robot.
        stack: Open as long as drives are kept.
    """
    if frames == "decision":
        return DecisionKeeper(folder, profile, storage)
    tape = CameraTape(env.pilot, env.robot)
    stack.callback(tape.close)
    return CameraKeeper(folder, profile, tape)


def facts_of(task: Task, policy: Policy) -> dict[str, str | int]:
    """What a recording says of its drive."""
    return {"instruction": task.instruction, "policy": policy.spec.name, "seed": task.seed}


def factors(variation: dict[str, str]) -> tuple[str, str]:
    """Pattern and distance where both are known, else two empty words."""
    pattern, distance = variation["pattern"], variation["distance"]
    return (pattern, distance) if pattern in PATTERNS and distance in DISTANCES else ("", "")


def keep(record: Record, folder: Path, profile: str, mode: str, why: str,
         started: datetime | None = None, storage: str = "zstd") -> Path:
    """Write a record whose pictures were kept; the file is there whole or not at all.

    Args:
        record: Of a drive; poses may be unknown (NaN).
        folder: Made if needed.
        profile: The robot's profile, by name.
        mode: Who drove.
        why: Of a safety stop; "" where there was none.
        started: For the file's name; now where not given.
        storage: How pictures are packed, as in `episodes.storing`.
    """
    pattern, distance = factors(record.variation)
    name = EpisodeName(started or datetime.now(), record.scenario, pattern or None,
                       distance or None)
    folder.mkdir(parents=True, exist_ok=True)
    return write_episode(folder / f"{name}.h5", record, "full", storage=storage,
                         facts={"robot_profile": profile, "mode": mode, "stopped": why})
