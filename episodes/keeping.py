"""What else stands in a laboratory's file: kept where it becomes another file of that kind.

The laboratory's later files say when and how they were collected; ours have in `sim/` who drove,
the seed, the simulator's truths, what was done to a copy. Nothing that converts reads these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from episodes.guard import attributes, content, guarded

TEXT = h5py.string_dtype()
MOST_BYTES = 16 * 1024**2  # of all arrays of one file
MOST_ATTRIBUTE_BYTES = 32 * 1024  # HDF5 stores no more than 64 KiB as an attribute
OF_FRAMES = "time_s"  # is written anew: a frame may have come in front


@dataclass(frozen=True)
class Kept:
    """Attributes of the root, and attributes and arrays of the group `sim/`."""

    root: Mapping[str, Any]
    own: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray]

    def fill(self, group: h5py.Group) -> None:
        """Write into `sim/` of another file, and into its root, what is not there yet."""
        for thing, values in ((group.file, self.root), (group, self.own)):
            for name, value in values.items():
                if name not in thing.attrs:
                    _write(thing, name, value)
        for name, array in self.arrays.items():
            group.create_dataset(name, data=array, track_times=False)


def kept(path: Path) -> Kept:
    """All of it that is numbers and texts.

    Raises:
        ValueError: one sentence naming the file, if it is more than an episode has.
    """
    with guarded(path) as file:
        group = file.get("sim")
        if not isinstance(group, h5py.Group):
            return Kept(_storable(attributes(file)), {}, {})
        found = {name: each for name, each in group.items() if name != OF_FRAMES
                 and isinstance(each, h5py.Dataset) and each.dtype.kind in "biuf"}
        total = sum(each.nbytes for each in found.values())
        if total > MOST_BYTES:
            raise ValueError(f"sim/ has arrays of {total} bytes, expected at most {MOST_BYTES}.")
        return Kept(_storable(attributes(file)), _storable(attributes(group)),
                    {name: content(each) for name, each in found.items()})


def _storable(found: dict[str, Any]) -> dict[str, Any]:
    """The attributes, where they can be written again."""
    for name, value in found.items():
        if not isinstance(value, str) and np.asarray(value).nbytes > MOST_ATTRIBUTE_BYTES:
            raise ValueError(f"attribute {name!r} has {np.asarray(value).nbytes} bytes, expected "
                             f"at most {MOST_ATTRIBUTE_BYTES}.")
    return found


def _write(thing: h5py.Group | h5py.File, name: str, value: Any) -> None:
    """An attribute as it was; texts byte by byte, since not all that says it is UTF-8 is."""
    if isinstance(value, str):
        thing.attrs.create(name, _bytes(value), dtype=TEXT)
    elif isinstance(value, np.ndarray) and value.dtype == object:
        texts = np.array([_bytes(each) for each in value.flat], object).reshape(value.shape)
        thing.attrs.create(name, texts, dtype=TEXT)
    else:
        thing.attrs[name] = value


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
