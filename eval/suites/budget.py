"""How strong a perturbation may be before success falls by so much: read from a measured curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from eval.inference import share_at_most
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
    fall: float = FALL
    layouts: int = 0
    has_interval: bool = True  # whether there are layouts enough for low and high
    undefined: str | None = None  # why there is no such place at all

    def as_json(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {name: round(value, 6) if isinstance(value, float) else value
                for name, value in vars(self).items()}

    def cell(self, unit: str) -> str:
        """`0.31 s [0.22, beyond 0.8]`, or `undefined`."""
        if self.undefined is not None:
            return "undefined"
        return f"{self._place(self.at)} {unit}{self._ends()}"

    def said(self, unit: str) -> str:
        """In words: `success falls by 5 points at 0.31 s [0.22, beyond 0.8]`."""
        points = f"{100 * self.fall:.0f} points"
        if self.undefined is not None:
            return f"undefined: {self.undefined}"
        if self.at is None:
            return f"success does not fall by {points} within {self.most:g} {unit}{self._ends()}"
        return f"success falls by {points} at {self.at:.2f} {unit}{self._ends()}"

    def _ends(self) -> str:
        if not self.has_interval:
            return f" (layouts: {self.layouts}, too few for an interval)"
        return f" [{self._place(self.low)}, {self._place(self.high)}]"

    def _place(self, at: float | None) -> str:
        return f"beyond {self.most:g}" if at is None else f"{at:.2f}"


def budget(control: Side, strengths: list[float], sides: list[Side],
           fall: float = FALL) -> Budget:
    """Where success is `fall` below the control's, on the episodes that all drove without error.

    Differences are made to fall with the strength (isotonic regression), from 0 at strength 0, and
    joined by straight lines; the bootstrap draws layouts and does all that again. It has no
    interval where a group of scenarios has one layout, nor where nothing varies and so many layouts
    could not have shown the fall.
    """
    from scipy.optimize import isotonic_regression

    wins = [{(line["scenario"], line["seed"]): line["success"] for line in side.lines
             if not line["error"]} for side in (control, *sides)]
    keys = [key for key in wins[0] if all(key in each for each in wins)]
    order = np.argsort(strengths, kind="stable")
    at = np.array([0.0, *np.array(strengths)[order]])
    values = np.array([[float(wins[1 + k][key]) - float(wins[0][key]) for k in order]
                       for key in keys]).reshape(len(keys), len(strengths))
    reason = _undefined([float(wins[0][key]) for key in keys], fall)
    if reason is not None:
        return Budget(None, None, None, float(at[-1]), fall, undefined=reason)
    layouts = Layouts.of([name for name, _ in keys], [seed for _, seed in keys], values)
    weights = np.array([ANCHOR, *[1.0] * len(strengths)])

    def crossing(means: np.ndarray) -> float:
        fitted = isotonic_regression(np.array([0.0, *means]), weights=weights, increasing=False).x
        return _first_below(at, fitted, -fall)

    drawn = [crossing(each) for each in drawn_means(layouts.sums, layouts.counted, layouts.sizes)]
    low, high = np.quantile(drawn, (TAIL, 1.0 - TAIL), method="inverted_cdf")
    found = [float(each) if math.isfinite(each) else None
             for each in (crossing(layouts.means), low, high)]
    count = len(layouts.sums)
    has_interval = min(layouts.sizes) > 1 and (
        bool(values.any()) or share_at_most(0, count) <= fall)
    low, high = found[1:] if has_interval else (None, None)
    return Budget(found[0], low, high, float(at[-1]), fall, count, has_interval)


def _undefined(control: list[float], fall: float) -> str | None:
    """Why nothing can fall, from who won in the control; None where it can."""
    if not control:
        return "no episode that all arms drove without an error of the policy"
    if sum(control) / len(control) < fall:
        return f"the control's success is below {100 * fall:.0f} points"
    return None


def _first_below(at: np.ndarray, values: np.ndarray, level: float) -> float:
    """Where straight lines through falling values first reach a level; infinite where never."""
    for k in range(1, len(at)):
        if values[k] <= level + 1e-9:
            share = (values[k - 1] - level) / (values[k - 1] - values[k])
            return float(at[k - 1] + share * (at[k] - at[k - 1]))
    return math.inf
