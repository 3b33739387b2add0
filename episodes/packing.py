"""How chunks of pixels are packed and unpacked; whatever a file claims, no more than expected.

Chunks are unpacked here and not by HDF5's filters: those allocate what the packed bytes ask for,
take too few bytes for enough, and the one for zstd is not everywhere.
"""

from __future__ import annotations

import io
import threading
import zlib
from collections.abc import Sequence

import numpy as np
import zstandard
from PIL import Image, UnidentifiedImageError

try:
    from isal import isal_zlib as packer
except ImportError:  # a robot's recorder has time enough for zlib
    import zlib as packer  # type: ignore[no-redef]

GZIP, SHUFFLE, ZSTD = 1, 2, 32015  # HDF5's numbers of filters
FILTERS = {GZIP: "gzip", SHUFFLE: "shuffle", ZSTD: "zstd"}
GZIP_LEVEL, ZSTD_LEVEL = 1, 1
JPEG_QUALITY = 95
_local = threading.local()


class PackedError(ValueError):
    """Packed bytes are not what they are said to be."""


def pack_gzip(picture: np.ndarray) -> bytes:
    """A chunk that every HDF5 reads without a plug-in.

    ISA-L packs where it is installed and zlib where it is not: on simulated pictures it takes a
    fifth of zlib's time at level 1, and a tenth of that at level 4 for 5 % (224 x 224) to 35 %
    (720p) more bytes.
    """
    return packer.compress(picture, GZIP_LEVEL)


def pack_zstd(picture: np.ndarray) -> bytes:
    """A chunk as the plug-in of hdf5plugin reads it; the file's seal is its checksum."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
    return _local.compressor.compress(picture)


def pack_jpeg(picture: np.ndarray) -> bytes:
    """A JPEG of quality 95 with full colour resolution. Lossy; [H, W, 3] RGB."""
    written = io.BytesIO()
    Image.fromarray(picture).save(written, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return written.getvalue()


def unpack(packed: bytes, filters: Sequence[int], count: int, itemsize: int) -> np.ndarray:
    """The bytes of a chunk, as [count] uint8, with the filters undone, last one first.

    Raises:
        PackedError: if they are damaged, or not exactly as many as expected.
    """
    content = packed
    for number in reversed(filters):
        content = _UNDONE[number](content, count, itemsize)
    if len(content) != count:
        raise PackedError(f"a chunk holds {len(content)} bytes, expected {count}")
    return np.frombuffer(content, np.uint8)


def unpack_jpeg(packed: bytes, height: int, width: int) -> np.ndarray:
    """Pixels [H, W, 3] RGB.

    Raises:
        PackedError: if they are damaged or of another size.
    """
    try:
        with Image.open(io.BytesIO(packed), formats=["JPEG"]) as picture:
            if picture.size != (width, height) or picture.mode != "RGB":
                raise PackedError(f"a JPEG is {picture.height} x {picture.width} "
                                  f"{picture.mode}, expected {height} x {width} RGB")
            return np.array(picture)
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise PackedError(f"a JPEG is damaged ({error})") from error


def _gunzip(packed: bytes, count: int, itemsize: int) -> bytes:
    unpacking = zlib.decompressobj()
    try:
        content = unpacking.decompress(packed, count + 1)
    except zlib.error as error:
        raise PackedError(f"a chunk cannot be unpacked ({error})") from error
    if len(content) > count or not unpacking.eof:
        raise PackedError(f"a chunk does not end after the {count} bytes that were expected")
    return content


def _unzstd(packed: bytes, count: int, itemsize: int) -> bytes:
    try:
        if zstandard.frame_content_size(packed) not in (-1, count):
            raise PackedError(f"a chunk announces {zstandard.frame_content_size(packed)} bytes, "
                              f"expected {count}")
        return _unpacker().decompress(packed, max_output_size=count)
    except zstandard.ZstdError as error:
        raise PackedError(f"a chunk cannot be unpacked ({error})") from error


def _unpacker() -> zstandard.ZstdDecompressor:
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27)
    return _local.decompressor


def _unshuffle(content: bytes, count: int, itemsize: int) -> bytes:
    if itemsize == 1 or len(content) % itemsize:
        return content
    return np.frombuffer(content, np.uint8).reshape(itemsize, -1).T.tobytes()


_UNDONE = {GZIP: _gunzip, ZSTD: _unzstd, SHUFFLE: _unshuffle}
