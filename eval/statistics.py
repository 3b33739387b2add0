"""Numbers that carry how much they rest on: rates with intervals, means with counts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

CONFIDENCE = 0.95


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
    """A mean over n values; None where there are none."""

    value: float | None
    n: int

    def as_json(self) -> dict[str, Any]:
        """Value and count."""
        return {"mean": self.value if self.value is None else round(self.value, 6), "n": self.n}


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

    interval = binomtest(k, n).proportion_ci(CONFIDENCE, method="wilson")
    return Rate(k, n, float(interval.low), float(interval.high))


def mean(values: Iterable[float]) -> Mean:
    """The mean of the values.

    Raises:
        ValueError: for a value that is not finite: that is an error, not a number.
    """
    values = list(values)
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"A mean needs finite numbers, got {values}.")
    return Mean(math.fsum(values) / len(values) if values else None, len(values))
