"""The laboratory's HDF5 files, one an episode, as a format to convert from and to.

Its own recordings have 18 frames, the first of them `episode_start`; what departs from that is
left out with a sentence. Files of 2026 and those written here may have any length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from episodes.formats import Asked, Given, LeftOut, started, words_of
from episodes.guard import guarded
from episodes.hdf5 import Episode, find_episodes, read_episode
from episodes.hdf5_writer import Content, add_attribute, write_content
from episodes.keeping import Kept, kept
from episodes.names import EpisodeName, check_scenario, parse

UNDATED_SINCE = datetime(1970, 1, 1)  # in the names of episodes that nobody dated: a second each
A_SECOND, LATEST = timedelta(seconds=1), datetime.max - timedelta(seconds=1)


def read_lab(path: Path, given: Given) -> Iterator[Episode | LeftOut]:
    """One file, or the files `episode_*.h5` of a folder, one after the other.

    Raises:
        ValueError: if there is no such file or folder, or nothing in it.
    """
    paths = find_episodes(path) if path.is_dir() else [path]
    if path.is_dir():
        yield from _others(path, set(paths))
    for each in paths:
        try:
            episode, others = read_episode(each), kept(each)
        except ValueError as error:
            if each == path:
                raise
            yield LeftOut("unreadable", str(error))
        else:
            yield (_odd(episode, given.frames) or _contradiction(episode, others.root)
                   or _of(episode, given.source))


def _others(folder: Path, taken: set[Path]) -> Iterator[LeftOut]:
    """What lies beside the episodes and may be some too."""
    for other in sorted({*folder.iterdir()} - taken):
        if other.suffix.lower() in (".h5", ".hdf5"):
            yield LeftOut("name", f"{other}: is not named as an episode, expected episode_*.h5.")
        elif not other.name.startswith(".") and any(other.glob("episode_*.h5")):
            yield LeftOut("folder", f"{other}: is a folder with episodes of its own, expected all "
                                    f"of them in {folder}; convert it by itself.")


def _of(episode: Episode, source: str) -> Episode:
    """With the origin that the user says, where the file has no group sim/ that says it."""
    if source == episode.source:
        return episode
    with guarded(episode.path) as file:
        return episode if "sim" in file else replace(episode, source=source)


def _odd(episode: Episode, frames: int) -> LeftOut | None:
    """Why an episode is not as the laboratory recorded them, where it should be."""
    if episode.decision_count is not None or episode.color_order != "bgr":
        return None
    starts = [frame for frame, event in enumerate(episode.events) if event == "episode_start"]
    if starts != [0]:
        where = f"in {len(starts)} frames, first in {starts[0]}" if starts else "nowhere"
        return LeftOut("events", f"{episode.path}: action_event_types has episode_start {where}, "
                                 f"expected it in frame 0 alone.")
    if frames and len(episode.events) != frames:
        return LeftOut("length", f"{episode.path}: images has {len(episode.events)} frames, "
                                 f"expected {frames}; --frames {len(episode.events)} takes those, "
                                 f"--frames 0 any.")
    return None


def _contradiction(episode: Episode, root: Mapping[str, Any]) -> LeftOut | None:
    found = contradiction(episode, root)
    return LeftOut(found[0], f"{episode.path}: {found[1]}") if found else None


def contradiction(episode: Episode, root: Mapping[str, Any]) -> tuple[str, str] | None:
    """Where a file with these attributes says of itself what its content denies: what, and how."""
    said = _said_by_name(episode.path)
    for name in ("scenario", "pattern", "distance") if said else ():
        by_name, stored = getattr(said, name), getattr(episode, name)
        if by_name and by_name != stored:
            return name, (f"its name says {by_name!r}, its attribute {name} {stored!r}; expected "
                          f"the same.")
    frames, told = len(episode.events), root.get("num_frames", len(episode.events))
    if episode.color_order == "bgr" and (np.ndim(told) or told != frames):
        return "length", f"attribute num_frames is {told}, expected the {frames} of images."
    for frame, event in enumerate(episode.events):
        if event != "start_action" and episode.commands[frame].any():
            return "events", (f"action_event_types is {event} in frame {frame}, where actions is "
                              f"{episode.commands[frame].tolist()}; expected no motion.")
    return None


def write_lab(folder: Path, episodes: Iterable[Episode], asked: Asked) -> None:
    """One sealed file an episode, named by the laboratory's grammar.

    Raises:
        OSError: if the disk refuses.
    """
    names = _Names()
    for episode in episodes:
        _write(folder / f"{names.free(episode)}.h5", started(episode), asked)


def _write(path: Path, episode: Episode, asked: Asked) -> None:
    frames, height, width, _ = episode.images.shape
    decisions = len(episode.decision_frames)
    others = kept(episode.path) if asked.origin == "lab" else Kept({}, {}, {})
    told = words_of(episode) | {
        "decisions": decisions, "original": others.own.get("original", episode.name),
        "converted_from": asked.origin}
    if asked.rotated_180:
        told["rotated_deg"] = 180
    content = Content(
        episode.images, list(range(frames)), episode.commands, list(episode.events),
        episode.total_duration_s, {
            "frames": frames, "decisions": decisions, "height": height, "width": width,
            "scenario": episode.scenario, "source": episode.source, "pattern": episode.pattern,
            "distance": episode.distance, "instruction": episode.instruction})

    def fill(group: h5py.Group) -> None:
        for key, value in told.items():
            if key not in ("episode_name", "total_duration"):
                add_attribute(group, key, value)
        if episode.instruction is not None:
            group.file.attrs["language_instruction"] = episode.instruction  # as since November 2025
        if episode.time_s is not None:
            group.create_dataset("time_s", data=episode.time_s, track_times=False)
        others.fill(group)

    write_content(path, content, asked.storage, fill)


class _Names:
    """Names of the files of one folder; none comes twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._reached: dict[str, datetime] = {}  # by the name that was wanted: searched so far

    def free(self, episode: Episode) -> str:
        """Its own name where the grammar allows it, else one without a date."""
        said = _said_by_name(episode.name)
        moment, period = (said.started, said.period) if said else (UNDATED_SINCE, None)
        wanted = str(_name(episode, moment, period))
        moment = self._reached.get(wanted, moment)
        while (name := str(_name(episode, moment, period))) in self._taken:
            moment = moment + A_SECOND if moment < LATEST else UNDATED_SINCE
        self._taken.add(name)
        self._reached[wanted] = moment
        return name


def _name(episode: Episode, moment: datetime, period: str | None) -> EpisodeName:
    try:
        check_scenario(episode.scenario or "")
    except ValueError:
        return EpisodeName(moment)
    if not (episode.pattern and episode.distance):
        return EpisodeName(moment, episode.scenario)
    try:
        return EpisodeName(moment, episode.scenario, episode.pattern, episode.distance, period)
    except ValueError:  # patterns of 2026 are others
        return EpisodeName(moment, episode.scenario)


def _said_by_name(path: Path | str) -> EpisodeName | None:
    """What a name says; None where it does not follow the grammar."""
    try:
        return parse(path.name if isinstance(path, Path) else path)
    except ValueError:
        return None
