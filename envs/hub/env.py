"""The eight scenarios as LeRobot's EnvHub wants them: put this file into a repository of the hub.

It stands alone: LeRobot needs another Python than PyBullet's wheels are for, so every world runs
in a process of the Python that has `mobile-vla-bench[sim]`: MOBILE_VLA_PYTHON names it, else it is
this one. `lerobot.envs.factory.make_env("user/repo", n_envs=2, trust_remote_code=True)` loads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from functools import partial
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv, VectorEnv

SUITE = "mobile_vla"
SCENARIOS = tuple(f"{boxes}box_{turned}_{side}" for boxes in (1, 2) for turned in ("vert", "hori")
                  for side in ("left", "right"))
INSTRUCTION = "Navigate around the obstacle on the {side} side and reach the cup"
MAX_DECISIONS = 40
COMMAND_LIMIT = 1.15
IMAGE_SIZE = (224, 224)
OVERVIEW_SIZE = (360, 640)
PYTHON = "MOBILE_VLA_PYTHON"


def make_env(n_envs: int = 1, use_async_envs: bool = False,
             cfg: Any = None) -> dict[str, dict[int, VectorEnv]]:
    """One vector environment for each scenario; a world starts with its first reset.

    Args:
        n_envs: Worlds side by side in each.
        use_async_envs: Whether they step at the same time.
        cfg: LeRobot's own; its `task` is a scenario's name, or nothing for all eight.

    Raises:
        ValueError: for an unknown scenario, or no world at all.
    """
    task = getattr(cfg, "task", None)
    if task is not None and task not in SCENARIOS:
        raise ValueError(f"task must be one of {', '.join(SCENARIOS)}, got {task!r}.")
    if n_envs < 1:
        raise ValueError(f"n_envs must be at least 1, got {n_envs}.")
    kind = AsyncVectorEnv if use_async_envs and n_envs > 1 else SyncVectorEnv
    chosen = SCENARIOS if task is None else (task,)
    return {SUITE: {number: kind([partial(MobileVLA, name)] * n_envs,
                                 autoreset_mode=AutoresetMode.SAME_STEP)
                    for number, name in enumerate(chosen)}}


class MobileVLA(gymnasium.Env):
    """Drive round the boxes on the named side and stop at the cup.

    Observation: `pixels/front` [224, 224, 3] uint8 RGB; `agent_pos` [3] float32: the command in
    force, as `observation.state` of an exported data set. Action: `x.vel`, `y.vel`, `theta.vel` in
    command units; what is beyond their limits is cut, two numbers never turn.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 3}
    render_mode = "rgb_array"

    def __init__(self, scenario: str) -> None:
        """`scenario`: one of SCENARIOS; no process is started yet."""
        self.task = scenario
        self.task_description = INSTRUCTION.format(side=scenario.rsplit("_", 1)[1])
        self._max_episode_steps = MAX_DECISIONS
        self.observation_space = spaces.Dict({
            "pixels": spaces.Dict({"front": spaces.Box(0, 255, (*IMAGE_SIZE, 3), np.uint8)}),
            "agent_pos": spaces.Box(-COMMAND_LIMIT, COMMAND_LIMIT, (3,), np.float32)})
        self.action_space = spaces.Box(-COMMAND_LIMIT, COMMAND_LIMIT, (3,), np.float32)
        self._command = np.zeros(3, np.float32)
        self._world: subprocess.Popen[bytes] | None = None

    def reset(self, *, seed: int | None = None,
              options: dict[str, Any] | None = None) -> tuple[dict[str, Any], dict[str, Any]]:
        """Draw a layout; LeRobot's own options mean nothing to a world."""
        super().reset(seed=seed)
        if seed is None:  # the generator says which layout follows
            seed = int(self.np_random.integers(2**31))
        self._command = np.zeros(3, np.float32)
        told, picture = self._ask({"reset": seed})
        return self._seen(picture), told["info"]

    def step(self, action: np.ndarray) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Hold one command for one decision of 0.4 s.

        Raises:
            ValueError: if the action is not two or three finite numbers.
            RuntimeError: before the first reset, or if the world's process is gone.
        """
        action = np.asarray(action, np.float32)
        if action.shape not in ((2,), (3,)) or not np.isfinite(action).all():
            raise ValueError(f"An action is 2 or 3 finite numbers, got {action!r}.")
        if self._world is None:
            raise RuntimeError("Call reset() before step(): there is no episode yet.")
        self._command = np.zeros(3, np.float32)
        self._command[:len(action)] = np.clip(action, -COMMAND_LIMIT, COMMAND_LIMIT)
        told, picture = self._ask({"step": self._command.tolist()})
        return (self._seen(picture), told["reward"], told["terminated"], told["truncated"],
                told["info"])

    def render(self) -> np.ndarray:
        """The scene from above [360, 640, 3] uint8; black before the first reset."""
        if self._world is None:
            return np.zeros((*OVERVIEW_SIZE, 3), np.uint8)
        return self._ask({"render": True})[1]

    def close(self) -> None:
        """End the world's process; the next reset starts another."""
        world, self._world = self._world, None
        if world is None:
            return
        for pipe in (world.stdin, world.stdout):
            with contextlib.suppress(BrokenPipeError):  # what it was told last never reached it
                pipe.close()  # type: ignore[union-attr]
        try:
            world.wait(timeout=5)
        except subprocess.TimeoutExpired:
            world.kill()
            world.wait()

    def _seen(self, picture: np.ndarray) -> dict[str, Any]:
        return {"pixels": {"front": picture}, "agent_pos": self._command.copy()}

    def _ask(self, what: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
        """What the world answers, and the picture [H, W, 3] behind it."""
        python = os.environ.get(PYTHON, sys.executable)
        try:
            if self._world is None:
                self._world = subprocess.Popen(
                    [python, "-m", "envs.hub.world", "--scenario", self.task],
                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            return _answered(self._world, what)
        except (OSError, EOFError, json.JSONDecodeError) as error:
            self.close()
            raise RuntimeError(f"The world of {self.task} is gone: {python} must be a Python with "
                               f"mobile-vla-bench[sim]; name it by {PYTHON}.") from error


def _answered(world: Any, what: dict[str, Any]) -> tuple[dict[str, Any], np.ndarray]:
    """What a process answers, and its picture.

    Raises:
        OSError, EOFError, JSONDecodeError: if it is not there any more, or something else.
    """
    world.stdin.write(json.dumps(what).encode() + b"\n")
    world.stdin.flush()
    line = world.stdout.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    told = json.loads(line)
    size = int(np.prod(told["shape"]))
    packed = world.stdout.read(size)
    if len(packed) < size:
        raise EOFError
    return told, np.frombuffer(packed, np.uint8).reshape(told["shape"]).copy()
