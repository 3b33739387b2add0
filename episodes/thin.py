"""Decisions out of recordings at the camera's pace: `python -m episodes.thin drives --out data`.

Training and open loop take every frame of a file for a decision. A recording of 30 pictures a
second holds a command for many pictures; what is written here has a picture a decision, of full
size, like the laboratory's own files.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from episodes.guard import attributes, guarded
from episodes.hdf5 import find_episodes, read_told
from episodes.stream import EpisodeStream, pack
from scenarios.cli import LogLevel, run_command

DECISION_S = 0.4
SOME, NOTHING = 1, 2  # exit codes: some were left out, all were
DENSE_HZ = 5.0  # what has fewer pictures a second has one a decision already
UNSAID = ("decisions", "part", "drive")  # of the recording, and no more true


@dataclass(frozen=True)
class Options:
    """Write a picture a decision out of recordings of every picture."""

    drives: Annotated[Path, tyro.conf.Positional]
    """A recording, or a folder of them."""
    out: Path
    """Folder for the files, under the same names; must not be the same."""
    decision_s: float = DECISION_S
    """Seconds from one decision to the next."""
    log_level: LogLevel = "info"
    """How much is logged."""


def main(options: Options) -> Callable[[], None]:
    """Check, and return the work."""
    paths = find_episodes(options.drives) if options.drives.is_dir() else [options.drives]
    if options.decision_s <= 0.0:
        raise ValueError(f"--decision-s must be above 0, got {options.decision_s:g}.")
    for path in paths:
        if not path.exists():
            raise ValueError(f"{path}: no such file or folder, expected recorded drives.")
        if options.out.resolve() == path.parent.resolve():
            raise ValueError(f"--out {options.out} is where the recordings are; choose another.")
    return lambda: _work(paths, options)


def _work(paths: list[Path], options: Options) -> None:
    left_out = 0
    for path in paths:
        try:
            written = thin(path, options.out, options.decision_s)
        except ValueError as error:
            print(f"left out: {error}", flush=True)
            left_out += 1
        else:
            print(written, flush=True)
    if left_out:
        sys.exit(NOTHING if left_out == len(paths) else SOME)


def thin(path: Path, folder: Path, decision_s: float = DECISION_S) -> Path:
    """Write one recording's decisions to a file of the same name in a folder.

    Raises:
        ValueError: one sentence, if it is no recording at the camera's pace, or nothing moves.
        OSError: if the disk refuses.
    """
    told, pictures = read_told(path)
    times_s, commands = told["time_s"], told["commands"]
    if times_s is None or len(times_s) < 2 or (
            (len(times_s) - 1) / max(times_s[-1] - times_s[0], 1e-9) < DENSE_HZ):
        raise ValueError(f"{path}: has fewer than {DENSE_HZ:g} pictures a second; it is no "
                         "recording at the camera's pace.")
    chosen = decisions(times_s, commands, decision_s)
    if not chosen:
        raise ValueError(f"{path}: nothing moves in it.")
    with guarded(path) as file:
        facts = {name: value for name, value in attributes(file["sim"]).items()
                 if name not in UNSAID}
    named = {name: str(told[name] or "") for name in ("scenario", "source", "pattern", "distance",
                                                      "instruction")}
    folder.mkdir(parents=True, exist_ok=True)
    stream = EpisodeStream(folder / path.name, (pictures.height, pictures.width),
                           {**facts, **named})
    try:
        for count, frame in enumerate([chosen[0], *chosen]):
            command = commands[frame] if count else np.zeros(3, np.float32)
            stream.append(pack(pictures.read(path, [frame])[0]), command,
                          float(times_s[frame] - times_s[chosen[0]]))
        return stream.finish({"rate_hz": 1.0 / decision_s})
    finally:
        stream.discard()


def decisions(times_s: np.ndarray, commands: np.ndarray, decision_s: float) -> list[int]:
    """Frames at which decisions began, from the first motion to the last.

    One follows another after `decision_s`. Where the robot stands by then, for no longer than that,
    it waited for a slow decision, which begins when it moves; a longer pause is decisions to stand.
    """
    moves = np.any(commands != 0.0, axis=1)
    moving = np.flatnonzero(moves)
    if not len(moving):
        return []
    half_s = float(np.median(np.diff(times_s))) / 2
    chosen, frame = [], int(moving[0])
    while frame <= moving[-1]:
        chosen.append(frame)
        frame = int(np.searchsorted(times_s, times_s[frame] + decision_s - half_s))
        if frame <= moving[-1] and not moves[frame]:
            again = int(moving[np.searchsorted(moving, frame)])
            if times_s[again] - times_s[frame] < decision_s:
                frame = again
    return chosen


if __name__ == "__main__":
    run_command(Options, main)
