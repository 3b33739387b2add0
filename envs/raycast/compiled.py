"""Numba's decorator for this package, with a cache that no change of the sources can fool.

Numba looks at the file of the outermost function alone when it asks whether a compiled picture is
still right; here the cache's folder is named by all sources.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

HERE = Path(__file__).parent
NAME = "mobile-vla-bench"


def _cache_folder() -> Path:
    """Beside the sources, else in the user's cache, else among the temporary files."""
    sources = b"".join(path.read_bytes() for path in sorted(HERE.glob("*.py")))
    name = f"raycast-{hashlib.sha256(sources).hexdigest()[:16]}"
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    for parent in (HERE / "__pycache__", home / NAME):
        try:
            (parent / name).mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(parent / name, os.W_OK):
            return parent / name
    return Path(tempfile.gettempdir()) / f"{NAME}-{os.getuid()}" / name


CACHE_FOLDER = _cache_folder()


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call, and read back in every later process; the GIL is let go."""
    code = function.__code__  # one cache for one file, by whichever link it was found
    function.__code__ = code.replace(co_filename=os.path.realpath(code.co_filename))
    settings: Any = numba.config
    before, settings.CACHE_DIR = settings.CACHE_DIR, str(CACHE_FOLDER)
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        settings.CACHE_DIR = before
