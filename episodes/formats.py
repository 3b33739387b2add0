"""Formats that `episodes.convert` reads and writes: one table each, and what all of them agree on.

A reader yields `Episode`s of RGB pictures, one at a time, and a `LeftOut` for each that is odd. A
writer fills a folder, which appears where the user wants it once everything is written.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from episodes.hdf5 import Episode
from episodes.rosbag import Told

LAB_FRAMES = 18  # of every recording of the laboratory: one start frame and 17 actions
HOLD_OUT = 0.1  # share of the layouts that a format with splits holds out


@dataclass(frozen=True)
class Given(Told):
    """What the user says that files do not say themselves."""

    robot: str = "serbot"  # says what m/s in a bag are
    frames: int = LAB_FRAMES  # that the laboratory's recordings have; 0: any number


@dataclass(frozen=True)
class LeftOut:
    """An episode, or a file, that is not converted."""

    reason: str  # one word, by which they are counted
    sentence: str  # file, path inside it, what was found, what was expected


@dataclass(frozen=True)
class Asked:
    """How a writer shall write."""

    origin: str  # the format that was read
    storage: str = "zstd"  # of `lab`: one of episodes.storing.STORAGES
    hold_out: float = HOLD_OUT
    rotated_180: bool = False  # whether pictures were turned on the way


Reader = Callable[[Path, Given], Iterator[Episode | LeftOut]]
Writer = Callable[[Path, Iterable[Episode], Asked], None]


@dataclass(frozen=True)
class Target:
    """A format that is written."""

    write: str  # module:function, a Writer
    colours: str = "RGB"  # as its files have them
    alike: bool = False  # whether all episodes must have one size of pictures and one source
    plane: bool = False  # whether it has no place for a turn


READERS: Mapping[str, str] = {  # name -> module:function, a Reader
    "lab": "episodes.lab_format:read_lab",
    "robomimic": "episodes.robomimic:read_robomimic",
    "rosbag": "episodes.bags:read_bags",
    "lerobot": "episodes.lerobot_format:read",
}
WRITERS: Mapping[str, Target] = {
    "lab": Target("episodes.lab_format:write_lab", colours="BGR"),
    "robomimic": Target("episodes.robomimic:write_robomimic"),
    "calvin": Target("episodes.calvin:write_calvin"),
    "lerobot": Target("episodes.lerobot_format:write_images", alike=True),
    "lerobot_video": Target("episodes.lerobot_format:write_videos", alike=True),
    "lerobot_xy": Target("episodes.lerobot_format:write_plane", alike=True, plane=True),
}
Entry = TypeVar("Entry")


def reader(name: str) -> Reader:
    """The reader of a format.

    Raises:
        ValueError: for an unknown name.
    """
    return _function(_entry(READERS, name, "--from"))


def target(name: str) -> tuple[Target, Writer]:
    """A format that is written, and its writer.

    Raises:
        ValueError: for an unknown name.
    """
    found = _entry(WRITERS, name, "--to")
    return found, _function(found.write)


def _entry(table: Mapping[str, Entry], name: str, option: str) -> Entry:
    if name not in table:
        near = difflib.get_close_matches(name, table, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"{option} must be one of {', '.join(table)}, got {name!r}.{hint}")
    return table[name]


def _function(place: str) -> Any:
    module, function = place.split(":")
    return getattr(import_module(module), function)


def started(episode: Episode) -> Episode:
    """The same with the laboratory's artificial frame in front: the first picture, no motion."""
    if episode.events[0] == "episode_start":
        return episode
    times_s = episode.time_s
    return replace(
        episode, images=np.concatenate([episode.images[:1], episode.images]),
        commands=np.concatenate([np.zeros((1, 3), np.float32), episode.commands]),
        events=("episode_start", *episode.events),
        time_s=None if times_s is None else np.concatenate([times_s[:1], times_s]))


def words_of(episode: Episode) -> dict[str, str | int | float]:
    """What formats without fields for it store beside an episode; what is unknown is not there."""
    said = {
        "episode_name": episode.name, "scenario": episode.scenario, "pattern": episode.pattern,
        "distance": episode.distance, "instruction": episode.instruction,
        "source": episode.source, "total_duration": episode.total_duration_s,
        "seed_root": episode.seed_root, "copy_of": episode.copy_of, "layout": episode.layout,
        "purpose": None if episode.seed_root is None else "train",
    }
    return {name: value for name, value in said.items() if value is not None}


def layout_of(episode: Episode) -> str:
    """What copies of an episode share with it, and left and right of one seed with each other."""
    return episode.layout or hashlib.sha256(episode.images[0].tobytes()).hexdigest()


def held_out(layouts: Iterable[str], share: float) -> set[str]:
    """The layouts that are held out: one or more of several unless the share is 0, never all."""
    each = sorted(set(layouts))
    least = 1 if share else 0
    return set(each[:min(max(least, round(share * len(each))), max(0, len(each) - 1))])
