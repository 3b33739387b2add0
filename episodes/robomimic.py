"""robomimic's HDF5 layout: one file of many demonstrations, each a group of data sets.

    data             attributes total, env_args (JSON)
    data/demo_0      attribute num_samples, and what robomimic has no place for: words, source, ...
    data/demo_0/obs  front_image [N, H, W, 3] uint8 RGB, last_command [N, 3]; next_obs alike
    data/demo_0      actions [N, 3] float32, rewards [N] (0: nobody gave any), dones [N], time_s
    mask             train, valid, and one a scenario: names of demonstrations

A sample is a decision: the laboratory's artificial first frame, and what fills files up, are left
out. There is no `states`: a recording does not know the simulator's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from episodes.formats import Asked, Given, LeftOut, held_out, layout_of, started, words_of
from episodes.guard import DAMAGE, attributes, content, guarded
from episodes.hdf5 import Episode, described, events_of, read_commands, read_duration, text_of
from episodes.hdf5_writer import add_attribute
from episodes.packing import GZIP, GZIP_LEVEL, pack_gzip
from episodes.record import SOURCES
from episodes.storing import packed, write_chunks
from scenarios import names

FILE = "demo.hdf5"
PICTURE, LAST = "front_image", "last_command"
EXPECTED = "a robomimic file with data/demo_0/actions and data/demo_0/obs/front_image"
MOST_LINKS = 200_000  # a demonstration has eleven
GYM = 2  # robomimic's number for environments of Gymnasium: `type` in its code, env_type in words


def write_robomimic(folder: Path, episodes: Iterable[Episode], asked: Asked) -> None:
    """One file `demo.hdf5` of all episodes, of which whole layouts are held out in `mask/valid`.

    Raises:
        OSError: if the disk refuses.
    """
    demos: dict[str, tuple[str, str | None]] = {}  # layout and scenario of each
    total = 0
    try:
        with h5py.File(folder / FILE, "w") as file:
            data = file.create_group("data")
            for number, episode in enumerate(episodes):
                total += _write(data.create_group(f"demo_{number}"), episode, asked)
                demos[f"demo_{number}"] = layout_of(episode), episode.scenario
            add_attribute(data, "total", total)
            add_attribute(data, "env_args", _environment({scenario or "" for _, scenario
                                                          in demos.values()}))
            _write_masks(file.create_group("mask"), demos, asked.hold_out)
    except RuntimeError as error:  # so h5py says that a disk is full
        raise OSError(f"{FILE}: {error}") from error


def _write(group: h5py.Group, episode: Episode, asked: Asked) -> int:
    frames = episode.decision_frames
    commands, count = episode.commands[frames], len(frames)
    pictures = packed(pack_gzip, [episode.images[frame] for frame in frames]).results()
    last = np.concatenate([np.zeros((1, 3), np.float32), commands])
    for name, seen, before in (("obs", pictures, last[:-1]),
                               ("next_obs", [*pictures[1:], pictures[-1]], last[1:])):
        part = group.create_group(name)
        write_chunks(part, PICTURE, seen, episode.images.shape[1:], GZIP, GZIP_LEVEL)
        part.create_dataset(LAST, data=before, track_times=False)
    columns = {"actions": commands, "rewards": np.zeros(count, np.float32),
               "dones": np.arange(count) == count - 1}
    if episode.time_s is not None:
        columns["time_s"] = episode.time_s[frames]
    for name, column in columns.items():
        stored = column.astype(np.int64) if column.dtype == bool else column
        group.create_dataset(name, data=stored, track_times=False)
    told = words_of(episode) | {"num_samples": count, "converted_from": asked.origin}
    for name, value in (told | ({"rotated_deg": 180} if asked.rotated_180 else {})).items():
        add_attribute(group, name, value)
    return count


def _environment(scenarios: set[str]) -> str:
    """`env_args`: the world of the only scenario, or of all of them by keyword."""
    name = f"MobileVLA/{scenarios.pop()}-v0" if len(scenarios) == 1 else "MobileVLA"
    return json.dumps({"env_name": name, "type": GYM, "env_type": GYM, "env_version": "0",
                       "env_kwargs": {"scenarios": sorted(scenarios)} if scenarios else {}})


def _write_masks(mask: h5py.Group, demos: Mapping[str, tuple[str, str | None]],
                 share: float) -> None:
    chosen = held_out((layout for layout, _ in demos.values()), share)
    found = {"train": [name for name, (layout, _) in demos.items() if layout not in chosen],
             "valid": [name for name, (layout, _) in demos.items() if layout in chosen]}
    for scenario in names():
        found[scenario] = [name for name, (_, its) in demos.items() if its == scenario]
    for key, members in found.items():
        if members:
            mask.create_dataset(key, data=np.array(members, "S"), track_times=False)


def read_robomimic(path: Path, given: Given) -> Iterator[Episode | LeftOut]:
    """The demonstrations of a file, or of all files `*.hdf5` of a folder.

    Raises:
        ValueError: if there are none.
    """
    paths = sorted(path.glob("*.hdf5")) if path.is_dir() else [path]
    if not paths:
        raise ValueError(f"{path}: holds no file *.hdf5, expected {EXPECTED}.")
    for each in paths:
        try:
            yield from _read(each, given)
        except ValueError as error:
            if each == path:
                raise
            yield LeftOut("unreadable", str(error))


def _read(path: Path, given: Given) -> Iterator[Episode | LeftOut]:
    with guarded(path, EXPECTED, MOST_LINKS) as file:
        data = file.get("data")
        if not isinstance(data, h5py.Group) or not len(data):
            raise ValueError(f"has no group 'data' with demonstrations (it holds {list(file)}), "
                             f"expected {EXPECTED}.")
        for name in sorted(data, key=lambda each: (len(each), each)):  # demo_9 before demo_10
            try:
                yield _demo(path, name, data[name], given)
            except (ValueError, *DAMAGE) as error:
                yield LeftOut("unreadable", f"{path}: data/{name}: {error}")


def _demo(path: Path, name: str, group: h5py.Group, given: Given) -> Episode:
    if not isinstance(group, h5py.Group):
        raise ValueError("is no group, expected actions, obs and more in it.")
    pictures, facts = _pictures(group), attributes(group)
    commands = read_commands(group, len(pictures))
    said = facts.get("num_samples", len(commands))
    if np.ndim(said) or said != len(commands):
        raise ValueError(f"num_samples is {said!r}, expected the {len(commands)} of its actions.")
    source = text_of(facts.get("source")) or given.source
    if source not in SOURCES:
        raise ValueError(f"source must be one of {', '.join(SOURCES)}, got {source!r}.")
    stored = facts.get("instruction", facts.get("language_instruction"))
    root = facts.get("seed_root")
    return started(Episode(
        images=content(pictures), commands=commands, events=events_of(commands),
        name=text_of(facts.get("episode_name")) or f"{path.stem}_{name}", path=path,
        place=f"data/{name}", scenario=text_of(facts.get("scenario")), source=source,
        pattern=text_of(facts.get("pattern")), distance=text_of(facts.get("distance")),
        instruction=text_of(stored), total_duration_s=read_duration(facts),
        time_s=_times(group, len(commands)),
        seed_root=int(root) if isinstance(root, int | np.integer) else None,
        copy_of=text_of(facts.get("copy_of")), layout=text_of(facts.get("layout"))))


def _times(group: h5py.Group, count: int) -> np.ndarray | None:
    """`time_s` [N] float64, where there is one."""
    stored = group.get("time_s")
    if stored is None:
        return None
    if not isinstance(stored, h5py.Dataset):
        raise ValueError("time_s is a group, expected a data set of seconds.")
    if stored.shape != (count,) or stored.dtype.kind != "f":
        raise ValueError(f"time_s must be [{count}] seconds, got {described(stored)}.")
    return content(stored).astype(np.float64)


def _pictures(group: h5py.Group) -> h5py.Dataset:
    """Its `front_image`, or the only pictures there are."""
    seen: Any = group.get("obs")
    found = {name: each for name, each in seen.items() if _is_pictures(each)} if isinstance(
        seen, h5py.Group) else {}
    if PICTURE not in found and len(found) != 1:
        raise ValueError(f"obs has the pictures {sorted(found)}, expected {PICTURE!r} or only one "
                         f"[N, H, W, 3] uint8.")
    return found.get(PICTURE, next(iter(found.values())))


def _is_pictures(thing: h5py.Dataset | h5py.Group) -> bool:
    return isinstance(thing, h5py.Dataset) and (
        thing.ndim == 4 and thing.shape[-1] == 3 and thing.dtype == np.uint8
        and 0 not in thing.shape)
