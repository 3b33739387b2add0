"""How strong a perturbation may be before success falls by so much: read from a measured curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.layouts import Layouts
from eval.pairing import Side
from eval.resampling import TAIL, drawn_means

FALL = 0.05  # five points of success
ANCHOR = 1e6  # weight of the control's own point: a difference to itself is 0


@dataclass(frozen=True)
class Budget:
    """Where the curve crosses the fall; None: beyond all that was measured."""

    at: float | None
    low: float | None  # 95 % bootstrap interval over layouts
    high: float | None
    most: float  # the strongest that was measured

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {name: value and round(value, 6) for name, value in vars(self).items()}

    def said(self, unit: str) -> str:
        """In words: `at 0.31 s [0.22, beyond 0.8]`."""
        low, high = (f"beyond {self.most:g}" if end is None else f"{end:.2f}"
                     for end in (self.low, self.high))
        if self.at is None:
            return f"not within {self.most:g} {unit} [{low}, {high}]"
        return f"at {self.at:.2f} {unit} [{low}, {high}]"


def budget(control: Side, strengths: list[float], sides: list[Side],
           fall: float = FALL) -> Budget:
    """Where success is `fall` below the control's, on the episodes that all drove without error.

    Differences are made to fall with the strength (isotonic regression), from 0 at strength 0, and
    joined by straight lines; the bootstrap draws layouts and does all that again.
    """
    from scipy.optimize import isotonic_regression

    wins = [{(line["scenario"], line["seed"]): line["success"] for line in side.lines
             if not line["error"]} for side in (control, *sides)]
    keys = [key for key in wins[0] if all(key in each for each in wins)]
    order = np.argsort(strengths, kind="stable")
    at = np.array([0.0, *np.array(strengths)[order]])
    values = np.array([[float(wins[1 + k][key]) - float(wins[0][key]) for k in order]
                       for key in keys]).reshape(len(keys), len(strengths))
    if not keys:
        return Budget(None, None, None, float(at[-1]))
    layouts = Layouts.of([name for name, _ in keys], [seed for _, seed in keys], values)
    weights = np.array([ANCHOR, *[1.0] * len(strengths)])

    def crossing(means: np.ndarray) -> float:
        fitted = isotonic_regression(np.array([0.0, *means]), weights=weights, increasing=False).x
        return _first_below(at, fitted, -fall)

    drawn = [crossing(each) for each in drawn_means(layouts.sums, layouts.counted, layouts.sizes)]
    low, high = np.quantile(drawn, (TAIL, 1.0 - TAIL), method="inverted_cdf")
    found = [float(each) if math.isfinite(each) else None
             for each in (crossing(layouts.means), low, high)]
    return Budget(found[0], found[1], found[2], float(at[-1]))


def _first_below(at: np.ndarray, values: np.ndarray, level: float) -> float:
    """Where straight lines through falling values first reach a level; infinite where never."""
    for k in range(1, len(at)):
        if values[k] <= level + 1e-9:
            share = (values[k - 1] - level) / (values[k - 1] - values[k])
            return float(at[k - 1] + share * (at[k] - at[k - 1]))
    return math.inf
