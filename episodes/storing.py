"""How pictures are stored: one packed piece each, by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np

from episodes.guard import FREE_BYTES, MOST_RATIO
from episodes.packing import (
    GZIP,
    GZIP_LEVEL,
    JPEG_QUALITY,
    ZSTD,
    ZSTD_LEVEL,
    pack_gzip,
    pack_jpeg,
    pack_zstd,
    swap_channels,
)
from episodes.pixels import BGR_IMAGES, JPEG

STORAGES = ("zstd", "gzip", JPEG)
STORAGE_OF = {"lab": "gzip", "full": "zstd"}  # where nothing else is asked for
LARGE_BYTES = 1_000_000  # pictures of this size are packed by several threads
THREADS = 2
PACKERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "zstd": lambda picture: pack_zstd(swap_channels(picture)),
    "gzip": lambda picture: pack_gzip(swap_channels(picture)),
    JPEG: pack_jpeg,
}
FILTER = {"zstd": (ZSTD, ZSTD_LEVEL), "gzip": (GZIP, GZIP_LEVEL)}


def storage_of(profile: str, storage: str | None) -> str:
    """How a profile's pictures are packed.

    Raises:
        ValueError: for an unknown storage, or one that the profile's readers do not know.
    """
    chosen = storage or STORAGE_OF[profile]
    if chosen not in STORAGES:
        raise ValueError(f"storage must be one of {', '.join(STORAGES)}, got {storage!r}.")
    if profile == "lab" and chosen != "gzip":
        raise ValueError(f"profile lab is stored as gzip, which the laboratory's loaders read, got "
                         f"{storage!r}; choose profile full for it.")
    return chosen


def write_pictures(file: h5py.File, pictures: np.ndarray, seen: list[int], storage: str) -> str:
    """Write one picture per frame; one that several frames show is packed once.

    Args:
        file: Open for writing.
        pictures: [N, H, W, 3] uint8 RGB.
        seen: Of T frames, which picture it shows.
        storage: One of STORAGES.

    Returns:
        How they were stored: pictures of which zstd leaves nearly nothing are stored as gzip, so
        that readers may refuse files that claim to unpack to more than gzip could have packed.
    """
    shown = sorted(set(seen))
    packed = dict(zip(shown, packed_by(PACKERS[storage], [pictures[each] for each in shown])))
    room = FREE_BYTES + MOST_RATIO * sum(len(packed[number]) for number in seen)
    if storage == "zstd" and len(seen) * pictures[0].nbytes > room:
        return write_pictures(file, pictures, seen, "gzip")
    if storage == JPEG:
        _write_jpegs(file, packed, seen, pictures.shape[1:3])
    else:
        write_chunks(file, BGR_IMAGES, [packed[number] for number in seen], pictures.shape[1:],
                     *FILTER[storage])
    return storage


def packed_by(packer: Callable[[np.ndarray], bytes],
              pictures: Sequence[np.ndarray]) -> Iterator[bytes]:
    """Each picture packed; large ones by several threads."""
    threads = min(THREADS, len(os.sched_getaffinity(0)))
    if not pictures or pictures[0].nbytes < LARGE_BYTES or threads == 1:
        yield from map(packer, pictures)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(packer, pictures)


def write_chunks(group: h5py.Group, name: str, packed: Sequence[bytes], size: tuple[int, ...],
                 number: int, level: int) -> None:
    """A data set [T, H, W, 3] uint8, one chunk a frame, packed already by a filter of HDF5."""
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_obj_track_times(False)
    made.set_chunk((1, *size))
    made.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (level,))  # needed by who reads by HDF5 alone
    images = h5py.h5d.create(group.id, name.encode(), h5py.h5t.STD_U8LE,
                             h5py.h5s.create_simple((len(packed), *size)), made)
    for frame, chunk in enumerate(packed):
        images.write_direct_chunk((frame, 0, 0, 0), chunk)


def _write_jpegs(file: h5py.File, packed: dict[int, bytes], seen: list[int],
                 size: tuple[int, ...]) -> None:
    """The group `jpeg`: all JPEGs in one plain data set, and where each frame's lies."""
    ends = np.cumsum([len(each) for each in packed.values()])
    starts = dict(zip(packed, [0, *ends.tolist()]))
    spans = np.array([(starts[number], len(packed[number])) for number in seen], np.int64)
    group = file.create_group(JPEG)
    group.create_dataset("data", data=np.frombuffer(b"".join(packed.values()), np.uint8),
                         track_times=False)
    group.create_dataset("spans", data=spans, track_times=False)
    group.attrs.update(height=size[0], width=size[1], quality=JPEG_QUALITY)
