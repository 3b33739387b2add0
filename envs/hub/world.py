"""A world for `envs/hub/env.py`, in a process of its own: JSON lines in; a line and a picture out.

A line is `{"reset": SEED}`, `{"step": [x, y, w]}` or `{"render": true}`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from scenarios.cli import LogLevel, run_command


@dataclass(frozen=True)
class Config:
    """Be a world for LeRobot until standard input ends."""

    scenario: str
    """Name or TOML file."""
    robot: str = "serbot"
    """Name or TOML file."""
    image_size: tuple[int, int] = (224, 224)
    """Height and width of the pictures."""
    log_level: LogLevel = "warning"
    """How much is logged."""


def main(config: Config) -> Callable[[], None]:
    """Open the world and return the work."""
    import envs
    from scenarios import load

    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print goes elsewhere
    env: Any = envs.make(load(config.scenario), envs.load_robot(config.robot),
                         image_size=config.image_size, render_mode="rgb_array")

    def serve() -> None:
        try:
            for line in sys.stdin:
                _answer(env, json.loads(line), answers)
        finally:
            env.close()

    return serve


def _answer(env: Any, asked: dict[str, Any], answers: BinaryIO) -> None:
    told: dict[str, Any] = {}
    if "reset" in asked:
        observation, info = env.reset(seed=asked["reset"])
        picture, told["info"] = observation["rgb"], _facts(info)
    elif "step" in asked:
        observation, reward, terminated, truncated, info = env.step(
            np.array(asked["step"], np.float32))
        picture = observation["rgb"]
        told = {"reward": reward, "terminated": terminated, "truncated": truncated,
                "info": _facts(info)}
    else:
        picture = env.render()
    told["shape"] = picture.shape
    answers.write(json.dumps(told).encode() + b"\n" + np.ascontiguousarray(picture).tobytes())
    answers.flush()


def _facts(info: dict[str, Any]) -> dict[str, Any]:
    """What LeRobot may know; never where things are."""
    return {"is_success": bool(info["is_success"]), "ended_by": info["ended_by"] or ""}


if __name__ == "__main__":
    run_command(Config, main)
