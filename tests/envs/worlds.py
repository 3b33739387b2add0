"""Worlds for tests: the shipped scenarios without jitter, and a hand that drives."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

import envs
import scenarios
from envs import planner

FORWARD, BACK, STILL = (1.15, 0, 0), (-1.15, 0, 0), (0, 0, 0)
STILL_PLACEMENT = {
    "start_jitter_m": (0.0, 0.0), "start_jitter_rad": 0.0, "obstacle_jitter_m": (0.0, 0.0),
    "box_jitter_rad": 0.0, "cup_jitter_m": (0.0, 0.0),
}


def without_jitter(name: str, **placement: Any) -> scenarios.Scenario:
    """A shipped scenario in which everything stands exactly where its factors say."""
    scenario = scenarios.load(name)
    return replace(scenario, placement=replace(scenario.placement, **STILL_PLACEMENT | placement))


def beside(name: str, y_m: float) -> scenarios.Scenario:
    """The same with the boxes this far to the left, out of the straight way to the cup."""
    return without_jitter(name, obstacle_bias_m={"left": y_m, "center": y_m, "right": y_m})


@contextmanager
def world(scenario: scenarios.Scenario | str, image_size: tuple[int, int] = (8, 8),
          **robot: Any) -> Iterator[Any]:
    """A world that is closed again, with the shipped robot or one that differs in `robot`."""
    what = scenarios.load(scenario) if isinstance(scenario, str) else scenario
    env = envs.make(what, replace(envs.load_robot(), **robot), image_size=image_size)
    try:
        yield env
    finally:
        env.close()


def repeat(env: Any, command: tuple[float, float, float], most: int = 40) -> dict[str, Any]:
    """Give one command until the episode ends or `most` decisions are over; the last info."""
    for _ in range(most):
        *_, terminated, truncated, info = env.step(np.array(command, np.float32))
        if terminated or truncated:
            break
    return info


def to_the_goal(env: Any, info: dict[str, Any], pass_side: str | None = None) -> dict[str, Any]:
    """Drive as the expert until the goal circle, on a side of one's own if given; the last info."""
    while True:
        truth = info["truth"]
        truth = replace(truth, pass_side=pass_side or truth.pass_side)
        command = planner.command(truth)
        if not command.any():
            return info
        *_, info = env.step(command)
        assert info["ended_by"] is None, info["ended_by"]
