"""The folder that episodes are generated into, on this machine or shared by many."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from pathlib import Path

VISIBLE_S = 30.0  # what another machine wrote is seen here after so long at the latest


def prepare(folder: Path, token: str) -> None:
    """Make the folder, see that it can be written, and clear what a killed run left half done.

    Args:
        folder: Where.
        token: Name of a file to lie in it, by which other machines know it; none where empty.

    Raises:
        ValueError: one sentence, if it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ValueError(f"{folder}: cannot be written ({error.strerror}); "
                         f"choose another folder with --out.") from error
    tidy(folder, was_there=True)
    if token:
        (folder / token).touch()


def tidy(folder: Path, was_there: bool) -> None:
    """Remove every token and what a killed worker left half done; an empty folder that is new."""
    for left in (*folder.glob(".episode_*.tmp"), *folder.glob(".shared_*.tmp")):
        left.unlink(missing_ok=True)
    if not was_there:
        with contextlib.suppress(OSError):  # it is not empty, or was never made
            folder.rmdir()


def check_shared(folder: Path, token: str) -> None:
    """Refuse a folder that is not the one of the machine that asked.

    Raises:
        ValueError: one sentence.
    """
    if token and not (folder / token).is_file():
        raise ValueError(f"{folder} is not shared: {socket.gethostname()} does not see what lies "
                         f"in it; with --engine ray, --out must be on a file system that all "
                         f"machines share, by the same path.")


def await_visible(path: Path) -> None:
    """Wait until a file that another machine wrote is seen here.

    Raises:
        ValueError: one sentence, if it does not appear.
    """
    until = time.monotonic() + VISIBLE_S
    while not path.is_file():
        if time.monotonic() > until:
            raise ValueError(f"{path}: was written on another machine and is not seen here; with "
                             f"--engine ray, --out must be on a file system that all machines "
                             f"share.")
        time.sleep(VISIBLE_S / 100)
