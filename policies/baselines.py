"""Baselines that every model must beat: stop, forward, random, the laboratory's recorded keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from envs.interface import COMMAND_LIMIT, Observation
from policies.interface import LABEL, Action, Policy, PolicySpec

RECORDED = Path(__file__).parent / "recorded_core_sequences.json"
NEAREST = {"close": ("close", "medium", "far"), "medium": ("medium", "close", "far"),
           "far": ("far", "medium", "close")}


class Constant(Policy):
    """The same command for ever: `stop` and `forward`."""

    def __init__(self, name: str, command: tuple[float, float, float]) -> None:
        """`command` in command units."""
        self.spec = PolicySpec(name)
        self._plan = np.array([command], np.float32)

    def begin(self, instruction: str, seed: int) -> None:
        """Nothing to remember."""

    def act(self, memories: Sequence[None], observations: Sequence[Observation]) -> list[Action]:
        """Return the same one-step plan for every robot."""
        return [Action(self._plan) for _ in observations]


class Random(Policy):
    """A command drawn evenly from the whole range at every decision."""

    def __init__(self) -> None:
        """No options: the seed comes with the episode."""
        self.spec = PolicySpec("random")

    def begin(self, instruction: str, seed: int) -> np.random.Generator:
        """A generator of its own for every episode."""
        return np.random.default_rng(seed)

    def act(self, memories: Sequence[np.random.Generator],
            observations: Sequence[Observation]) -> list[Action]:
        """Draw linear_x and linear_y; the recorded data never turn, so angular_z stays 0."""
        plans = []
        for rng in memories:
            x, y = rng.uniform(-COMMAND_LIMIT, COMMAND_LIMIT, 2)
            plans.append(Action(np.array([[x, y, 0.0]], np.float32)))
        return plans


class CoreReplay(Policy):
    """The keys the laboratory recorded for this scenario and distance, then standing still.

    A baseline, not an oracle: replayed on an ideal base most sequences hit a box. Where a scenario
    was not recorded at a distance, the nearest recorded distance is replayed.
    """

    def __init__(self) -> None:
        """Reads the recorded sequences once."""
        self.spec = PolicySpec("core_replay", needs=frozenset({LABEL}))

    def begin(self, instruction: str, seed: int) -> SimpleNamespace:
        """The loop fills `label` in; `step` counts decisions."""
        return SimpleNamespace(label=None, step=0)

    def act(self, memories: Sequence[SimpleNamespace],
            observations: Sequence[Observation]) -> list[Action]:
        """The next recorded key of each robot's own sequence."""
        plans = []
        for memory in memories:
            keys = recorded_commands(*memory.label)
            row = keys[memory.step] if memory.step < len(keys) else np.zeros(3, np.float32)
            memory.step += 1
            plans.append(Action(row[None]))
        return plans


@cache
def recorded() -> dict[str, Any]:
    """The laboratory's recorded key sequences and episode counts, as published facts."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))


def recorded_commands(scenario: str, distance: str) -> np.ndarray:
    """Commands [N, 3] float32 of the recorded core sequence at this or the nearest distance.

    Raises:
        ValueError: for a scenario that the laboratory never recorded.
    """
    facts = recorded()
    if scenario not in facts["sequences"]:
        raise ValueError(f"core_replay has no recorded keys for scenario {scenario!r}, "
                         f"expected one of {', '.join(facts['sequences'])}.")
    sequences = facts["sequences"][scenario]
    keys = next(sequences[near] for near in NEAREST[distance] if near in sequences)
    return np.array([facts["keys"][key] for key in keys], np.float32)
