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
from eval import traces
from eval.traces import Trace

EVERY = 4  # ticks between points of a drawn way


@dataclass(frozen=True)
class Outcome:
    """How an episode came out, and how that is drawn."""

    name: str
    colour: str
    dashes: str  # of the way, in metres; empty: a whole line
    sign: str  # at its end
    ink: str  # of words upon the colour


OUTCOMES = (
    Outcome("success", "#0072B2", "", "●", "#fff"),
    Outcome("contact", "#D55E00", "0.10 0.05", "✕", "#000"),
    Outcome("wrong side", "#E69F00", "0.03 0.05", "▲", "#000"),
    Outcome("other failure", "#606060", "0.12 0.04 0.03 0.04", "■", "#fff"),
    Outcome("error of the policy", "#CC79A7", "0.02 0.08", "?", "#000"),
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
    commands: Trace
    latency: Trace | None


def way(line: dict[str, Any], record: Record) -> Way:
    """What is drawn of an episode; boxes and cup as they stood at the start."""
    places = np.vstack([record.path[::EVERY, :2], record.path[-1:, :2]])
    return Way(line, outcome(line), _points(places), _spot(record.path[-1]),
               [_points(_corners(box)) for box in record.boxes[0]], _spot(record.cup[0]),
               record.rules["goal_radius_m"], traces.commands(record), traces.latency(record))


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
