"""HDF5's heaps of texts, looked through before HDF5 does: it walks a damaged one without end.

A "global heap collection" holds texts of variable length, one object after the other. An object
that says it has no size, not even its own header's, is one that HDF5 never gets past.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

START = b"GCOL\x01\0\0\0"  # signature and version
OBJECT = struct.Struct("<HHIQ")  # index, how often used, nothing, size; index 0 is free space
HEADER_BYTES = 16  # of a collection, and of an object


def check_heaps(path: Path) -> None:
    """Refuse a file with a heap whose objects do not fill it, one behind the other.

    Raises:
        ValueError: naming the place in the file.
    """
    with path.open("rb") as file:
        if not path.stat().st_size:
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            place = content.find(START)
            while place >= 0:
                _check_heap(content, place)
                place = content.find(START, place + len(START))


def _check_heap(content: mmap.mmap, place: int) -> None:
    if place + HEADER_BYTES > len(content):
        raise ValueError(f"has half a heap of texts at byte {place}, expected a whole one.")
    size = int.from_bytes(content[place + 8:place + HEADER_BYTES], "little")
    end, at = place + size, place + HEADER_BYTES
    while end <= len(content) and end - at >= HEADER_BYTES:
        index, _, _, length = OBJECT.unpack_from(content, at)
        if not index and length < HEADER_BYTES:
            break
        at += HEADER_BYTES + (length + 7) // 8 * 8 if index else length
        if at > end:
            break
    if not at <= end <= len(content) or end - at >= HEADER_BYTES:
        raise ValueError(f"has a heap of texts at byte {place} whose {size} bytes are not filled "
                         f"by its objects, expected them one behind the other.")
