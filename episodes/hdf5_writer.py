"""Writes episodes in the laboratory's format, each as one sealed file that is there or not at all.

Root: pictures, `actions`, `action_event_types` and the laboratory's attributes. Everything that
its format lacks stands in the group `sim/` and the attribute `schema_version`. Pictures are packed
one by one: by zstd, or by gzip where the laboratory's own loaders, with plain h5py, shall read
them; or as JPEG, which loses a little.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import h5py
import numpy as np

from episodes import seal
from episodes.atomic import write_atomically
from episodes.hdf5 import SCHEMA_VERSION, events_of
from episodes.names import EpisodeName, simulated_start
from episodes.packing import GZIP_LEVEL
from episodes.record import Record
from episodes.storing import Packing, storage_of

PROFILES = ("lab", "full")
LAB_DECISIONS = 17  # one start frame and 17 actions: window 8 + prediction 10
CHUNK_SIZE = 8  # the laboratory's attribute action_chunk_size
UNSTORED = {"rgb", "latency_s"}  # pictures stand at the root; wall-clock times differ at every run


def write_episode(target: str | Path, record: Record, profile: str = "full",
                  started: datetime | None = None,
                  facts: Mapping[str, str | int | float | bool] | None = None,
                  storage: str | None = None) -> Path:
    """Write a record with its pictures as one file, which is there whole or not at all.

    Args:
        target: A path ending in `.h5`, or the folder of a file named by the laboratory's grammar.
        record: What happened; rolled out with `keep_rgb`.
        profile: `lab`: 18 frames, padded with `stop_action` and the final picture. `full`: every
            decision, any length.
        started: Date and time for the name of a file in a folder; the first free simulated second
            where not given.
        facts: More attributes for the group `sim/`.
        storage: How pictures are packed: `zstd`; `gzip`, which plain h5py reads; `jpeg`, lossy. By
            default gzip for `lab`, which can be nothing else, and zstd for `full`.

    Raises:
        ValueError: for an unknown profile or storage, a record without pictures, or more than 17
            decisions in `lab`.
    """
    pictures, seen, commands, events = frames(record, profile)
    storage = storage_of(profile, storage)
    path = Path(target)
    if path.suffix != ".h5":
        path /= f"{name_of(record, started or _free_second(path))}.h5"
    size = pictures.shape[1:3]
    content = Content(pictures, seen, commands, events, (len(seen) - 1) * _decision_s(record), {
        "frames": len(seen), "decisions": record.decisions, "height": size[0], "width": size[1],
        "scenario": record.scenario, "source": record.source, "instruction": record.instruction,
        "pattern": record.variation["pattern"], "distance": record.variation["distance"]})
    return write_content(path, content, storage,
                         lambda group: _write_facts(group, record, len(seen), facts or {}))


@dataclass(frozen=True)
class Content:
    """What stands at the root of a file, and what its header says."""

    pictures: np.ndarray  # [N, H, W, 3] uint8, RGB
    seen: list[int]  # of T frames: which picture it shows
    commands: np.ndarray  # [T, 3] float32
    events: list[str]  # [T]
    duration_s: float | None  # None where nobody knows it
    facts: Mapping[str, str | int | None]  # of the seal: the columns of `episodes.folder_index`


def write_content(path: Path, content: Content, storage: str,
                  fill: Callable[[h5py.Group], None]) -> Path:
    """Write one sealed file, which is there whole or not at all.

    Args:
        path: Of the file.
        content: For the laboratory's readers.
        storage: One of `episodes.storing.STORAGES`.
        fill: Writes what only ours know into the group `sim/`.
    """
    buffer = io.BytesIO()
    with Packing(content.pictures, content.seen, storage) as packing, \
            h5py.File(buffer, "w", userblock_size=seal.block_bytes(content.facts)) as file:
        file.create_dataset("actions", data=content.commands, compression="gzip",
                            compression_opts=GZIP_LEVEL, track_times=False)
        file.create_dataset("action_event_types", data=np.array(content.events, object),
                            dtype=h5py.string_dtype("utf-8"), compression="gzip", track_times=False)
        file.attrs.update({
            "episode_name": path.stem, "scenario": content.facts["scenario"] or "",
            "action_chunk_size": CHUNK_SIZE, "num_frames": len(content.seen),
            "schema_version": SCHEMA_VERSION,
        })
        if content.duration_s is not None:
            file.attrs["total_duration"] = round(content.duration_s, 6)
        fill(file.create_group("sim"))
        packing.write(file)
    with buffer.getbuffer() as written:
        seal.seal(written, content.facts)
        write_atomically(path, written)
    return path


def _decision_s(record: Record) -> float:
    return float(record.rules["decision_s"])


def name_of(record: Record, started: datetime) -> EpisodeName:
    """The name that the laboratory would give to a record's file."""
    return EpisodeName(started, record.scenario, record.variation["pattern"],
                       record.variation["distance"])


def frames(record: Record,
           profile: str) -> tuple[np.ndarray, list[int], np.ndarray, list[str]]:
    """Pictures [N, H, W, 3] RGB, and of T frames: which of them it shows, command [3], event.

    Frame 0 is `episode_start`: the first picture and no motion. Frame k holds the picture seen
    just before command k, and command k.
    """
    if profile not in PROFILES:
        raise ValueError(f"profile must be one of {', '.join(PROFILES)}, got {profile!r}.")
    if record.rgb is None:
        raise ValueError("The record has no pictures: roll out with keep_rgb=True.")
    count = record.decisions
    if profile == "lab" and count > LAB_DECISIONS:
        raise ValueError(f"A lab episode has at most {LAB_DECISIONS} decisions, got {count}.")
    padding = LAB_DECISIONS - count if profile == "lab" else 0
    seen = [0, *range(count), *[count] * padding]
    commands = np.zeros((len(seen), 3), np.float32)
    commands[1:count + 1] = record.sent
    return record.rgb, seen, commands, ["episode_start", *events_of(commands[1:])]


def _write_facts(group: h5py.Group, record: Record, frame_count: int,
                 facts: Mapping[str, str | int | float | bool]) -> None:
    """Everything the laboratory's format lacks: attributes, and arrays of N or N + 1 rows."""
    decision_s = _decision_s(record)
    header = {name: value for name, value in record.header().items() if value is not None}
    header |= {"decisions": record.decisions, "rate_hz": 1.0 / decision_s,
               "pattern": record.variation["pattern"], "distance": record.variation["distance"],
               **facts}
    for name, value in sorted(header.items()):
        text = json.dumps(value, sort_keys=True) if isinstance(value, dict) else value
        add_attribute(group, name, text)
    time_s = decision_s * np.maximum(np.arange(frame_count) - 1, 0)  # two frames at the start
    for name, array in sorted({**record.arrays(), "time_s": np.round(time_s, 6)}.items()):
        if name not in UNSTORED:
            _add_array(group, name, array)


def add_attribute(group: h5py.Group, name: str, value: str | int | float | bool) -> None:
    """Like `group.attrs[name] = value`, in half the time: a file has dozens."""
    stored = np.array(value, h5py.string_dtype() if isinstance(value, str) else None)
    kind = h5py.h5t.py_create(stored.dtype, logical=True)
    space = h5py.h5s.create(h5py.h5s.SCALAR)
    h5py.h5a.create(group.id, name.encode(), kind, space).write(stored)


def _add_array(group: h5py.Group, name: str, array: np.ndarray) -> None:
    """Like `group.create_dataset(name, data=array, track_times=False)`, in half the time."""
    plain = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plain.set_obj_track_times(False)
    kind = h5py.h5t.py_create(array.dtype, logical=True)
    stored = h5py.h5d.create(group.id, name.encode(), kind, h5py.h5s.create_simple(array.shape),
                             plain)
    if array.size:
        stored.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(array))


def _free_second(folder: Path) -> datetime:
    """The first second since 2000-01-01 that no file of the folder is named after."""
    number = 0
    while any(folder.glob(f"{EpisodeName(simulated_start(number))}*")):
        number += 1
    return simulated_start(number)
