"""How long texts of variable length say they are, read before HDF5 does: it allocates as much.

Such a text is stored as a reference: four bytes that say how long it is, then where it stands. A
file of 180 kB can so ask for 4 GB. References of attributes stand in the header of their object,
those of a data set where its entries are; both are looked at here as bytes, by HDF5's published
file format (version 3.0, "Object Headers" and "The Attribute Message").
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator

import h5py
import numpy as np

REFERENCE_BYTES = 16  # length (4), where (8), which (4)
ATTRIBUTE, CONTINUED = 0x0C, 0x10  # kinds of messages in a header
SHARED = 2  # a message's flag: its body is elsewhere
VARIABLE = 9  # HDF5's class of types whose entries are references
MOST_BLOCKS, MOST_BLOCK_BYTES = 256, 1 << 20  # of one header
Read = Callable[[int, int], bytes]  # so many bytes from an address on


def attribute_lengths(thing: h5py.Group | h5py.Dataset) -> dict[str, int]:
    """Bytes of all texts of each attribute of variable length in an object's own header.

    Attributes that HDF5 keeps elsewhere (many, in files of its latest version) are not among them.

    Raises:
        ValueError: if the header is damaged.
    """
    descriptor, base = thing.file.id.get_vfd_handle(), thing.file.userblock_size
    found = {}

    def read(address: int, count: int) -> bytes:
        return os.pread(descriptor, count, base + address)

    try:
        for body in _attributes(read, h5py.h5o.get_info(thing.id).addr):
            name, references = _named(body)
            if references is not None:
                found[name] = longest_and_all(references)[1]
    except (struct.error, OverflowError, IndexError, OSError) as error:
        raise ValueError(f"{thing.name} has a damaged header ({error}).") from error
    return found


def entries(dataset: h5py.Dataset) -> bytes:
    """The references of a contiguous data set of texts."""
    return os.pread(dataset.file.id.get_vfd_handle(), REFERENCE_BYTES * dataset.size,
                    dataset.id.get_offset() or 0)


def longest_and_all(references: bytes | np.ndarray) -> tuple[int, int]:
    """The bytes of the longest of some texts, and of all, by their references."""
    whole = len(references) // REFERENCE_BYTES * REFERENCE_BYTES
    lengths = np.frombuffer(references[:whole], "<u4")[::4].astype(np.int64)
    return int(lengths.max(initial=0)), int(lengths.sum())


def _attributes(read: Read, address: int) -> Iterator[bytes]:
    """The bodies of a header's attribute messages, in both versions of headers."""
    is_new = read(address, 4) == b"OHDR"
    if is_new:
        flags = read(address + 5, 1)[0]
        at = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        blocks = [(at + width, int.from_bytes(read(at, width), "little"))]
        head = struct.Struct("<BHB" + ("2x" if flags & 4 else ""))
    else:
        blocks = [(address + 16, struct.unpack("<I", read(address + 8, 4))[0])]
        head = struct.Struct("<HHB3x")
    for number, (start, size) in enumerate(blocks):  # which grows
        if number >= MOST_BLOCKS or size > MOST_BLOCK_BYTES:
            raise OverflowError(f"{number + 1} blocks, {size} bytes")
        block, at = read(start, size), 0
        while at + head.size <= len(block):
            kind, length, flags = head.unpack_from(block, at)
            body = block[at + head.size:at + head.size + length]
            at += head.size + length
            if kind == CONTINUED:
                place, count = struct.unpack_from("<QQ", body)
                blocks.append((place + 4, count - 8) if is_new else (place, count))
            elif kind == ATTRIBUTE and not flags & SHARED:
                yield body


def _named(body: bytes) -> tuple[str, bytes | None]:
    """An attribute's name and its references; None where it has none, or a type kept elsewhere."""
    version, flags, *sizes = struct.unpack_from("<BBHHH", body)
    if version == 1:
        sizes, flags = [-(-size // 8) * 8 for size in sizes], 0
    at = 9 if version == 3 else 8
    name, kind = body[at:at + sizes[0]], body[at + sizes[0]:at + sizes[0] + sizes[1]]
    text = name.split(b"\0")[0].decode("utf-8", "replace")
    if flags & 1 or not kind or kind[0] & 15 != VARIABLE:
        return text, None
    return text, body[at + sum(sizes):]
