"""Look at an episode: `python -m episodes.show FILE --out sheet.png drive.gif drive.mp4`."""

from __future__ import annotations

import io
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from episodes.atomic import write_atomically
from episodes.drawing import gif, mp4, sheet
from episodes.examine import class_of, examine
from episodes.hdf5 import Episode, read_episode, read_told
from scenarios.cli import LogLevel, run_command

LETTERS = {"forward": "w", "backward": "s", "left": "a", "right": "d", "forward left": "q",
           "forward right": "e", "backward left": "z", "backward right": "c", "stop": "_"}
SUFFIXES = (".png", ".gif", ".mp4", ".rrd")


@dataclass(frozen=True)
class Options:
    """Say what an episode holds, and draw it."""

    file: Annotated[Path, tyro.conf.Positional]
    """An episode file of the laboratory's format or ours, .h5."""
    out: tuple[Path, ...] = ()
    """Files to write: `.png` a sheet of all frames, `.gif` or `.mp4` a film, `.rrd` a recording for
    the Rerun viewer."""
    rotate_180: bool = False
    """Turn the pictures, of a camera that hung upside down."""
    log_level: LogLevel = "info"
    """How much is said while it works."""


def in_words(episode: Episode) -> str:
    """What an episode holds, line by line."""
    facts = examine(episode)
    storage = read_told(episode.path)[1].storage
    keys = "".join(LETTERS.get(class_of(command), "r" if command[2] > 0 else "t")
                   for command in episode.decisions[1])
    duration = "" if episode.total_duration_s is None else f", {episode.total_duration_s:.1f} s"
    lines = {
        "episode": f"{episode.name} ({episode.source})",
        "scenario": " ".join(part or "unknown" for part in (
            episode.scenario, episode.pattern, episode.distance)),
        "instruction": episode.instruction or "none",
        "frames": f"{facts.frames} of {facts.size[0]} x {facts.size[1]}, {storage}{duration}",
        "decisions": f"{facts.decisions}: {keys}",
        "shares": ", ".join(f"{name} {count}" for name, count in facts.classes.most_common()),
        "first turn": f"{facts.first_turn or 'none'}, the scenario says "
                      f"{facts.named_side or 'nothing'}",
    }
    return "\n".join(f"{name:<12}{text}" for name, text in lines.items())


def draw(episode: Episode, path: Path) -> None:
    """Write a sheet or a film, by the file's suffix; it is there whole or not at all.

    Raises:
        ValueError: for another suffix, or without `av` for films, or `rerun-sdk` for recordings.
    """
    if path.suffix in (".mp4", ".rrd"):
        write = mp4 if path.suffix == ".mp4" else _rerun
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp{path.suffix}")
        try:
            write(episode, temporary)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    elif path.suffix == ".gif":
        write_atomically(path, gif(episode))
    elif path.suffix == ".png":
        written = io.BytesIO()
        sheet(episode).save(written, "PNG")
        write_atomically(path, written.getvalue())
    else:
        raise ValueError(f"{path}: --out must end in one of {', '.join(SUFFIXES)}.")


def _rerun(episode: Episode, path: Path) -> None:
    try:
        from episodes import rerun_drive
    except ImportError as error:
        raise ValueError("recordings for the Rerun viewer (.rrd) need rerun-sdk, install "
                         "mobile-vla-bench[rerun].") from error
    rerun_drive.write(episode, path)


def main(options: Options) -> None:
    """Say and draw."""
    wrong = [path for path in options.out if path.suffix not in SUFFIXES]
    if wrong:
        raise ValueError(f"{wrong[0]}: --out must end in one of {', '.join(SUFFIXES)}.")
    episode = read_episode(options.file, rotate_180=options.rotate_180)
    print(in_words(episode))
    for path in options.out:
        try:
            draw(episode, path)
        except OSError as error:
            raise ValueError(f"{path}: cannot be written ({error.strerror}).") from error
        print(f"{path}")


if __name__ == "__main__":
    run_command(Options, main)
