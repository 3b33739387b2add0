"""The latest of something, from one process to another, through memory that both can see.

Whoever writes never waits. Most readers want the newest only; a recorder wants one after the other,
and gets them as long as it is no more than the board's slots behind.
"""

from __future__ import annotations

import mmap
import os
import struct
import time

SLOTS = 3
COUNT = struct.Struct("<Q")  # messages so far; the last one lies in slot (count - 1) % slots
LENGTH = struct.Struct("<Q")
TRIES = 100


class Board:
    """Messages of at most `size` bytes, one writer, any number of readers."""

    def __init__(self, file: int, size: int, slots: int = SLOTS) -> None:
        """`file`: as `shared_file` made it for the same numbers; it may be closed afterwards."""
        self._size, self._slots = size, slots
        self._memory = mmap.mmap(file, memory_bytes(size, slots))

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
            message = self._message(count - 1)
            if message is not None:
                return count, message
            time.sleep(0.0)
        return None

    def next(self, after: int) -> tuple[int, bytes] | None:
        """The message after that many, or the oldest that is left, and its count; None: no more."""
        for _ in range(TRIES):
            count = self._count()
            if count <= after:
                return None
            number = max(after, count - self._slots + 1)
            message = self._message(number)
            if message is not None:
                return number + 1, message
        return None

    def close(self) -> None:
        """Free the memory here."""
        self._memory.close()

    def _message(self, number: int) -> bytes | None:
        """A message by its number from 0; None where another was written over it meanwhile."""
        start = self._slot(number)
        (length,) = LENGTH.unpack_from(self._memory, start)
        message = self._memory[start + LENGTH.size:start + LENGTH.size + length]
        return message if self._count() - number < self._slots else None

    def _count(self) -> int:
        return COUNT.unpack_from(self._memory, 0)[0]

    def _slot(self, number: int) -> int:
        return COUNT.size + number % self._slots * (LENGTH.size + self._size)


def memory_bytes(size: int, slots: int = SLOTS) -> int:
    """What a board for messages of this size needs."""
    return COUNT.size + slots * (LENGTH.size + size)


def shared_file(size: int, slots: int = SLOTS) -> int:
    """An open file without a name, for a board; children may inherit it."""
    file = os.memfd_create("board")
    os.ftruncate(file, memory_bytes(size, slots))
    return file
