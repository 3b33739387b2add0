"""How many threads a policy computes with. Works without torch, too."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def computing_with(threads: int) -> Iterator[None]:
    """In this thread torch computes with so many; torch may not be loaded.

    Answers of one thread are the same bits on any number of cores.
    """
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    if torch:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        if torch:
            torch.set_num_threads(before)
