"""One process at a time works on a run: two would store episodes twice, and drop each other's."""

from __future__ import annotations

import contextlib
import fcntl
import logging
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Nobody else works on this run meanwhile; however this process ends, the run is free again.

    Raises:
        ValueError: if somebody does already, or the run cannot be written.
    """
    try:
        opened = (folder / "run.json").open("ab")
    except OSError as error:
        raise ValueError(f"{folder}: cannot be written ({error.strerror}).") from error
    with opened as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"{folder}: another process is working on this run; wait until it has "
                             f"ended, or end it.") from error
        except OSError as error:  # not every file system has locks
            logger.warning("%s: cannot be locked (%s): let no second process work on this run.",
                           folder, error.strerror)
        yield
