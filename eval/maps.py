"""Ways from above as numbers for SVG: forward is up, left is left, in metres.

Outcomes differ in colour (Okabe and Ito's, which colour-blind people can tell apart), in dashes and
in the sign at the end of the way.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from episodes.record import Record

EVERY = 4  # ticks between points of a drawn way


@dataclass(frozen=True)
class Outcome:
    """How an episode came out, and how that is drawn."""

    name: str
    colour: str
    dashes: str  # of the way, in metres; empty: a whole line
    sign: str  # at its end


OUTCOMES = (
    Outcome("success", "#0072B2", "", "●"),
    Outcome("contact", "#D55E00", "0.10 0.05", "✕"),
    Outcome("wrong side", "#E69F00", "0.03 0.05", "▲"),
    Outcome("other failure", "#606060", "0.12 0.04 0.03 0.04", "■"),
    Outcome("error of the policy", "#CC79A7", "0.02 0.08", "?"),
)


def outcome(line: dict[str, Any]) -> Outcome:
    """Which of them a line of episodes.jsonl is; a contact before a wrong side."""
    name = ("error of the policy" if line["error"] is not None else
            "success" if line["success"] else "contact" if line["contact"] else
            "wrong side" if line["side_compliant"] is False else "other failure")
    return next(each for each in OUTCOMES if each.name == name)


@dataclass(frozen=True)
class Way:
    """One episode's way and what stood beside it, as texts for SVG."""

    line: dict[str, Any]
    outcome: Outcome
    points: str
    end: tuple[float, float]
    boxes: list[str]  # each a polygon's points
    cup: tuple[float, float]
    goal_radius_m: float
    commands: list[tuple[str, str]]  # a command's name and its course: s to the right, units down
    latency: str  # ms of each answer, down, over s
    worst_ms: float


AXES = (("linear x", "#0072B2"), ("linear y", "#D55E00"), ("angular z", "#009E73"))


def way(line: dict[str, Any], record: Record) -> Way:
    """What is drawn of an episode; boxes and cup as they stood at the start."""
    places = np.vstack([record.path[::EVERY, :2], record.path[-1:, :2]])
    return Way(line, outcome(line), _points(places), _spot(record.path[-1]),
               [_points(_corners(box)) for box in record.boxes[0]], _spot(record.cup[0]),
               record.rules["goal_radius_m"], _commands(record), _latency(record),
               1000.0 * float(record.latency_s.max(initial=0.0)))


def _commands(record: Record) -> list[tuple[str, str]]:
    """Each axis of the commands that were sent, held for a decision each."""
    held = np.repeat(record.sent, 2, axis=0)
    at_s = np.repeat(np.arange(record.decisions + 1), 2)[1:-1] * record.rules["decision_s"]
    return [(name, " ".join(f"{s:.2f},{-value:.3f}" for s, value in zip(at_s, held[:, axis])))
            for axis, (name, _) in enumerate(AXES)]


def _latency(record: Record) -> str:
    """Points of the answers' latencies; decisions within a plan have none."""
    return " ".join(f"{number * record.rules['decision_s']:.2f},{-1000 * each:.2f}"
                    for number, each in enumerate(record.latency_s) if each > 0.0)


def _corners(box: np.ndarray) -> np.ndarray:
    """The corners [4, 2] m of a box (x m, y m, yaw rad, length m, width m)."""
    x, y, yaw, length, width = box
    along = np.array([math.cos(yaw), math.sin(yaw)]) * length / 2
    across = np.array([-math.sin(yaw), math.cos(yaw)]) * width / 2
    return np.array([x, y]) + [along + across, along - across, -along - across, -along + across]


def _spot(place: np.ndarray) -> tuple[float, float]:
    """Right and down on the page, m."""
    return round(-float(place[1]), 3), round(-float(place[0]), 3)


def _points(places: np.ndarray) -> str:
    return " ".join(f"{-y:.3f},{-x:.3f}" for x, y in places)
