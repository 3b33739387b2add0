"""Where a camera on a driving robot sees the cup, from numbers that are to be found."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Guess(NamedTuple):
    """What all episodes share. The cup's size is known: it is what metres are measured by."""

    wide: float  # tangent of half the horizontal field of view
    height_m: float
    tilt_rad: float  # positive looks down
    step_m: float  # driven in one decision at full command
    delay: float  # share of a decision during which the command before still acts


def driven_m(directions: np.ndarray, guess: Guess) -> np.ndarray:
    """Where the robot is at each picture: [N, 2] from directions [N, 2], starting at 0."""
    before = np.vstack([np.zeros((1, 2)), directions[:-1]])
    steps = guess.step_m * ((1.0 - guess.delay) * directions + guess.delay * before)
    return np.vstack([np.zeros((1, 2)), np.cumsum(steps, axis=0)[:-1]])


def seen_at(cup: np.ndarray, guess: Guess, aspect: float, size_m: tuple[float, float],
            ) -> np.ndarray:
    """Centre, top and base [M, 3] of a cup, in half pictures, as `Sighting` has them.

    Args:
        cup: [M, 2] m: its axis from the camera, forward and left.
        guess: The camera.
        aspect: Width over height of what the camera takes in.
        size_m: The cup's diameter and height.
    """
    radius, tall = size_m[0] / 2, size_m[1]
    away = np.hypot(cup[:, 0], cup[:, 1])
    beside = np.arctan2(-cup[:, 1], cup[:, 0])
    half = np.arcsin(np.clip(radius / away, 0.0, 0.99))
    middle = (np.tan(beside + half) + np.tan(beside - half)) / 2 * cup[:, 0]
    centre = middle / _depth(cup[:, 0], tall / 2, guess) / guess.wide
    far = 1.0 + radius / away if guess.height_m > tall else 1.0 - radius / away
    top = _row(cup[:, 0] * far, tall, guess, aspect)
    base = _row(cup[:, 0] * (1.0 - radius / away), 0.0, guess, aspect)
    return np.column_stack([centre, top, base])


def _depth(forward: np.ndarray, z: float, guess: Guess) -> np.ndarray:
    return forward * np.cos(guess.tilt_rad) + (guess.height_m - z) * np.sin(guess.tilt_rad)


def _row(forward: np.ndarray, z: float, guess: Guess, aspect: float) -> np.ndarray:
    down = (guess.height_m - z) * np.cos(guess.tilt_rad) - forward * np.sin(guess.tilt_rad)
    return down / _depth(forward, z, guess) / (guess.wide / aspect)
