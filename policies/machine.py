"""What this machine can do at most, measured: reading memory, and multiplying matrices.

Best of several tries, since a floor asks what is possible; each try is short, since on a shared
machine only a short one is left undisturbed. Weights that fit into a cache are read from there in
every decision, so bandwidth is measured at the size of the working set, in pages as large as the
system gives, from which it is read quickest.
"""

from __future__ import annotations

import itertools
import platform
import time
from collections.abc import Callable, Collection
from typing import Any

import torch

from policies.devices import DTYPES
from policies.one_row import in_large_pages

INT8 = "int8"
SMALLEST_BYTES, LARGEST_BYTES = 2**16, 2**30  # of what is read
PART_BYTES = {"cpu": 2**26, "cuda": LARGEST_BYTES}  # read in one try at least; parts take turns
SIDE = {"cpu": 512, "cuda": 8192}  # of the matrices
TRIES, SPENT_S = 5, 0.5  # of each measurement, at least


def measured(working_set_bytes: int, device: str = "cpu",
             dtypes: Collection[str] = tuple(DTYPES)) -> dict[str, Any]:
    """Bandwidth and peaks, by the names of a hardware profile.

    Args:
        working_set_bytes: What a decision reads.
        device: cpu or cuda.
        dtypes: Whose peaks are wanted; that of fp32 is always found.
    """
    place = torch.device(device)
    size = min(max(working_set_bytes, SMALLEST_BYTES), LARGEST_BYTES)
    numbers = in_large_pages(torch.ones(size // 4, device=place))
    parts = numbers.chunk(max(1, size // PART_BYTES[place.type]))  # none of them stays in a cache
    part = len(parts[-1])
    turns = itertools.cycle(parts)
    read_s = _best_s(lambda: next(turns).sum(), place)
    wide = _peak(torch.float32, place)  # what is narrower can be computed as it, if need be
    name = torch.cuda.get_device_name(place) if place.type == "cuda" else platform.machine()
    peaks = {dtype: max(wide, _peak(torch_dtype, place)) for dtype, torch_dtype in DTYPES.items()
             if dtype in {"fp32", *dtypes}}
    if INT8 in dtypes:
        peaks[INT8] = max(wide, _peak(torch.int8, place))
    return {
        "name": f"this machine: {name}, {torch.get_num_threads()} threads",
        "bandwidth_bytes_s": 4 * part / read_s, "cache_bytes": 0,
        "source": f"measured: {size:,} bytes read, matrices of {SIDE[place.type]} multiplied",
        "peak_operations_s": peaks,
    }


def _peak(dtype: torch.dtype, place: torch.device) -> float:
    """Operations a second of a large matrix product."""
    side = SIDE[place.type]
    left, right = (torch.ones((side, side), dtype=dtype, device=place) for _ in range(2))
    product = torch._int_mm if dtype == torch.int8 else torch.matmul
    return 2.0 * side**3 / _best_s(lambda: product(left, right), place)


def _best_s(work: Callable[[], Any], place: torch.device) -> float:
    """The shortest time of several, each until the device is done."""
    best, spent, tries = float("inf"), 0.0, 0
    work()
    while tries < TRIES or spent < SPENT_S:
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        start = time.perf_counter()
        work()
        if place.type == "cuda":
            torch.cuda.synchronize(place)
        lasted = time.perf_counter() - start
        best, spent, tries = min(best, lasted), spent + lasted, tries + 1
    return best
