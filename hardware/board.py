"""The latest of something, from one process to another, through memory that both can see.

Only the newest counts: nothing queues up, whoever writes never waits, and whoever reads gets a
whole message or the one after it.
"""

from __future__ import annotations

import mmap
import os
import struct
import time

SLOTS = 3
COUNT = struct.Struct("<Q")  # messages written so far; the last one lies in slot (count - 1) % 3
LENGTH = struct.Struct("<Q")
TRIES = 100


class Board:
    """Messages of at most `size` bytes, one writer, any number of readers."""

    def __init__(self, file: int, size: int) -> None:
        """`file`: as `shared_file` made it for the same size; it may be closed afterwards."""
        self._size = size
        self._memory = mmap.mmap(file, memory_bytes(size))

    def write(self, *parts: bytes | memoryview) -> None:
        """Put a message, given in parts, in the place of the latest.

        Raises:
            ValueError: if it is larger than `size`.
        """
        length = sum(len(part) for part in parts)
        if length > self._size:
            raise ValueError(f"A message of {length} bytes, expected at most {self._size}.")
        count = self._count()
        start = at = self._slot(count)
        at += LENGTH.size
        for part in parts:
            self._memory[at:at + len(part)] = part  # type: ignore[assignment]
            at += len(part)
        LENGTH.pack_into(self._memory, start, length)
        COUNT.pack_into(self._memory, 0, count + 1)

    def read(self, after: int = 0) -> tuple[int, bytes] | None:
        """How many messages there were, and the latest; None if there were no more than `after`."""
        for _ in range(TRIES):
            count = self._count()
            if count <= after:
                return None
            start = self._slot(count - 1)
            (length,) = LENGTH.unpack_from(self._memory, start)
            message = self._memory[start + LENGTH.size:start + LENGTH.size + length]
            if self._count() - count < SLOTS - 1:  # nobody wrote over it meanwhile
                return count, message
            time.sleep(0.0)
        return None

    def close(self) -> None:
        """Free the memory here."""
        self._memory.close()

    def _count(self) -> int:
        return COUNT.unpack_from(self._memory, 0)[0]

    def _slot(self, number: int) -> int:
        return COUNT.size + number % SLOTS * (LENGTH.size + self._size)


def memory_bytes(size: int) -> int:
    """What a board for messages of this size needs."""
    return COUNT.size + SLOTS * (LENGTH.size + size)


def shared_file(size: int) -> int:
    """An open file without a name, for a board; children may inherit it."""
    file = os.memfd_create("board")
    os.ftruncate(file, memory_bytes(size))
    return file
