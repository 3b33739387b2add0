"""A policy whose decisions are seen on the page."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from envs.interface import Observation
from hardware.web.desk import Desk
from policies.interface import Action, Memory, Policy


class Watched(Policy):
    """Answers as the policy within does."""

    def __init__(self, policy: Policy, desk: Desk) -> None:
        """`desk` hears of every answer."""
        self.spec = policy.spec
        self._policy, self._desk = policy, desk

    def begin(self, instruction: str, seed: int) -> Memory:
        """As the policy within."""
        return self._policy.begin(instruction, seed)

    def act(self, memories: Sequence[Memory], observations: Sequence[Observation]) -> list[Action]:
        """As the policy within; a policy that says stop, or nothing, is seen to stand."""
        began_s = time.perf_counter()
        actions = self._policy.act(memories, observations)
        first = actions[0] if isinstance(actions, list | tuple) and actions else None
        if isinstance(first, Action):  # anything else is the loop's to refuse
            plan = np.zeros((1, 3)) if first.stop else first.commands
            self._desk.decided(plan.tolist(), time.perf_counter() - began_s, first.confidence)
        return actions

    def end(self, memory: Memory) -> None:
        """As the policy within."""
        self._policy.end(memory)
