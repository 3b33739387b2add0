"""Ratios of one run on one machine: the only numbers of two programs that can be compared."""

import time
from collections.abc import Callable
from typing import Any


def seconds(work: Callable[[], Any]) -> float:
    """How long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def alternating(one: Callable[[], Any], other: Callable[[], Any], rounds: int,
                calls: int = 1) -> tuple[float, float]:
    """The least seconds that a call of each takes, called by turns; what disturbs, disturbs both.

    Args:
        one: Called once a round.
        other: Called `calls` times a round; it is the quicker one.
        rounds: How many turns, beside one to warm up.
        calls: See `other`.
    """
    one(), other()
    times = [(seconds(one), min(seconds(other) for _ in range(calls))) for _ in range(rounds)]
    return min(first for first, _ in times), min(second for _, second in times)


def report(benchmark: Any, what: str, value: float, least: float | None = None) -> None:
    """Print a number, write it into the JSON, and fail where it is below its bar."""
    bar = "" if least is None else f" (at least {least:g} wanted)"
    print(f"\n    {what}: {value:.3g}{bar}", end="")
    benchmark.extra_info[what] = value
    assert least is None or value >= least, f"{what}: {value:.3g}, at least {least:g} wanted."
