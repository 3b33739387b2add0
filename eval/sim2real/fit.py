"""Camera and drive that explain where the cup was seen, and which of them these cannot tell.

Least squares with a robust loss over all sightings; each episode's cup stands where it likes. The
cup's size sets the scale. Field of view and forward speed could stretch together unseen: what tells
them apart is sideways driving, at the same speed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.sim2real.geometry import Guess, driven_m, seen_at
from eval.sim2real.tracks import Track

SHARED = len(Guess._fields)
LEAST_SEEN = 4  # sightings of an episode that is used
LEAST_EPISODES = 4
ROBUST = 3.0  # residuals beyond so many typical ones count less
PIXEL_FLOOR = 0.05  # pixels: no fit is taken to be more exact
EDGES = {  # what taking edges at half a pixel adds to an interval: of its own unit, of its value
    "wide": (0.0, 0.01), "height_m": (0.0, 0.01), "tilt_rad": (0.002, 0.0), "step_m": (0.0, 0.01),
    "delay": (0.02, 0.0)}
WIDES, TILTS = (0.6, 1.0, 1.5), (-0.1, 0.0, 0.15)  # where to begin: the best of all goes on
TRIED, FINISHED = 40, 200  # evaluations at most
NUDGE = 1e-6  # of derivatives
LOW = Guess(0.3, 0.05, -0.5, 0.01, 0.0)
HIGH = Guess(3.0, 1.5, 0.8, 1.0, 1.0)
VAGUE = {  # half a 95 % interval beyond which a number is not told: of its own unit or its value
    "wide": (0.0, 0.10), "height_m": (0.0, 0.15), "tilt_rad": (0.05, 0.0), "step_m": (0.0, 0.10),
    "delay": (0.15, 0.0)}


@dataclass(frozen=True)
class Found:
    """One number: its value and a 95 % interval, and whether the episodes tell it."""

    value: float
    half: float  # of the interval
    told: bool


@dataclass(frozen=True)
class Fit:
    """What explains the sightings best, and how well."""

    numbers: dict[str, Found]  # by the names of `Guess`
    episodes: int
    sightings: int
    residual_px: dict[str, float]  # typical (median, as of a normal law): centre, top, base
    outliers: float  # share of sightings that miss by more than 3 typical residuals
    tied: list[tuple[str, str, float]]  # pairs that stretch together, and their correlation


def fit(tracks: Sequence[Track], start: Guess, aspect: float,
        cup_size_m: tuple[float, float]) -> Fit:
    """Find camera and drive.

    Args:
        tracks: Episodes; those with fewer than 4 sightings are left out.
        start: Where to look first, with other views and tilts beside its own: the nominal robot.
        aspect: Width over height of what the camera takes in.
        cup_size_m: Diameter and height.

    Raises:
        ValueError: where the cup was seen too seldom.
    """
    used = [each for each in tracks if len(each.frames) >= LEAST_SEEN]
    if len(used) < LEAST_EPISODES:
        raise ValueError(f"Camera and drive cannot be found: the cup was seen in {LEAST_SEEN} or "
                         f"more pictures of {len(used)} episodes, expected {LEAST_EPISODES} or "
                         f"more. Is it red, and whole in the picture?")
    problem = _Problem(used, aspect, cup_size_m)
    begun = [problem.solve(problem.begin(start._replace(wide=wide, tilt_rad=tilt)), 1.0, TRIED)
             for wide in WIDES for tilt in TILTS]
    values, _, _ = min(begun, key=lambda each: each[2])
    typical = 1.0
    for _ in range(3):  # the scale of the robust loss follows the residuals
        values, jac, _ = problem.solve(values, typical, FINISHED)
        missed = problem.misses(values)
        typical = max(PIXEL_FLOOR, 1.4826 * float(np.median(np.abs(missed))))
    return _judged(used, values, missed, jac, typical)


class _Problem:
    """All sightings of all episodes as one problem of least squares.

    Its unknowns are those of `Guess`, then each episode's cup [2] m from its first picture.
    """

    def __init__(self, used: list[Track], aspect: float, cup_size_m: tuple[float, float]) -> None:
        self._used, self._aspect, self._cup_size_m = used, aspect, cup_size_m
        ends = np.cumsum([0, *[3 * len(each.frames) for each in used]])
        self._rows = [slice(*each) for each in zip(ends[:-1], ends[1:])]
        cups = np.full(2 * len(used), 20.0)
        self._bounds = np.concatenate([LOW, -cups]), np.concatenate([HIGH, cups])

    def begin(self, guess: Guess) -> np.ndarray:
        """The unknowns of a guess, each cup about where its first sighting has it."""
        return np.concatenate([guess, *[_first_cup(each, guess, self._aspect)
                                        for each in self._used]])

    def solve(self, values: np.ndarray, typical: float,
              most: int) -> tuple[np.ndarray, np.ndarray, float]:
        """The best unknowns from here, the derivatives there, and the robust cost."""
        from scipy.optimize import least_squares

        low, high = self._bounds
        solved = least_squares(self.misses, np.clip(values, low + 1e-6, high - 1e-6), self._slopes,
                               (low, high), loss="soft_l1", f_scale=ROBUST * typical,
                               x_scale="jac", max_nfev=most)
        return solved.x, solved.jac, float(solved.cost)

    def misses(self, values: np.ndarray) -> np.ndarray:
        """Pixels [3 M] between where cups were seen and where they should be."""
        guess, cups = Guess(*values[:SHARED]), values[SHARED:].reshape(-1, 2)
        return np.concatenate([_misses(each, guess, cup, self._aspect, self._cup_size_m)
                               for each, cup in zip(self._used, cups)])

    def _slopes(self, values: np.ndarray) -> np.ndarray:
        """Their derivatives; a cup moves the sightings of its own episode alone."""
        here, found = self.misses(values), np.zeros((self._rows[-1].stop, len(values)))
        for column in range(SHARED):
            moved = values.copy()
            moved[column] += NUDGE
            found[:, column] = (self.misses(moved) - here) / NUDGE
        for axis in range(2):
            moved = values.copy()
            moved[SHARED + axis::2] += NUDGE
            slope = (self.misses(moved) - here) / NUDGE
            for number, rows in enumerate(self._rows):
                found[rows, SHARED + 2 * number + axis] = slope[rows]
        return found


def _misses(each: Track, guess: Guess, cup: np.ndarray, aspect: float,
            cup_size_m: tuple[float, float]) -> np.ndarray:
    """Pixels between where the cup was seen and where it should be: centre, top, base, by turns."""
    away = cup - driven_m(each.directions, guess)[each.frames]
    away[:, 0] = np.maximum(away[:, 0], 0.05)
    expected = seen_at(away, guess, aspect, cup_size_m)
    half_px = np.array([each.rgb_size[1], each.rgb_size[0], each.rgb_size[0]]) / 2
    return ((each.sightings[:, :3] - expected) * half_px).ravel()


def _first_cup(each: Track, guess: Guess, aspect: float) -> np.ndarray:
    """About where an episode's cup stands [2] m, by the first sighting's base and centre."""
    centre, _, base, _ = each.sightings[0]
    far = guess.height_m / max(0.05, base * guess.wide / aspect + np.tan(guess.tilt_rad))
    return driven_m(each.directions, guess)[each.frames[0]] + [far, -centre * guess.wide * far]


def _judged(used: list[Track], values: np.ndarray, missed: np.ndarray, jac: np.ndarray,
            typical: float) -> Fit:
    spread = np.linalg.pinv(jac.T @ jac, rcond=1e-12)[:SHARED, :SHARED] * typical ** 2
    error = np.sqrt(np.maximum(np.diag(spread), 0.0))
    numbers = {}
    at_bound = any(np.isclose(values[number], (LOW[number], HIGH[number]), atol=1e-4).any()
                   for number, name in enumerate(Guess._fields) if name != "delay")
    for name, value, each in zip(Guess._fields, values, error):
        (own, share), (edge, part) = VAGUE[name], EDGES[name]
        half = 1.96 * math.hypot(float(each), edge, part * float(value))
        is_found = not at_bound and half <= max(own, share * abs(value))
        numbers[name] = Found(float(value), half, bool(is_found))
    correlated = spread / np.maximum(np.outer(error, error), 1e-300)
    tied = [(first, second, float(correlated[i, j])) for i, first in enumerate(Guess._fields)
            for j, second in enumerate(Guess._fields) if i < j and abs(correlated[i, j]) > 0.9]
    by_kind = np.abs(missed.reshape(-1, 3))
    typical_of = 1.4826 * np.median(by_kind, axis=0)
    outliers = (by_kind > 3.0 * np.maximum(typical_of, PIXEL_FLOOR)).any(axis=1).mean()
    return Fit(numbers, len(used), len(by_kind),
               dict(zip(("centre", "top", "base"), typical_of.tolist())), float(outliers), tied)
