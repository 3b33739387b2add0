"""Episodes as files in the laboratory's HDF5 format: BGR on disk, RGB everywhere else.

This is the only door: channels are swapped here and pictures are never rotated, except on demand.
Three formats are read: August 2025; since November 2025 more attributes and an instruction; 2026
`observations/images`, which its collector turned to RGB itself and saved without events.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from episodes.guard import EXPECTED, attributes, content, guarded, is_text, texts
from episodes.names import parse
from episodes.packing import PackedError
from episodes.pixels import BGR_IMAGES, RGB_IMAGES, Pictures, find_pictures
from episodes.record import SOURCES
from scenarios import load, names

EVENTS = ("episode_start", "start_action", "stop_action")
FOREIGN = {"robomimic": "demo.hdf5", "lerobot": "meta/info.json", "rosbag": "metadata.yaml"}
SCHEMA_VERSION = 2  # of the file: 1 had the group sim/ and no seal


@dataclass(frozen=True)
class Episode:
    """One episode of T frames as read from its file."""

    images: np.ndarray = field(repr=False)  # [T, H, W, 3] uint8, RGB
    commands: np.ndarray = field(repr=False)  # [T, 3] float32, command units
    events: tuple[str, ...] = field(repr=False)  # [T] of EVENTS
    name: str
    scenario: str | None
    pattern: str | None
    distance: str | None
    instruction: str | None  # the scenario's English default where the file has none
    source: str  # real | simulated | dummy
    total_duration_s: float | None
    time_s: np.ndarray | None = field(repr=False)  # [T] float64, None where it was not stored
    path: Path
    seed_root: int | None = None  # root of the `train` seeds it was generated from
    decision_count: int | None = None  # where the file says it; frames behind them are padding
    color_order: str = "rgb"  # of the pictures in the file; here they are RGB
    copy_of: str | None = None  # the name of the episode that it was augmented from
    layout: str | None = None  # once copied or converted: what it shares with all copies of it
    place: str = ""  # inside the file, where it holds several
    cut_count: int = 0  # of decisions whose velocities were cut to what the robot can do

    @property
    def decision_frames(self) -> np.ndarray:
        """Which frames are decisions: [N] int64.

        The artificial zero frames `episode_start` are left out, wherever they stand, and what
        fills up a file that says how many decisions it has.
        """
        kept = np.flatnonzero([event != "episode_start" for event in self.events])
        return kept[:self.decision_count]

    @property
    def decisions(self) -> tuple[np.ndarray, np.ndarray]:
        """Pictures [N, H, W, 3] and the commands [N, 3] given on seeing them."""
        kept = self.decision_frames
        return self.images[kept], self.commands[kept]


def find_episodes(folder: str | Path) -> list[Path]:
    """The files `episode_*.h5` of a folder, sorted by name.

    Raises:
        ValueError: if there is no such folder, or none in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder, expected one with files episode_*.h5.")
    found = sorted(folder.glob("episode_*.h5"))
    if not found:
        raise ValueError(f"{folder}: holds no file episode_*.h5; {_instead_of(folder)}.")
    return found


def _instead_of(folder: Path) -> str:
    """What to do with a folder that has no episodes of ours."""
    if not any(folder.iterdir()):
        return f"make some with `python -m episodes.generate --out {folder}`"
    inside = sorted({path.parent for path in folder.glob("*/episode_*.h5")})
    if inside:
        return f"they lie in {' and in '.join(map(str, inside[:2]))}"
    form = next((name for name, mark in FOREIGN.items() if (folder / mark).exists()), "lerobot")
    return ("files of LeRobot, robomimic or rosbag become some by "
            f"`python -m episodes.convert {folder} --from {form} --to lab --out DIR`")


def read_episode(path: str | Path, *, rotate_180: bool = False) -> Episode:
    """Read one file of any of the laboratory's three formats, or of ours.

    Args:
        path: The file.
        rotate_180: Turn the pictures; only for files whose camera hung upside down.

    Raises:
        ValueError: one sentence naming the file, what is wrong and what was expected.
    """
    path = Path(path)
    told, pictures = read_told(path)
    with _naming(path):
        images = pictures.read(path)
    if rotate_180:
        images = np.ascontiguousarray(images[:, ::-1, ::-1])
    return Episode(images=images, **told)


def read_told(path: Path) -> tuple[dict[str, Any], Pictures]:
    """The fields of an `Episode` but its pictures, and where those are.

    Raises:
        ValueError: as `read_episode`; pictures are not unpacked, so their damage is not found.
    """
    with guarded(path) as file:
        pictures = find_pictures(file)
        commands = read_commands(file, pictures.count)
        events = _read_events(file, commands, optional=pictures.layout == RGB_IMAGES)
        own = attributes(file["sim"]) if "sim" in file else {}
        facts = {**attributes(file), **own}
        said = _said_by_name(path)
        scenario, pattern, distance = (text_of(facts.get(key), key) or said[key]
                                       for key in said)
        source = text_of(facts.get("source")) if "sim" in file else "real"
        if source not in SOURCES:
            raise ValueError(f"sim/source must be one of {', '.join(SOURCES)}, got {source!r}.")
        return {
            "commands": commands, "events": events, "scenario": scenario, "pattern": pattern,
            "distance": distance, "source": source, "path": path,
            "name": text_of(facts.get("episode_name"), "episode_name") or path.stem,
            "instruction": _read_instruction(file, facts) or default_instruction(scenario),
            "total_duration_s": read_duration(facts),
            "time_s": _read_time(file, pictures.count), "seed_root": _read_seed_root(facts),
            "decision_count": _read_count(own, pictures.count),
            "color_order": "bgr" if pictures.layout == BGR_IMAGES else "rgb",
            "copy_of": text_of(own.get("copy_of")), "layout": text_of(own.get("layout")),
        }, pictures


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say which file it is whose pictures cannot be unpacked."""
    try:
        yield
    except (PackedError, OSError) as error:
        raise ValueError(f"{path}: damaged or no HDF5 file ({error}), "
                         f"expected {EXPECTED}.") from error


def _read_count(own: dict[str, Any], frames: int) -> int | None:
    """How many of the frames are decisions, where our own group says it."""
    count = own.get("decisions")
    if count is None:
        return None
    if not isinstance(count, int | np.integer) or not 0 <= count <= frames:
        raise ValueError(f"sim/decisions must be a whole number of at most {frames} frames, got "
                         f"{count!r}.")
    return int(count)


def _read_seed_root(facts: dict[str, Any]) -> int | None:
    """The root that our own files were generated from; recordings have none."""
    return int(facts["seed_root"]) if facts.get("purpose") == "train" else None


def default_instruction(scenario: str | None) -> str | None:
    """The English sentence of a shipped scenario, None for any other."""
    return load(scenario).instructions.english if scenario in names() else None


def _dataset(file: h5py.Group, name: str) -> h5py.Dataset:
    if not isinstance(file.get(name), h5py.Dataset):
        raise ValueError(f"has no dataset {name!r} (it holds {list(file)}), "
                         f"expected {EXPECTED}.")
    return file[name]


def read_commands(file: h5py.Group, frames: int) -> np.ndarray:
    """The data set `actions` of a guarded file or group, as [T, 3] float32.

    Raises:
        ValueError: if there is none, or it is not that for so many frames, or not finite.
    """
    actions = _dataset(file, "actions")
    if actions.ndim != 2 or actions.shape[1] != 3 or actions.dtype.kind != "f":
        raise ValueError(f"actions must be [T, 3] float32 (linear_x, linear_y, angular_z), "
                         f"got {described(actions)}.")
    _same_length("actions", len(actions), frames)
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused
        commands = content(actions).astype(np.float32)
    if not np.isfinite(commands).all():
        bad = int(np.flatnonzero(~np.isfinite(commands).all(axis=1))[0])
        raise ValueError(f"actions must be finite, got {commands[bad].tolist()} in frame {bad}.")
    return commands


def events_of(commands: np.ndarray) -> tuple[str, ...]:
    """What each of the commands [T, 3] is to the laboratory: motion or stop."""
    return tuple("start_action" if command.any() else "stop_action" for command in commands)


def _read_events(file: h5py.File, commands: np.ndarray, *, optional: bool) -> tuple[str, ...]:
    if optional and "action_event_types" not in file:
        return events_of(commands)
    stored = _dataset(file, "action_event_types")
    if stored.ndim != 1 or not is_text(stored):
        raise ValueError(f"action_event_types must be [T] strings, got {described(stored)}.")
    _same_length("action_event_types", len(stored), len(commands))
    events = tuple(text_of(event) or "" for event in texts(stored))
    for frame, event in enumerate(events):
        if event not in EVENTS:
            raise ValueError(f"unknown event {event!r} in frame {frame}, "
                             f"expected one of {', '.join(EVENTS)}.")
    return events


def _read_instruction(file: h5py.File, facts: dict[str, Any]) -> str | None:
    """Ours under sim/; later laboratory files have `language_instruction`, attribute or dataset."""
    stored = facts.get("instruction", facts.get("language_instruction"))
    if stored is None and isinstance(file.get("language_instruction"), h5py.Dataset):
        stored = _first_text(file["language_instruction"])
    return text_of(stored, "the instruction")


def _first_text(dataset: h5py.Dataset) -> Any:
    if not is_text(dataset):
        raise ValueError("language_instruction must be a text, got "
                         f"{described(dataset)}.")
    return dataset[()] if dataset.ndim == 0 else next(texts(dataset), None)


def read_duration(facts: Mapping[str, Any]) -> float | None:
    """The attribute `total_duration`, where there is one.

    Raises:
        ValueError: if it is no number.
    """
    stored = facts.get("total_duration")
    if stored is None:
        return None
    if np.ndim(stored) or not np.issubdtype(np.asarray(stored).dtype, np.number):
        raise ValueError(f"total_duration must be a number of seconds, got {stored!r}.")
    return float(stored)


def _read_time(file: h5py.File, frames: int) -> np.ndarray | None:
    if "sim/time_s" not in file:
        return None
    stored = _dataset(file, "sim/time_s")
    _same_length("sim/time_s", stored.size, frames)
    return content(stored).astype(np.float64)


def _same_length(name: str, length: int, frames: int) -> None:
    if length != frames:
        raise ValueError(f"{name} has {length} entries for {frames} images, expected as many.")


def _said_by_name(path: Path) -> dict[str, str | None]:
    """Scenario, pattern, distance; a file of another name is an episode too and says nothing."""
    try:
        said = parse(path.name)
    except ValueError:
        return dict.fromkeys(("scenario", "pattern", "distance"))
    return {"scenario": said.scenario, "pattern": said.pattern, "distance": said.distance}


def text_of(stored: Any, what: str = "a text") -> str | None:
    """A stored string, whether HDF5 kept it as text, bytes or an array (then its first).

    Raises:
        ValueError: for bytes that are no text; `what` names it.
    """
    if isinstance(stored, np.ndarray):
        stored = stored.ravel()[0] if stored.size else None
    if isinstance(stored, bytes):
        try:
            stored = stored.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ValueError(f"{what} is {bytes(stored[:40])!r}, expected UTF-8.") from error
    return None if stored is None else str(stored)


def described(dataset: h5py.Dataset) -> str:
    """Its shape and type, for a sentence."""
    return f"{list(dataset.shape or ())} {dataset.dtype}"
