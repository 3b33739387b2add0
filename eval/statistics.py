"""Numbers that carry how much they rest on: rates with intervals, means with counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.resampling import CONFIDENCE, interval


@dataclass(frozen=True)
class Rate:
    """k of n, and where the true rate lies with 95 % confidence (Wilson score interval)."""

    k: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """What k / n is, or None where nothing was counted."""
        return self.k / self.n if self.n else None

    def as_json(self) -> dict[str, Any]:
        """Every number of it, rounded where a rounding error of a library could show."""
        return {"k": self.k, "n": self.n, "rate": self.share and round(self.share, 6),
                "low": round(self.low, 6), "high": round(self.high, 6)}


@dataclass(frozen=True)
class Mean:
    """A mean over n values, and its 95 % bootstrap interval; None where there are too few."""

    value: float | None  # None without values
    n: int
    low: float | None = None  # None with fewer than two values
    high: float | None = None

    def as_json(self) -> dict[str, Any]:
        """Every number of it, rounded where a rounding error of a library could show."""
        numbers = {"mean": self.value, "low": self.low, "high": self.high}
        rounded = {name: value if value is None else round(value, 6)
                   for name, value in numbers.items()}
        return {"n": self.n, **rounded}


def rate(outcomes: Iterable[bool]) -> Rate:
    """How many of the outcomes are true."""
    outcomes = [bool(outcome) for outcome in outcomes]
    return wilson(sum(outcomes), len(outcomes))


def wilson(k: int, n: int) -> Rate:
    """A rate with its interval; [0, 1] where n is 0: nothing is known then.

    Raises:
        ValueError: unless 0 <= k <= n.
    """
    if not 0 <= k <= n:
        raise ValueError(f"A rate needs 0 <= k <= n, got k = {k} and n = {n}.")
    if n == 0:
        return Rate(0, 0, 0.0, 1.0)
    from scipy.stats import binomtest

    found = binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(k, n, float(found.low), float(found.high))


def mean(values: Iterable[float]) -> Mean:
    """The mean of the values, and a percentile bootstrap over them; their order is the same to it.

    Raises:
        ValueError: for a value that is not finite: that is an error, not a number.
    """
    values = sorted(values)
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"A mean needs finite numbers, got {values}.")
    if not values:
        return Mean(None, 0)
    value, n = math.fsum(values) / len(values), len(values)
    if n < 2:
        return Mean(value, n)
    if values[0] == values[-1]:
        return Mean(values[0], n, values[0], values[0])
    low, high = interval(np.array(values))
    return Mean(value, n, float(low), float(high))
