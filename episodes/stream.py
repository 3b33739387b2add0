"""An episode file that grows picture by picture, in bounded memory; sealed once it is whole.

The same format as `episodes.hdf5_writer` writes, at the camera's pace: frame 0 is `episode_start`,
every other frame a picture and the command that was in force when it came. Readers take at most
2 GiB of pixels a file, so whoever records for long begins a new file when this one is `full`.
"""

from __future__ import annotations

import contextlib
import errno
import math
import mmap
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from episodes import seal
from episodes.atomic import sync_folder
from episodes.channels import swap_channels
from episodes.guard import FREE_BYTES, MAX_PIXEL_BYTES, MOST_RATIO
from episodes.hdf5 import SCHEMA_VERSION, events_of, read_episode
from episodes.hdf5_writer import CHUNK_SIZE
from episodes.packing import ZSTD, ZSTD_LEVEL, pack_zstd

Facts = Mapping[str, str | int | float | bool]
SEALED = ("scenario", "source", "pattern", "distance", "instruction")  # what an index wants
MOST_FRAMES = 99_999
RESERVE_BYTES = 4 * 1024**2  # given back when a disk is full: what was recorded can be finished
ROOM_BYTES = 1024**2  # that stay free, beside what is written


def pack(rgb: np.ndarray) -> bytes:
    """A picture [H, W, 3] uint8 RGB as the file holds it; may be done in another thread."""
    return pack_zstd(swap_channels(rgb))


class EpisodeStream:
    """One file that is being written; nobody sees it before `finish`."""

    def __init__(self, path: Path, size: tuple[int, int], facts: Facts) -> None:
        """Begin.

        Args:
            path: Of the finished file.
            size: Height and width of the pictures.
            facts: Of the drive: all of SEALED, and whatever else the group `sim/` shall say.

        Raises:
            OSError: if the disk refuses.
        """
        self.path, self._size, self._facts = path, size, dict(facts)
        mark = uuid.uuid4().hex
        self._temporary = path.with_name(f".{path.name}.{mark}.tmp")
        self._reserve = path.with_name(f".{path.name}.reserve.{mark}.tmp")
        self._commands: list[np.ndarray] = []
        self._times_s: list[float] = []
        self._packed = 0  # bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self._refused = False  # by the disk, in the middle of HDF5's work
        try:
            with self._reserve.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
            self._file = h5py.File(self._temporary, "w-",
                                   userblock_size=seal.block_bytes(self._sealed(MOST_FRAMES)))
        except OSError:
            self._remove()
            raise
        self._images = self._make()

    def __len__(self) -> int:
        """Frames so far."""
        return len(self._times_s)

    @property
    def full(self) -> bool:
        """Whether one frame more might be too much for readers."""
        pixels = (len(self) + 1) * math.prod((*self._size, 3))
        room = FREE_BYTES + MOST_RATIO * self._packed
        return len(self) >= MOST_FRAMES or pixels > min(MAX_PIXEL_BYTES, room)

    def append(self, packed: bytes, command: np.ndarray, time_s: float) -> None:
        """Add a frame.

        Args:
            packed: As `pack` gave it.
            command: [3] command units, in force when the picture came.
            time_s: Since the drive began.

        Raises:
            OSError: if the disk refuses; what was there before can still be finished.
        """
        frame = len(self)
        self._check_room(len(packed))
        try:
            self._images.set_extent((frame + 1, *self._size, 3))
            self._images.write_direct_chunk((frame, 0, 0, 0), packed)
        except (OSError, RuntimeError) as error:  # either, as h5py says that the disk refuses
            self._refused = True
            raise OSError(f"HDF5 could not write: {error}") from error
        self._commands.append(np.asarray(command, np.float32))
        self._times_s.append(time_s)
        self._packed += len(packed)

    def _check_room(self, wanted: int) -> None:
        """Refuse before HDF5 meets a full disk: what it had not written yet would be lost then."""
        disk = os.statvfs(self.path.parent)
        free = disk.f_bavail * disk.f_frsize
        if free < wanted + ROOM_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path.parent))

    def finish(self, facts: Facts) -> Path:
        """Write everything but pictures, seal the file and give it its name.

        Args:
            facts: More for the group `sim/`: how it ended.

        Raises:
            OSError: if the disk refuses even that.
            ValueError: if there is no frame, or what HDF5 made of a refusal cannot be read.
        """
        if not len(self):
            raise ValueError(f"{self.path}: there is no picture to keep.")
        self._reserve.unlink(missing_ok=True)
        try:
            self._images.set_extent((len(self), *self._size, 3))  # without what was refused
            self._write_rest({**self._facts, **facts})
            self._file.close()
            with self._temporary.open("r+b") as file:
                with mmap.mmap(file.fileno(), 0) as mapped, memoryview(mapped) as content:
                    seal.seal(content, self._sealed(len(self)))
                os.fsync(file.fileno())
            if self._refused:  # HDF5 may have lost more than the last picture
                read_episode(self._temporary)
            os.replace(self._temporary, self.path)
        except RuntimeError as error:
            raise OSError(f"HDF5 could not finish it: {error}") from error
        finally:
            self.discard()
        sync_folder(self.path.parent)
        return self.path

    def discard(self) -> None:
        """Leave nothing behind of what is not finished."""
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            self._file.close()
        self._remove()

    def _remove(self) -> None:
        self._temporary.unlink(missing_ok=True)
        self._reserve.unlink(missing_ok=True)

    def _make(self) -> h5py.h5d.DatasetID:
        """The laboratory's `images` [T, H, W, 3] BGR, one packed chunk a frame; T grows."""
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_obj_track_times(False)
        made.set_chunk((1, *self._size, 3))
        made.set_filter(ZSTD, h5py.h5z.FLAG_OPTIONAL, (ZSTD_LEVEL,))
        space = h5py.h5s.create_simple((0, *self._size, 3), (h5py.h5s.UNLIMITED, *self._size, 3))
        return h5py.h5d.create(self._file.id, b"images", h5py.h5t.STD_U8LE, space, made)

    def _write_rest(self, facts: Facts) -> None:
        file, frames = self._file, len(self)
        commands = np.array(self._commands, np.float32)
        file.create_dataset("actions", data=commands, track_times=False)
        file.create_dataset("action_event_types", dtype=h5py.string_dtype("utf-8"), data=np.array(
            ["episode_start", *events_of(commands[1:])], object), track_times=False)
        file.attrs.update({
            "episode_name": self.path.stem, "scenario": facts["scenario"],
            "action_chunk_size": CHUNK_SIZE, "num_frames": frames,
            "total_duration": round(self._times_s[-1] - self._times_s[0], 6),
            "schema_version": SCHEMA_VERSION})
        group = file.create_group("sim")
        group.attrs.update({**facts, "decisions": frames - 1})
        group.create_dataset("time_s", data=np.round(self._times_s, 6), track_times=False)

    def _sealed(self, frames: int) -> dict[str, Any]:
        """What the file's first bytes say."""
        height, width = self._size
        return {"frames": frames, "decisions": frames - 1, "height": height, "width": width,
                **{name: self._facts[name] for name in SEALED}}
