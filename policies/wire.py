"""Messages between a robot and a policy elsewhere: msgpack, arrays as openpi's client packs them.

An array is a map of `__ndarray__`, `data`, `dtype` and `shape` (keys are bytes), a NumPy number one
of `__npgeneric__`, `data` and `dtype`. Whatever comes from the other side is data and never code:
numbers, text, lists and maps pass, objects, pickles and extension types do not.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

import msgpack
import numpy as np

TYPES = ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8")
MOST_ITEMS = 4096  # of one list or map: pictures travel as bytes
MOST_AXES = 8


class WireError(ValueError):
    """A message that is none, in one sentence."""


def pack(content: Any) -> bytes:
    """Text, numbers, lists, maps and NumPy arrays as a message.

    Raises:
        TypeError: for anything else.
    """
    return msgpack.packb(content, default=_packed)


def unpack(message: bytes) -> Any:
    """What a message says; arrays are read-only and in this machine's byte order.

    Raises:
        WireError: if it is no msgpack, or holds what may not travel.
    """
    try:
        return msgpack.unpackb(message, object_hook=_unpacked, ext_hook=_refuse_extension,
                               max_array_len=MOST_ITEMS, max_map_len=MOST_ITEMS)
    except WireError:
        raise
    except (ValueError, OverflowError) as error:
        raise WireError(f"a message of {len(message)} bytes is no valid msgpack "
                        f"({error or type(error).__name__}).") from error


def _packed(value: Any) -> dict[bytes, Any]:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.str[1:] in TYPES:
        kind = value.dtype.str
        if isinstance(value, np.ndarray):
            return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": kind,
                    b"shape": value.shape}
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": kind}
    raise TypeError(f"{type(value).__name__} cannot travel: only text, numbers, lists, maps and "
                    f"arrays of numbers do.")


def _unpacked(content: dict[Any, Any]) -> Any:
    """A map as it is, or the array or number that it stands for."""
    if b"__ndarray__" in content:
        return _array(content)
    if b"__npgeneric__" in content:
        value = content.get(b"data")
        if not isinstance(value, bool | int | float):
            raise WireError(f"a NumPy number must hold a number, got {type(value).__name__}.")
        return value
    return content


def _array(content: dict[Any, Any]) -> np.ndarray:
    data, kind, shape = (content.get(name) for name in (b"data", b"dtype", b"shape"))
    if not isinstance(kind, str) or kind.lstrip("<>|=") not in TYPES:
        raise WireError(f"arrays may be of {', '.join(TYPES)}, got {_shown(kind)}.")
    if not (isinstance(shape, list) and len(shape) <= MOST_AXES
            and all(type(each) is int and each >= 0 for each in shape)):
        raise WireError(f"an array's shape must be a list of whole numbers, got {_shown(shape)}.")
    try:
        dtype = np.dtype(kind)
    except TypeError as error:
        raise WireError(f"{_shown(kind)} is no type of array.") from error
    wanted = math.prod(shape) * dtype.itemsize
    if not isinstance(data, bytes) or len(data) != wanted:
        got = len(data) if isinstance(data, bytes) else type(data).__name__
        raise WireError(f"an array {shape} of {kind} has {wanted} bytes, got {got}.")
    found = np.frombuffer(data, dtype).reshape(shape)
    return found if dtype.isnative else found.astype(dtype.newbyteorder("="))


def _refuse_extension(code: int, data: bytes) -> NoReturn:
    raise WireError(f"extension types may not travel, got type {code}.")


def _shown(value: Any) -> str:
    """A stranger's value, no longer than a sentence bears."""
    return repr(value)[:40]
