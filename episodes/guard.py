"""The only way in which an HDF5 file is opened for reading: nothing in it is believed.

Before any content is read: a sealed file's bytes are those that were sealed; every link is a hard
one to a group or a data set that is met once; no data set lies in another file or is virtual; all
sizes that are declared fit limits, the file's own size, and what its chunks say.
"""

from __future__ import annotations

import contextlib
import math
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from episodes import seal
from episodes.heaps import check_heaps
from episodes.lengths import REFERENCE_BYTES, attribute_lengths, entries, longest_and_all
from episodes.packing import FILTERS, PackedError, unpack

EXPECTED = "an episode with images, actions and action_event_types"
MAX_PIXEL_BYTES = 2 * 1024**3
FREE_BYTES, MOST_RATIO = 64 * 1024**2, 1100  # unpacked bytes: gzip packs at most 1032 to 1
MAX_FRAMES = 100_000
MAX_CHUNK_BYTES = 128 * 1024**2  # one picture of 8K
MAX_OTHER_BYTES = 16 * 1024**2  # a data set that is no picture sequence
MAX_LINKS, MAX_DEPTH, MAX_ATTRIBUTES = 256, 4, 256
MAX_TEXT_BYTES = 64 * 1024  # of one attribute, or of one entry of a data set of texts
TEXT_ROOM_BYTES = 16 * 1024**2  # that texts may take while they are read
DAMAGE = (OSError, RuntimeError, KeyError, TypeError, OverflowError, MemoryError, IndexError)
NUMBERS = (h5py.h5t.INTEGER, h5py.h5t.FLOAT)
LAYOUTS = (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED)


@contextlib.contextmanager
def guarded(path: str | Path, expected: str = EXPECTED,
            most_links: int = MAX_LINKS) -> Iterator[h5py.File]:
    """Open a file that anybody may have made; errors while it is open name it.

    Args:
        path: The file.
        expected: What it should be, for a sentence.
        most_links: Groups and data sets that it may have.

    Raises:
        ValueError: one sentence with file, path inside it, what was found and what was expected.
    """
    path = Path(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"{path}: is no regular file, expected {expected}.")
    except FileNotFoundError as error:
        raise ValueError(f"{path}: no such file, expected {expected}.") from error
    try:
        sealed = seal.verify(path)
        check_heaps(path)
        with h5py.File(path, "r") as file:
            if sealed is None and "schema_version" in file.attrs and _version(file) > 1:
                raise ValueError("has lost its seal, the first bytes of the file; expected it "
                                 "as it was written.")
            _check_links(file, path.stat().st_size, most_links)
            yield file
    except (seal.SealError, PackedError) as error:
        raise ValueError(f"{path}: {error}, expected {expected}.") from error
    except ValueError as error:
        if str(error).startswith(f"{path}: "):
            raise
        raise ValueError(f"{path}: {error}") from error
    except DAMAGE as error:
        reason = str(error.args[-1] if error.args else error).splitlines()[0]
        raise ValueError(f"{path}: damaged or no HDF5 file ({reason}), "
                         f"expected {expected}.") from error


def attributes(thing: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """The attributes of a group or data set that are numbers or texts, of bounded size.

    Raises:
        ValueError: if there are too many, or one is too large or of another kind.
    """
    count = h5py.h5a.get_num_attrs(thing.id)
    if count > MAX_ATTRIBUTES:
        raise ValueError(f"{thing.name} has {count} attributes, expected at most "
                         f"{MAX_ATTRIBUTES}.")
    found: dict[str, Any] = {}
    lengths: dict[str, int] | None = None
    for index in range(count):
        stored = h5py.h5a.open(thing.id, index=index)
        name = stored.name.decode("utf-8")
        where = f"attribute {name!r} of {thing.name}"
        if stored.get_type().get_class() not in (*NUMBERS, h5py.h5t.STRING, h5py.h5t.ENUM):
            raise ValueError(f"{where} is neither number nor text.")
        room = stored.get_storage_size()
        if room <= MAX_TEXT_BYTES and _varies(stored):
            lengths = attribute_lengths(thing) if lengths is None else lengths
            if name not in lengths:
                raise ValueError(f"{where} is a text of variable length that HDF5 keeps apart from "
                                 f"{thing.name}, expected it there, as h5py writes by default.")
            room = lengths[name]
        if room > MAX_TEXT_BYTES:
            raise ValueError(f"{where} has {math.prod(stored.shape or ())} entries in {room} "
                             f"bytes, expected at most {MAX_TEXT_BYTES} bytes.")
        found[name] = thing.attrs[name]
    return found


def content(dataset: h5py.Dataset) -> np.ndarray:
    """All numbers of a data set.

    Raises:
        PackedError: if a chunk is damaged.
    """
    if dataset.chunks is None or not filters_of(dataset):
        return dataset[()]
    values = np.empty(dataset.shape, dataset.dtype)
    for corner, packed in _chunks(dataset):
        chunk = packed.view(dataset.dtype).reshape(dataset.chunks)
        place = values[tuple(slice(start, start + length)
                             for start, length in zip(corner, dataset.chunks))]
        place[...] = chunk[tuple(slice(length) for length in place.shape)]
    return values


def texts(dataset: h5py.Dataset) -> Iterator[Any]:
    """The entries of a data set of texts, few at a time: they may all point at one large text."""
    step = TEXT_ROOM_BYTES // MAX_TEXT_BYTES
    for start in range(0, len(dataset), step):
        yield from dataset[start:start + step]


def filters_of(dataset: h5py.Dataset) -> list[int]:
    """HDF5's numbers of the filters that its chunks went through, in order."""
    made = dataset.id.get_create_plist()
    return [made.get_filter(index)[0] for index in range(made.get_nfilters())]


def is_text(dataset: h5py.Dataset) -> bool:
    """Whether its entries are texts, of fixed or variable length."""
    return dataset.id.get_type().get_class() == h5py.h5t.STRING


def _varies(stored: h5py.h5a.AttrID) -> bool:
    """Whether its texts are of variable length: then their sizes stand elsewhere in the file."""
    kind = stored.get_type()
    return kind.get_class() == h5py.h5t.STRING and kind.is_variable_str()


def _version(file: h5py.File) -> int:
    stored = h5py.h5a.open(file.id, b"schema_version")
    is_number = stored.shape == () and stored.get_type().get_class() in NUMBERS
    return int(file.attrs["schema_version"]) if is_number else 2


def _check_links(file: h5py.File, file_bytes: int, most: int) -> None:
    """Walk through all links and refuse what leads out of the file or in a circle."""
    met = {h5py.h5o.get_info(file.id).addr}
    waiting: list[tuple[h5py.Group, int]] = [(file["/"], 1)]
    while waiting:
        group, depth = waiting.pop()
        for raw in group.id:
            name = f"{group.name.rstrip('/')}/{raw.decode('utf-8')}"
            if group.id.links.get_info(raw).type != h5py.h5l.TYPE_HARD:
                raise ValueError(f"{name} is a soft or external link, expected content that "
                                 f"stands in this very place.")
            thing = group[raw]
            address = h5py.h5o.get_info(thing.id).addr
            if address in met or len(met) > most or depth > MAX_DEPTH:
                raise ValueError(f"{name} is met twice, or lies deeper than {MAX_DEPTH} groups or "
                                 f"behind more than {most} links; expected a plain tree.")
            met.add(address)
            if isinstance(thing, h5py.Group):
                waiting.append((thing, depth + 1))
            elif isinstance(thing, h5py.Dataset):
                _check_dataset(thing, file_bytes)
            else:
                raise ValueError(f"{name} is neither a group nor a data set.")


def _check_dataset(dataset: h5py.Dataset, file_bytes: int) -> None:
    """Refuse a data set whose content is not in this file, or not as much as it declares."""
    made, kind = dataset.id.get_create_plist(), dataset.id.get_type()
    if kind.get_class() not in (*NUMBERS, h5py.h5t.STRING, h5py.h5t.ENUM):
        raise ValueError(f"{dataset.name} holds neither numbers nor texts, expected no references, "
                         f"records or the like.")
    if made.get_external_count() or made.get_layout() not in LAYOUTS:
        raise ValueError(f"{dataset.name} lies in other files or is virtual, expected its content "
                         f"in this file.")
    if dataset.shape is None:
        raise ValueError(f"{dataset.name} is empty, expected content.")
    declared = check_size(dataset.name, dataset.shape, file_bytes, kind.get_size())
    if made.get_layout() == h5py.h5d.CHUNKED:
        _check_chunks(dataset, kind.get_size(), file_bytes)
    elif declared > min(dataset.id.get_storage_size(), file_bytes):
        raise ValueError(f"{dataset.name} stores {dataset.id.get_storage_size()} bytes in a file "
                         f"of {file_bytes}, expected the {declared} that it declares.")
    if is_text(dataset) and kind.is_variable_str():
        _check_texts(dataset)


def _check_texts(dataset: h5py.Dataset) -> None:
    """Refuse texts that say they are too long, before HDF5 allocates as much."""
    if dataset.id.get_create_plist().get_layout() == h5py.h5d.COMPACT:
        raise ValueError(f"{dataset.name} holds texts of variable length within its header, "
                         f"expected them as h5py writes by default.")
    pieces = ([entries(dataset)] if dataset.chunks is None else
              (packed for _, packed in _chunks(dataset)))  # each is whole: HDF5 would not notice
    longest = max((longest_and_all(piece)[0] for piece in pieces), default=0)
    if longest > MAX_TEXT_BYTES:
        raise ValueError(f"{dataset.name} has a text of {longest} bytes, expected at most "
                         f"{MAX_TEXT_BYTES}.")


def check_size(name: str, shape: Sequence[int], file_bytes: int, itemsize: int = 1) -> int:
    """The bytes that a shape declares, where they are not too many for a file of this size.

    Raises:
        ValueError: if they are; nothing was allocated then.
    """
    declared, pictures = math.prod(shape) * itemsize, len(shape) == 4
    most = min(MAX_PIXEL_BYTES if pictures else MAX_OTHER_BYTES,
               FREE_BYTES + MOST_RATIO * file_bytes)
    if declared > most or (pictures and shape[0] > MAX_FRAMES) or min(shape, default=0) < 0:
        raise ValueError(f"{name} is declared as {list(shape)} in a file of {file_bytes} bytes, "
                         f"expected at most {MAX_FRAMES} frames and {most} bytes here.")
    return declared


def _check_chunks(dataset: h5py.Dataset, itemsize: int, file_bytes: int) -> None:
    """Refuse chunks that are missing, lie outside the file, or are packed in unknown ways."""
    filters = filters_of(dataset)
    if not set(filters) <= set(FILTERS) or (is_text(dataset) and len(filters) > 1):
        raise ValueError(f"{dataset.name} is packed by HDF5's filters {filters}, expected "
                         f"{', '.join(f'{each} ({name})' for each, name in FILTERS.items())}; "
                         f"pack it again by `h5repack -f GZIP=1`.")
    stored: list[Any] = []
    dataset.id.chunk_iter(stored.append)
    wanted = math.prod(-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks))
    if len(stored) != wanted:
        raise ValueError(f"{dataset.name} has {len(stored)} chunks, expected {wanted}.")
    if math.prod(dataset.chunks) * itemsize > MAX_CHUNK_BYTES:
        raise ValueError(f"{dataset.name} has chunks of {list(dataset.chunks)} entries, expected "
                         f"at most {MAX_CHUNK_BYTES} bytes each.")
    if any(chunk.byte_offset + chunk.size > file_bytes for chunk in stored):
        raise ValueError(f"{dataset.name} has chunks outside the file.")


def _chunks(dataset: h5py.Dataset) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Where each packed chunk begins, and its bytes as [N] uint8, as many as it must have.

    Raises:
        PackedError: if one is damaged.
    """
    filters, itemsize = filters_of(dataset), dataset.dtype.itemsize
    if dataset.dtype.kind == "O":
        itemsize = REFERENCE_BYTES
    counts = [-(-length // chunk) for length, chunk in zip(dataset.shape, dataset.chunks)]
    for index in np.ndindex(*counts):
        corner = tuple(number * chunk for number, chunk in zip(index, dataset.chunks))
        skipped, packed = dataset.id.read_direct_chunk(corner)
        kept = [each for bit, each in enumerate(filters) if not skipped >> bit & 1]
        yield corner, unpack(packed, kept, math.prod(dataset.chunks) * itemsize, itemsize)
