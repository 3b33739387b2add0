"""Comparing what shares layouts or files: paired differences, pooled errors, rank correlation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.resampling import FLIPS, RESAMPLES, TAIL, interval, sign_flip
from eval.statistics import Mean, mean

LEAST_RANKED = 4  # with fewer policies a rank correlation says nothing
Wins = Mapping[tuple[str, int], bool]  # of the episodes without errors: scenario, layout's seed


@dataclass(frozen=True)
class Difference:
    """How much more often one policy wins than another, over layouts."""

    mean: Mean  # with a bootstrap interval over layouts
    p: float | None  # of flipping the signs of layouts; None without a layout

    def as_json(self) -> dict[str, Any]:
        """Every number of it."""
        return self.mean.as_json() | {"p": self.p and round(self.p, 6)}


def difference(mine: Sequence[Wins], theirs: Sequence[Wins], flips: int = FLIPS) -> Difference:
    """Success of one policy minus another's, on the episodes that all drove without an error.

    Left and right of a layout are averaged after they were paired: where one policy has only the
    right side, so has the other.

    Args:
        mine: One part a training seed.
        theirs: The same of the other policy; training seeds are averaged.
        flips: Of signs; p is no less than 1 / (flips + 1).
    """
    runs, scale = [*mine, *theirs], len(mine) * len(theirs)
    layouts: dict[int, list[int]] = {}
    for key in runs[0] if scale else ():
        if all(key in each for each in runs):
            won, lost = (sum(each[key] for each in side) for side in (mine, theirs))
            layouts.setdefault(key[1], []).append(won * len(theirs) - lost * len(mine))
    values = [sum(each) / (len(each) * scale) for each in layouts.values()]
    if not values:
        return Difference(Mean(None, 0), None)
    return Difference(mean(values), float(sign_flip(np.array(values)[:, None], flips)[0]))


def pooled(errors: Sequence[tuple[float, int]]) -> Mean:
    """The mean of episodes' errors, each counted by its decisions; the bootstrap draws episodes.

    Args:
        errors: Error and number of decisions of each episode.
    """
    counted = [each for each in sorted(errors) if each[1]]
    if not counted:
        return Mean(None, 0)
    values, weights = np.array(counted, np.float64).T
    value = float(np.average(values, weights=weights))
    if len(counted) < 2:
        return Mean(value, len(counted))
    low, high = interval(values * weights, weights)
    return Mean(value, len(counted), float(low), float(high))


def error_difference(better: Mapping[str, tuple[float, int]],
                     other: Mapping[str, tuple[float, int]]) -> Mean:
    """How much larger the first one's one-step error is, episode by episode."""
    return pooled([(better[name][0] - other[name][0], better[name][1])
                   for name in better if name in other])


def rank_correlation(error: Sequence[float], success: Sequence[float]) -> dict[str, Any]:
    """Spearman's correlation of N models' errors and successes, with a bootstrap over models.

    Returns:
        `n`, and `rho`, `low`, `high`; or `undefined` with the reason.
    """
    from scipy.stats import DegenerateDataWarning, bootstrap

    n = len(error)
    if n < LEAST_RANKED:
        return {"n": n, "undefined": f"too few, at least {LEAST_RANKED} wanted"}
    if np.ptp(error) == 0 or np.ptp(success) == 0:
        return {"n": n, "undefined": "all are equal"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DegenerateDataWarning)  # a perfect ranking has no spread
        drawn = bootstrap((np.array(error), np.array(success)), _spearman, paired=True,
                          method="percentile", n_resamples=RESAMPLES,
                          random_state=np.random.default_rng(0)).bootstrap_distribution
    ranked = drawn[np.isfinite(drawn)]  # without draws in which all are equal
    low, high = np.quantile(ranked, (TAIL, 1.0 - TAIL))
    return {"n": n, "rho": round(float(_spearman(np.array(error), np.array(success))), 6),
            "low": round(float(low), 6), "high": round(float(high), 6)}


def _spearman(first: np.ndarray, second: np.ndarray, axis: int = -1) -> np.ndarray:
    """Pearson's correlation of ranks along an axis; NaN where one side is constant."""
    from scipy.stats import rankdata

    ranks = [rankdata(each, axis=axis) for each in (first, second)]
    ones, others = (each - each.mean(axis=axis, keepdims=True) for each in ranks)
    norms = np.sqrt((ones**2).sum(axis=axis) * (others**2).sum(axis=axis))
    with np.errstate(invalid="ignore"):
        return (ones * others).sum(axis=axis) / norms
