"""What an episode's commands and answers looked like over time, as lines for SVG with their axes.

Lines differ in colour (Okabe and Ito's) and in dashes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from episodes.record import Record

WIDTH, HEIGHT = 360, 130  # of a picture, in its own units; its text is 10 of them high
LEFT, RIGHT, TOP, BOTTOM = 38, 350, 8, 110  # where the lines are
COMMAND_END = 1.3  # command units shown above and below zero
AXES = (("linear x", "#0072B2", ""), ("linear y", "#D55E00", "6 3"),
        ("angular z", "#009E73", "2 3"))
LATENCY = ("answer", "#303030", "")
MOST_TICKS = 8


@dataclass(frozen=True)
class Line:
    """One course over time."""

    name: str
    colour: str
    dashes: str
    points: str


@dataclass(frozen=True)
class Trace:
    """Lines over the seconds of an episode, with ticks of both axes: where, and what is said."""

    what: str
    lines: list[Line]
    seconds: list[tuple[float, str]]
    values: list[tuple[float, str]]


def commands(record: Record) -> Trace:
    """The commands that were sent, each held for a decision."""
    decision_s = record.rules["decision_s"]
    last_s = max(record.decisions, 1) * decision_s
    at_s = np.repeat(np.arange(record.decisions + 1), 2)[1:-1] * decision_s
    held = np.repeat(record.sent, 2, axis=0)
    x, low, high = _across(at_s, last_s), -COMMAND_END, COMMAND_END
    return Trace("commands", [Line(*axis, _points(x, _up(held[:, number], low, high)))
                              for number, axis in enumerate(AXES)],
                 _second_ticks(last_s), [(float(_up(value, low, high)), f"{value:g}")
                                         for value in (-1, 0, 1)])


def latency(record: Record) -> Trace | None:
    """How long each answer took; decisions within a plan have none. None where no time is known."""
    decision_s = record.rules["decision_s"]
    last_s = max(record.decisions, 1) * decision_s
    asked = np.flatnonzero(record.latency_s > 0.0)
    if not len(asked):
        return None
    ms = 1000.0 * record.latency_s[asked]
    top = _round_up(float(ms.max()))
    points = _points(_across(asked * decision_s, last_s), _up(ms, 0.0, top))
    return Trace("latency of each answer, ms", [Line(*LATENCY, points)], _second_ticks(last_s),
                 [(float(_up(share * top, 0.0, top)), f"{share * top:g}") for share in (0, .5, 1)])


def _across(at_s: np.ndarray, last_s: float) -> np.ndarray:
    return LEFT + (RIGHT - LEFT) * np.asarray(at_s) / last_s


def _up(value: np.ndarray | float, low: float, high: float) -> np.ndarray:
    return BOTTOM - (BOTTOM - TOP) * (np.asarray(value) - low) / (high - low)


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y))


def _second_ticks(last_s: float) -> list[tuple[float, str]]:
    step = next(each for each in (0.5, 1, 2, 5, 10, 30, 60, 300, last_s)
                if last_s / each <= MOST_TICKS)
    return [(float(_across(np.array(at), last_s)), f"{at:g} s")
            for at in np.arange(0.0, last_s + 1e-9, step)]


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(each * power for each in (1, 2, 5, 10) if each * power >= value)
