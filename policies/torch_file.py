"""Torch's own files, opened without running what is in them.

A torch file is a pickle in a zip archive. It is opened by torch's restricted reader alone, which
knows tensors, plain containers and the harmless classes named below; never by `pickle`.
"""

from __future__ import annotations

import argparse
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

STATES = ("model_state_dict", "state_dict", "model", "module", "net")  # where weights may stand
# Training scripts store their command line; lazily built layers store that they never were.
HARMLESS = [argparse.Namespace, UninitializedParameter, UninitializedBuffer]
MOST_PICKLE_BYTES = 64 * 2**20  # names and shapes of 885 tensors need 0.1 MiB
SHOWN = 60  # characters of a value of unknown origin
SHOWN_NAMES = 8
# What a damaged or hostile pickle makes the restricted reader raise.
DAMAGED = (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, IndexError,
           AttributeError, TypeError, OverflowError, AssertionError, struct.error, ImportError,
           MemoryError)
REFUSED = re.compile(r"(?:Unsupported (?:global: GLOBAL|class)|GLOBAL) ([\w.]+)")


def is_torch(path: Path) -> bool:
    """Whether it is a zip archive, as torch writes.

    Raises:
        ValueError: if there is no such file, or it is torch's format before version 1.6.
    """
    if path.is_dir():
        raise ValueError(f"{path}: is a folder; give one of its files, like model.safetensors.")
    try:
        with path.open("rb") as file:
            start = file.read(9)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}).") from error
    if start.startswith(b"PK\x03\x04"):
        return True
    if start.startswith(b"\x80") and start[8:] != b"{":  # safetensors: a length, then JSON
        raise ValueError(f"{path}: is a bare pickle, as torch wrote before version 1.6; it is not "
                         f"opened here. Have its maker store it again with torch.save.")
    return False


def open_torch(path: Path) -> Any:
    """The content of a torch file; tensors stay on the disk until they are used.

    Raises:
        ValueError: one sentence, if it is damaged, or holds what could run code.
    """
    _check_archive(path)
    try:
        with torch.serialization.safe_globals(HARMLESS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about how it was stored; what matters is refused
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except DAMAGED as error:
        refused = REFUSED.search(str(error))
        if refused and isinstance(error, pickle.UnpicklingError):
            raise ValueError(f"{path}: holds {refused.group(1)}, which only a pickle that may run "
                             f"code could load; it is not opened. Have its maker store the "
                             f"state_dict alone, or safetensors.") from error
        raise ValueError(f"{path}: is no sound torch file ({first_line(error)}).") from error


def _check_archive(path: Path) -> None:
    """Refuse archives that unfold to more than they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise ValueError(f"{path}: is no sound torch file ({first_line(error)}).") from error
    packed = [part.filename for part in parts if part.compress_type != zipfile.ZIP_STORED]
    if packed:
        raise ValueError(f"{path}: {words(packed[0])} is compressed, which torch never does; it "
                         f"is not unpacked.")
    large = [part for part in parts if part.filename.endswith(".pkl")
             and part.file_size > MOST_PICKLE_BYTES]
    if large:
        raise ValueError(f"{path}: {words(large[0].filename)} has {large[0].file_size} bytes; "
                         f"names and shapes never need more than {MOST_PICKLE_BYTES}.")


def state_of(path: Path, content: Any) -> tuple[Mapping[Any, Any], str]:
    """The mapping of names to tensors, and under which name it stands.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(content, Mapping):
        for where in STATES:
            if _holds_tensors(content.get(where)):
                return content[where], where
        if _holds_tensors(content):
            return content, ""
    raise ValueError(f"{path}: holds no named tensors but {words(content)}; expected a state_dict, "
                     f"alone or under one of {', '.join(STATES)}.")


def _holds_tensors(content: Any) -> bool:
    return isinstance(content, Mapping) and any(isinstance(value, torch.Tensor)
                                                for value in content.values())


def words(value: Any) -> str:
    """A value of unknown origin, safe and short to print."""
    if isinstance(value, argparse.Namespace):
        value = vars(value)
        return _short(", ".join(f"{name} {words(each)}" for name, each in
                                list(value.items())[:SHOWN_NAMES]))
    if isinstance(value, Mapping):
        names = ", ".join(words(name) for name in list(value)[:SHOWN_NAMES]
                          if isinstance(name, str | int))
        return f"{len(value)} names ({_short(names)})" if value else "nothing"
    if isinstance(value, str) and value.isprintable():
        return _short(value)
    if isinstance(value, str | int | float | None):
        return _short(ascii(value))
    return f"a {type(value).__name__}"  # its content may be endless


def first_line(error: BaseException) -> str:
    """The first line of what was raised."""
    return words((str(error) or type(error).__name__).splitlines()[0])


def _short(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
