"""How a robot moved: smoothness, and how like the expert's route. Pure functions of `Record`.

None stands where an episode is too short for a number. Smoothness is taken at the decisions, from
the places where the robot really went on. The base drives sideways as easily as forward, so the
direction is that of the way, not of the robot's nose.
"""

from __future__ import annotations

import math

import numpy as np

from envs import planner
from episodes.record import Record

SAMPLE_M = 0.1  # between points of a way that is compared with another
MOVED_M = 1e-6  # less is no move


def jerk_m_s3(record: Record) -> float | None:
    """Mean magnitude of the third difference of the position over time, in m/s^3."""
    steps = np.diff(record.poses[:, :2], n=3, axis=0)
    return _mean(np.linalg.norm(steps, axis=1) / record.rules["decision_s"] ** 3)


def curvature_1_m(record: Record) -> float | None:
    """Mean Menger curvature: 1 / radius of the circle through three places in a row, in 1/m."""
    (a, b, c), area = _triangles(record)
    return _mean(4.0 * area / (a * b * np.maximum(c, MOVED_M)))


def roughness(record: Record) -> float | None:
    """Mean of twice the area of three places in a row over the square of their straight distance.

    Three places where the third is the first again have no straight distance and count nothing.
    """
    (_, _, c), area = _triangles(record)
    return _mean(2.0 * area[c > MOVED_M] / c[c > MOVED_M] ** 2)


def angle_over_length_rad_m(record: Record) -> float | None:
    """How much the way turned, summed, over its length, in rad/m."""
    moves = np.diff(_places(record), axis=0)
    if not len(moves):
        return None
    heading = np.arctan2(moves[:, 1], moves[:, 0])
    turns = np.diff(heading)
    turned = np.abs(turns - math.tau * np.rint(turns / math.tau)).sum()
    return float(turned / np.linalg.norm(moves, axis=1).sum())


def ndtw(record: Record) -> float:
    """Likeness to the route that the expert plans at the start, in (0, 1].

    exp(-DTW / (R * radius)): dynamic time warping between the way and the route, both sampled every
    0.1 m, R points of the route, and the goal circle's radius as the distance that counts. The
    route keeps the clearance of the episode's pattern, core or variant, and ends at the circle.
    """
    route = _sampled(planner.path(record.truth(0)))
    inside = np.linalg.norm(route - record.cup[0], axis=1) <= record.rules["goal_radius_m"] + 1e-9
    route = route[:int(np.argmax(inside)) + 1]
    warped_m = _warped(np.linalg.norm(
        _sampled(record.path[:, :2])[:, None] - route[None], axis=2))
    return math.exp(-warped_m / (len(route) * record.rules["goal_radius_m"]))


def _places(record: Record) -> np.ndarray:
    """Where the robot was at its decisions [P, 2], without those at which it had not moved."""
    places = record.poses[:, :2]
    moved = np.linalg.norm(np.diff(places, axis=0), axis=1) > MOVED_M
    return places[np.concatenate([[True], moved])]


def _triangles(record: Record) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Sides (first, second, and straight from the first to the third place) and areas, each [T]."""
    places = _places(record)
    first, second = places[1:-1] - places[:-2], places[2:] - places[1:-1]
    area = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2.0
    a, b, c = (np.linalg.norm(each, axis=1) for each in (first, second, first + second))
    return (a, b, c), area


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None


def _sampled(way: np.ndarray) -> np.ndarray:
    """Points [S, 2] every 0.1 m along a polyline [P, 2], its start first."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(way, axis=0), axis=1))])
    at = np.arange(0.0, lengths[-1] + 1e-9, SAMPLE_M)
    return np.column_stack([np.interp(at, lengths, way[:, axis]) for axis in (0, 1)])


def _warped(distance_m: np.ndarray) -> float:
    """The cheapest alignment of two ways, from their points' distances [N, M]."""
    above = [math.inf] * (distance_m.shape[1] + 1)
    above[0] = 0.0
    for row in distance_m.tolist():
        now = [math.inf]
        for column, cost in enumerate(row):
            now.append(cost + min(above[column], above[column + 1], now[column]))
        above = now
    return above[-1]
