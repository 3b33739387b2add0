"""Work that a second thread begins at once and the first one shares when it has nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")


class SharedWork(Generic[Piece, Result]):
    """One function over many pieces, by a thread that begins at once and by who asks for results.

    The one takes the first piece that is left, the other the last. No more threads than that: a
    third one on two cores takes turns with both.
    """

    def __init__(self, work: Callable[[Piece], Result], pieces: Sequence[Piece],
                 helped: bool = True) -> None:
        """Begin.

        Args:
            work: What to do with a piece; lets other threads go on while it works.
            pieces: All of them.
            helped: Whether a piece is large enough for a thread of its own; where this process has
                one core, none is.
        """
        self._work, self._pieces = work, pieces
        self._pool = ThreadPoolExecutor(1) if helped and len(os.sched_getaffinity(0)) > 1 else None
        self._begun = [self._pool.submit(work, piece) for piece in pieces] if self._pool else []

    def results(self) -> list[Result]:
        """What `work` returned for each piece, in their order; raises what it raised."""
        if not self._begun:
            return [self._work(piece) for piece in self._pieces]
        try:
            own = {number: self._work(self._pieces[number])
                   for number in reversed(range(len(self._begun))) if self._begun[number].cancel()}
            return [own[number] if number in own else begun.result()
                    for number, begun in enumerate(self._begun)]
        finally:
            self.drop()

    def drop(self) -> None:
        """Begin with no other piece; the one at hand is finished."""
        if self._pool:
            self._pool.shutdown(wait=False, cancel_futures=True)
