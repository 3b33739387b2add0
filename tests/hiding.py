"""Another interpreter in which some packages are not installed."""

from __future__ import annotations

from collections.abc import Iterable


def hide(packages: Iterable[str]) -> str:
    """Code that a Python begins with, so that it finds none of these packages."""
    return f"""
import sys

class Hide:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {sorted(packages)!r}:
            return None
        return self.finder.find_spec(name, path, target)

sys.meta_path[:] = [Hide(finder) for finder in sys.meta_path]
"""
