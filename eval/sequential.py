"""Tests that may be looked at after every episode: betting e-processes for means in [-1, 1].

After Waudby-Smith and Ramdas, Estimating means of bounded random variables by betting (Journal of
the Royal Statistical Society B, 2024). A gambler with a capital of 1 bets on each number before it
is seen, at odds that are fair if the mean is the null's. If it is, the capital is a martingale, and
by Ville's inequality the chance that it ever reaches 1 / alpha is at most alpha, whenever one looks
and whyever one stops. Bets are the paper's aGRAPA: from mean and variance of what was seen before,
and never more than half of what could be lost. Numbers are moved from [-1, 1] to [0, 1] as there.

Scenarios come in rounds, one layout of each. Their means may differ; the null is about the mean
over a round. All numbers of a round get the same bet, so that by the inequality of arithmetic and
geometric means the capital cannot grow on average where that mean is the null's; the numbers of a
round must be independent of each other, so a layout's left and right are one number, their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

MOST_LOST = 0.5  # of the capital in one bet; the paper's truncation c
GRID = np.linspace(-1.0, 1.0, 401)  # nulls of the confidence sequence: half a point apart
BETTER, WORSE, ALIKE = "better", "worse", "alike"


class Bets:
    """Capital of two gamblers a null, one that bets the mean is above it, one that it is below.

    Everything may be arrays that broadcast: many nulls for one sequence, or many sequences.
    """

    def __init__(self, null: Any) -> None:
        """`null`: the mean at which odds are fair, in [-1, 1]."""
        self._null = (np.asarray(null, np.float64) + 1.0) / 2.0
        self._seen = 0
        self._sum: Any = np.float64(0.5)
        self._squares: Any = np.float64(0.25)
        self.log_above: Any = np.zeros_like(self._null)
        self.log_below: Any = np.zeros_like(self._null)

    def take(self, *numbers: Any) -> None:
        """Pay out the bets on a round's numbers in [-1, 1] that were made before any was seen."""
        mean, variance = self._sum / (self._seen + 1), self._squares / (self._seen + 1)
        away = mean - self._null
        bet = away / (variance + away ** 2)
        with np.errstate(divide="ignore"):
            above = np.minimum(np.maximum(bet, 0.0), MOST_LOST / self._null)
            below = np.minimum(np.maximum(-bet, 0.0), MOST_LOST / (1.0 - self._null))
        for number in numbers:
            value = (np.asarray(number, np.float64) + 1.0) / 2.0
            self.log_above = self.log_above + np.log1p(above * (value - self._null))
            self.log_below = self.log_below + np.log1p(-below * (value - self._null))
            self._seen += 1
            self._sum = self._sum + value
            self._squares = self._squares + (value - self._sum / (self._seen + 1)) ** 2


class Trial:
    """Which of two is better, decided as soon as the evidence suffices.

    `better` or `worse`: the mean difference is not 0; wrong with a chance of at most alpha where it
    is 0, however often one looks. `alike`: it is smaller than `min_effect` both ways; wrong with a
    chance of at most alpha where it is not.
    """

    def __init__(self, alpha: float, min_effect: float) -> None:
        """A trial that has seen nothing.

        Raises:
            ValueError: unless both are above 0 and below 1.
        """
        for name, value in (("alpha", alpha), ("min-effect", min_effect)):
            if not 0.0 < value < 1.0:
                raise ValueError(f"--{name} must be above 0 and below 1, got {value}.")
        self.alpha, self.min_effect = alpha, min_effect
        self._zero, self._upper, self._lower = Bets(0.0), Bets(min_effect), Bets(-min_effect)

    def take(self, *differences: Any) -> None:
        """The next round: a difference in [-1, 1] a layout, or those of many trials at once [S]."""
        for bets in (self._zero, self._upper, self._lower):
            bets.take(*differences)

    @property
    def e_values(self) -> dict[str, Any]:
        """The evidence now; each decides at `thresholds`."""
        with np.errstate(over="ignore"):
            return {BETTER: np.exp(self._zero.log_above), WORSE: np.exp(self._zero.log_below),
                    ALIKE: np.exp(np.minimum(self._upper.log_below, self._lower.log_above))}

    @property
    def thresholds(self) -> dict[str, float]:
        """Two one-sided tests share alpha; for `alike` both must be sure."""
        return {BETTER: 2.0 / self.alpha, WORSE: 2.0 / self.alpha, ALIKE: 1.0 / self.alpha}

    @property
    def reached(self) -> dict[str, Any]:
        """Which decisions the evidence suffices for now."""
        return {name: value >= self.thresholds[name] for name, value in self.e_values.items()}

    @property
    def decision(self) -> str | None:
        """`better`, `worse`, `alike` or None; for a single trial."""
        return next((name for name, is_reached in self.reached.items() if is_reached), None)


def confidence(rounds: Sequence[Sequence[float]], alpha: float) -> tuple[float, float]:
    """Where the mean of differences in [-1, 1] lies, round by round; holds at all times at once.

    The nulls against which neither gambler, with half of the capital each, ever reached 1 / alpha;
    to half a point.
    """
    bets, kept = Bets(GRID), np.ones(len(GRID), bool)
    for numbers in rounds:
        bets.take(*numbers)
        capital = np.logaddexp(bets.log_above, bets.log_below) - np.log(2.0)
        kept &= capital < -np.log(alpha)
    if not kept.any():  # between two of the grid's points
        mean = float(np.mean([number for numbers in rounds for number in numbers]))
        return mean, mean
    return float(GRID[kept].min()), float(GRID[kept].max())
