"""A policy that slips: what follows a mistake is seldom seen where few are made.

In some episodes it now and then stands still, or goes off in a random direction, instead of what it
wanted (noise injected into the driver, Laskey et al. 2017, here into DAgger's). It collects
episodes and is never judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import policies
from envs.interface import Observation, full_command
from policies.interface import Action, Memory, Policy


@dataclass
class ClumsyMemory:
    """One episode."""

    inner: Memory
    rng: np.random.Generator
    slips: float  # share of the decisions


class Clumsy(Policy):
    """Any policy that gives one command at a time or more; its plans are cut to one."""

    def __init__(self, driver: str, share: float, slips: float, **options: Any) -> None:
        """Who drives, and how badly.

        Args:
            driver: As `--policy` takes it.
            share: Of the episodes in which it slips.
            slips: Of the decisions of such an episode; half of them stand still.
            options: The driver's.
        """
        self._driver, self._share, self._slips = policies.make(driver, **options), share, slips
        self.spec = replace(self._driver.spec, name="clumsy", plan_length=1)

    def begin(self, instruction: str, seed: int) -> ClumsyMemory:
        """Whether it slips at all, and when, comes with the episode's seed."""
        rng = np.random.default_rng(seed)
        slips = self._slips if rng.random() < self._share else 0.0
        return ClumsyMemory(self._driver.begin(instruction, seed), rng, slips)

    def act(self, memories: Sequence[ClumsyMemory],
            observations: Sequence[Observation]) -> list[Action]:
        """What the driver does, but for the slips; it does not know of them."""
        actions = self._driver.act([memory.inner for memory in memories], observations)
        return [_slip(memory.rng) if memory.rng.random() < memory.slips
                else Action(action.commands[:1])
                for memory, action in zip(memories, actions)]


def _slip(rng: np.random.Generator) -> Action:
    """Standing still, or a full command in any direction."""
    angle = rng.uniform(-np.pi, np.pi)
    moved = full_command(np.array([np.cos(angle), np.sin(angle)]))
    return Action((moved if rng.random() < 0.5 else np.zeros(3, np.float32))[None])
