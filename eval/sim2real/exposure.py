"""How bright recorded pictures are beside simulated ones of the same scenes by the same camera."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.interface import RobotSpec
from scenarios import load

QUANTILES = np.linspace(0.05, 0.95, 19)
BRIGHT, DARK = 250.0, 8.0  # grey levels beyond which a pixel says nothing of the exposure


def simulated_starts(scenarios: Sequence[tuple[str, str | None]], robot: RobotSpec,
                     image_size: tuple[int, int]) -> list[np.ndarray]:
    """The first picture [H, W, 3] of an episode of each scenario and distance, nominal looks."""
    from envs import make

    pictures = []
    for seed, (name, distance) in enumerate(scenarios):
        world = make(load(name), robot, image_size=image_size)
        seen, _ = world.reset(seed=seed, options={"distance": distance} if distance else None)
        pictures.append(seen["rgb"])
        world.close()
    return pictures


def exposure(recorded: Sequence[np.ndarray],
             simulated: Sequence[np.ndarray]) -> tuple[float, float] | None:
    """Recorded over simulated brightness: the median over quantiles of grey levels, and its spread.

    None where all is too dark or too bright to tell.
    """
    mine, theirs = (np.quantile(np.concatenate([each.max(axis=2).ravel() for each in pictures]),
                                QUANTILES) for pictures in (recorded, simulated))
    known = (mine < BRIGHT) & (theirs < BRIGHT) & (mine > DARK) & (theirs > DARK)
    if not known.any():
        return None
    ratios = mine[known] / theirs[known]
    low, high = np.quantile(ratios, (0.16, 0.84))
    return float(np.median(ratios)), float(high - low) / 2
