"""How many threads a policy computes with. Works without torch, too."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from policies.checkpoint import CONFIG_FILE, read_config


class Chosen(Protocol):
    """What options say of a policy, by their usual names."""

    @property
    def policy(self) -> str | None:
        """Name, module:Class or folder."""

    @property
    def size(self) -> str | None:
        """Either mini or full."""

    @property
    def checkpoint(self) -> str | None:
        """Folder."""

    @property
    def device(self) -> str | None:
        """As torch names it."""


def is_large(chosen: Chosen) -> bool:
    """Whether one policy must serve all worlds: a GPU, or weights that should be in memory once."""
    if chosen.size == "full" or (chosen.device or "cpu").startswith("cuda"):
        return True
    folders = [Path(each) for each in (chosen.checkpoint, chosen.policy) if each]
    return any((folder / CONFIG_FILE).is_file() and read_config(folder)["size"] == "full"
               for folder in folders)


@contextlib.contextmanager
def computing_for(chosen: Chosen) -> Iterator[None]:
    """In this thread a small policy computes with one thread, a large one as torch likes.

    On a busy machine two threads wait for each other far longer than a small one computes.
    """
    with contextlib.nullcontext() if is_large(chosen) else computing_with(1):
        yield


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
