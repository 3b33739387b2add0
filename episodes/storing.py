"""How pictures are stored: one packed piece each, by name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import h5py
import numpy as np

from episodes.channels import swap_channels
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
)
from episodes.pixels import BGR_IMAGES, JPEG
from episodes.shared_work import SharedWork

STORAGES = ("zstd", "gzip", JPEG)
STORAGE_OF = {"lab": "gzip", "full": "zstd"}  # where nothing else is asked for
LARGE_BYTES = 1_000_000  # pictures of this size are packed by two threads
PACKERS: dict[str, Callable[[np.ndarray], bytes]] = {
    "zstd": lambda picture: pack_zstd(_bgr(picture)),
    "gzip": lambda picture: pack_gzip(_bgr(picture)),
    JPEG: pack_jpeg,
}
_local = threading.local()
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


class Packing:
    """Pictures that are being packed: large ones by another thread, while this one goes on.

    One picture that several frames show is packed once. Used as a context manager: what is not
    packed yet when it ends is left alone.
    """

    def __init__(self, pictures: np.ndarray, seen: list[int], storage: str) -> None:
        """Begin.

        Args:
            pictures: [N, H, W, 3] uint8 RGB.
            seen: Of T frames, which picture it shows.
            storage: One of STORAGES.
        """
        self._pictures, self._seen, self._storage = pictures, seen, storage
        self._shown = sorted(set(seen))
        self._packed = packed(PACKERS[storage], [pictures[each] for each in self._shown])

    def __enter__(self) -> Packing:
        return self

    def __exit__(self, *_: object) -> None:
        self._packed.drop()

    def write(self, file: h5py.File) -> str:
        """Write one picture per frame into a file that is open for writing.

        Returns:
            How they were stored: pictures of which zstd leaves nearly nothing are stored as gzip,
            so that readers may refuse files that claim to unpack to more than gzip could have
            packed.
        """
        seen, packed = self._seen, dict(zip(self._shown, self._packed.results()))
        room = FREE_BYTES + MOST_RATIO * sum(len(packed[number]) for number in seen)
        if self._storage == "zstd" and len(seen) * self._pictures[0].nbytes > room:
            with Packing(self._pictures, seen, "gzip") as smaller:
                return smaller.write(file)
        if self._storage == JPEG:
            _write_jpegs(file, packed, seen, self._pictures.shape[1:3])
        else:
            write_chunks(file, BGR_IMAGES, [packed[number] for number in seen],
                         self._pictures.shape[1:], *FILTER[self._storage])
        return self._storage


def packed(packer: Callable[[np.ndarray], bytes],
           pictures: Sequence[np.ndarray]) -> SharedWork[np.ndarray, bytes]:
    """Each picture packed; large ones by two threads, of which one begins at once."""
    large = len(pictures) > 0 and pictures[0].nbytes >= LARGE_BYTES
    return SharedWork(packer, pictures, helped=large)


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


def _bgr(picture: np.ndarray) -> np.ndarray:
    """A picture [H, W, 3] as the laboratory has it, in memory that this thread's next one takes."""
    room = getattr(_local, "room", None)
    if room is None or room.shape != picture.shape:
        room = _local.room = np.empty(picture.shape, np.uint8)
    return swap_channels(picture, room)


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
