"""The pictures of an episode file: where each stands, and one, some or all of them as RGB.

`Pictures` is plain data: it outlives the open file, and a frame that is a chunk of its own, or a
JPEG, is read again without HDF5, from any process.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np

from episodes.channels import swap_channels
from episodes.guard import attributes, check_size, content, filters_of, guarded
from episodes.packing import (
    FILTERS,
    SHUFFLE,
    PackedError,
    unpack,
    unpack_jpeg,
)

RGB_IMAGES = "observations/images"  # the 2026 format
BGR_IMAGES = "images"
JPEG = "jpeg"  # a group: data [N] uint8 and spans [T, 2], and the size of the pictures
LAYOUTS = (RGB_IMAGES, BGR_IMAGES, JPEG)


@dataclass(frozen=True)
class Pictures:
    """Where the pictures of one file are, and how they are packed."""

    layout: str  # one of LAYOUTS
    count: int
    height: int
    width: int
    filters: tuple[int, ...] = ()
    spans: np.ndarray | None = field(default=None, repr=False)  # [T, 2] int64: first byte, bytes

    @property
    def storage(self) -> str:
        """By which name the packing is known: zstd, gzip, jpeg, ..., or none."""
        names = [FILTERS[each] for each in self.filters if each != SHUFFLE]
        return JPEG if self.layout == JPEG else "+".join(names) or "none"

    def read(self, path: Path, frames: Sequence[int] | None = None) -> np.ndarray:
        """Some frames [N, H, W, 3] RGB, or all; each is read alone where it is packed alone.

        Raises:
            PackedError: if one is damaged.
            OSError: if the file cannot be read.
        """
        wanted = range(self.count) if frames is None else frames
        if self.spans is None:
            with guarded(path) as file:
                pixels = content(file[self.layout])
            pixels = pixels if frames is None else pixels[list(frames)]
            return swap_channels(pixels) if self.layout == BGR_IMAGES else pixels
        pixels = np.empty((len(wanted), self.height, self.width, 3), np.uint8)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for place, frame in enumerate(wanted):
                start, length = self.spans[frame].tolist()
                packed = os.pread(descriptor, length, start)
                if len(packed) != length:
                    raise PackedError(f"frame {frame} lies behind the file's end")
                self._unpack(packed, pixels[place])
        finally:
            os.close(descriptor)
        return pixels

    def _unpack(self, packed: bytes, out: np.ndarray) -> None:
        if self.layout == JPEG:
            out[...] = unpack_jpeg(packed, self.height, self.width)
            return
        pixels = unpack(packed, self.filters, out.nbytes, 1).reshape(out.shape)
        if self.layout == BGR_IMAGES:
            swap_channels(pixels, out)
        else:
            out[...] = pixels


def find_pictures(file: h5py.File) -> Pictures:
    """Where the pictures of a guarded file are.

    Raises:
        ValueError: if there are none, or they are no sequence of pictures.
    """
    layout = next((each for each in LAYOUTS if each in file), BGR_IMAGES)
    if layout == JPEG:
        return _find_jpegs(file)
    images = file.get(layout)
    if not isinstance(images, h5py.Dataset):
        raise ValueError(f"has no dataset {layout!r} (it holds {list(file)}), expected an episode "
                         f"with images, actions and action_event_types.")
    if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8 or 0 in images.shape:
        raise ValueError(f"{layout} must be [T, H, W, 3] uint8, got {list(images.shape)} "
                         f"{images.dtype}.")
    filters, spans = filters_of(images), None
    alone = images.chunks == (1, *images.shape[1:])
    if alone and filters:
        chunks: list[h5py.h5d.StoreInfo] = []
        images.id.chunk_iter(chunks.append)
        if not any(chunk.filter_mask for chunk in chunks):
            spans = np.zeros((len(images), 2), np.int64)
            for chunk in chunks:
                spans[chunk.chunk_offset[0]] = chunk.byte_offset, chunk.size
    count, height, width, _ = images.shape
    return Pictures(layout, count, height, width, tuple(filters), spans)


def _find_jpegs(file: h5py.File) -> Pictures:
    """JPEGs one after the other in a plain data set, so that their place in the file is known."""
    data, spans = file[JPEG]["data"], content(file[JPEG]["spans"])
    if data.chunks is not None or data.ndim != 1 or data.dtype != np.uint8:
        raise ValueError(f"{JPEG}/data must be plain [N] uint8, got {list(data.shape)} "
                         f"{data.dtype}.")
    if spans.ndim != 2 or spans.shape[1] != 2 or spans.dtype != np.int64 or not len(spans):
        raise ValueError(f"{JPEG}/spans must be [T, 2] int64, got {list(spans.shape)} "
                         f"{spans.dtype}.")
    if spans.min() < 0 or (spans > len(data)).any() or (spans.sum(axis=1) > len(data)).any():
        raise ValueError(f"{JPEG}/spans lead out of {JPEG}/data with its {len(data)} bytes.")
    height, width = (int(attributes(file[JPEG])[name]) for name in ("height", "width"))
    check_size(f"{JPEG}/data", (len(spans), height, width, 3), file.id.get_filesize())
    return Pictures(JPEG, len(spans), height, width,
                    spans=spans + np.array([data.id.get_offset(), 0]))
