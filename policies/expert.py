"""The geometric expert: the one privileged policy. It is told the truth; no report hides that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np

from envs import planner
from envs.interface import Observation, Truth
from policies.interface import TRUTH, Action, Policy, PolicySpec


class Expert(Policy):
    """Drives the planner's shortest way on the commanded side; stops inside the goal circle."""

    def __init__(self, name: str = "expert", keys: bool = False) -> None:
        """`keys` drives in the eight directions that keys give, else in any direction."""
        self.spec = PolicySpec(name, needs=frozenset({TRUTH}))
        self._command: Callable[[Truth], np.ndarray] = (
            planner.key_command if keys else planner.command
        )

    def begin(self, instruction: str, seed: int) -> SimpleNamespace:
        """The loop sets `truth` before every decision."""
        return SimpleNamespace(truth=None)

    def act(self, memories: Sequence[SimpleNamespace],
            observations: Sequence[Observation]) -> list[Action]:
        """One command a robot, from its truth; the pictures are not looked at."""
        plans = [self._command(memory.truth) for memory in memories]
        return [Action(plan[None], stop=not plan.any()) for plan in plans]
