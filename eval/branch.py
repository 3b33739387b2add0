"""A policy that follows recorded commands to some decision and leaves the rest to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from envs.interface import Observation, Truth
from policies.interface import Action, Memory, Policy, PolicySpec

ZERO = np.zeros((1, 3), np.float32)


@dataclass
class _Told:
    """An episode's state: how often it was asked, and what the other policy remembers."""

    inner: Memory
    asked: int = 0
    truth: Truth | None = None
    label: tuple[str, str] | None = None


class Branch(Policy):
    """Recorded commands first, then a policy that was shown all pictures from the start.

    So what it remembers is what it would remember had it driven here itself; its answers are thrown
    away until its turn comes. Behind the last command, without another policy, it stands still.
    """

    def __init__(self, commands: np.ndarray, after: Policy | None, execute: int = 1,
                 plans: Sequence[tuple[int, int]] | None = None) -> None:
        """Follow commands, then leave it to a policy.

        Args:
            commands: [N, 3], followed.
            after: Decides then, asked every `execute` decisions.
            execute: Rows of a plan that are driven before asking again.
            plans: On a virtual clock: at which decisions the commands were said, and how many rows.
        """
        if plans is None:
            plans = [(number, 1) for number in range(len(commands))]
            self._shown = [number % execute == 0 for number in range(len(commands))]
        else:
            plans = [each for each in plans if each[0] < len(commands)]
            self._shown = [True] * len(plans)
        self._after = after
        self._plans = [commands[start:start + rows] for start, rows in plans]
        self.spec = PolicySpec("commands") if after is None else replace(
            after.spec, name=f"{after.spec.name} after {len(commands)} decisions")

    def begin(self, instruction: str, seed: int) -> Memory:
        """The other policy begins at once."""
        return _Told(None if self._after is None else self._after.begin(instruction, seed))

    def act(self, memories: Sequence[Memory],
            observations: Sequence[Observation]) -> list[Action]:
        """One recorded command each, or what the other policy says."""
        return [self._one(memory, seen) for memory, seen in zip(memories, observations)]

    def end(self, memory: Memory) -> None:
        """The other policy ends too."""
        if self._after is not None:
            self._after.end(memory.inner)

    def _one(self, memory: _Told, seen: Observation) -> Action:
        number = memory.asked
        memory.asked += 1
        is_over = number >= len(self._plans)
        answer = None
        if self._after is not None and (is_over or self._shown[number]):
            for name in self.spec.needs:
                setattr(memory.inner, name, getattr(memory, name))
            (answer,) = self._after.act([memory.inner], [seen])
        if not is_over:
            return Action(self._plans[number])
        return answer or Action(ZERO, stop=True)


def commands_until(commands: np.ndarray, at_s: float, decision_s: float) -> np.ndarray:
    """The commands [K, 3] before a moment.

    Raises:
        ValueError: if the moment is not within the episode.
    """
    length_s = len(commands) * decision_s
    if not 0.0 <= at_s <= length_s + 1e-9:
        raise ValueError(f"--at must be from 0 to {length_s:.1f} s, when this episode ended, got "
                         f"{at_s}.")
    return commands[:round(at_s / decision_s)]


def robot_options(content: dict[str, Any]) -> dict[str, Any]:
    """Options of `envs.make` from what a run says of its robot and looks."""
    from envs.interface import CameraSpec, RobotSpec

    robot = dict(content["robot"])
    robot["camera"] = CameraSpec(**robot["camera"])
    return {"robot": RobotSpec(**robot), "renderer": content["config"]["renderer"],
            "appearance": content["config"]["appearance"],
            "dynamics": content["config"].get("dynamics", "nominal")}
