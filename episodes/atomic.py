"""Files and folders that are there whole or not at all, whatever dies in between."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

LEFTOVER = re.compile(r"\.(?P<of>.+)\.[0-9a-f]{32}\.tmp")  # what a killed process leaves behind


def write_atomically(path: Path, content: bytes | bytearray | memoryview) -> None:
    """Write to a hidden temporary file in the same folder, sync it to the disk, then rename it.

    Its name is nobody else's, in no process and on no machine. When this returns, the file
    outlives a power cut too: the folder that names it is synced as well.

    Raises:
        OSError: where the disk refuses anything; what was there before is there unchanged.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        _write(temporary, content)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextlib.contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A hidden folder to fill, beside the one that it becomes once it is full and on the disk.

    Raises:
        ValueError: if something stands there already; an empty folder may.
        OSError: where the disk refuses anything; nothing is left behind then.
    """
    path = path.resolve()
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise ValueError(f"{path}: is there already, expected a new or an empty folder.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    temporary.mkdir()
    try:
        yield temporary
        for folder, _, files in os.walk(temporary):
            for name in files:
                _sync(Path(folder, name))
            _sync(Path(folder))
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sync_folder(path.parent)


def leftovers(folder: Path) -> list[Path]:
    """Temporary files and folders of writers that died; sorted. Nobody may be writing now."""
    return sorted(path for path in folder.iterdir() if LEFTOVER.fullmatch(path.name))


def remove(path: Path) -> None:
    """Remove what a writer left that died."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _write(path: Path, content: bytes | bytearray | memoryview) -> None:
    """All of it, in as many pieces as the system wants, on the disk when this returns."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest):]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Put the rename itself on the disk, where the file system can do that."""
    with contextlib.suppress(PermissionError):  # a folder that may be written but not listed
        _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
