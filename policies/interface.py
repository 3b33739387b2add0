"""The one interface behind which every brain sits: `Policy`, what it sees and what it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.interface import COMMAND_LIMIT, Observation

Memory = Any  # one episode's state; a policy makes it in `begin`, the caller keeps it
TRUTH = "truth"  # a need: the memory's `truth` is set to the `Truth` before every act
LABEL = "label"  # a need: the memory's `label` is set to (scenario name, distance) likewise
RANGE_SLACK = 1e-4  # rounding beyond +-1.15 that is let pass


class ActionError(ValueError):
    """A policy's answer is no action. The loop counts it as `policy_error`, apart from failures."""


class UnreachableError(RuntimeError):
    """A policy that lives elsewhere cannot be asked: neither its failure nor its error.

    It ends a run, whose driven episodes are kept.
    """


@dataclass(frozen=True)
class Action:
    """What to do next: a short plan of commands, one row per decision step.

    Raises:
        ActionError: for a wrong shape, a number that is not finite or beyond +-1.15, or a
            confidence outside [0, 1].
    """

    commands: np.ndarray  # [T, 3] float32, T >= 1: linear_x, linear_y, angular_z in command units
    stop: bool = False  # the policy believes it has arrived
    confidence: float | None = None  # [0, 1]
    aside: Mapping[str, np.ndarray] | None = None  # what other policies would do: name -> [3]

    def __post_init__(self) -> None:
        """Refuse what is no plan, where it is made."""
        commands = np.asarray(self.commands)
        if commands.ndim != 2 or commands.shape[0] < 1 or commands.shape[1] != 3:
            raise ActionError(f"commands must be [T, 3] with T >= 1, got {commands.shape}.")
        if not np.issubdtype(commands.dtype, np.floating):
            raise ActionError(f"commands must be floating-point numbers, got {commands.dtype}.")
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
            commands = commands.astype(np.float32)
        if not np.isfinite(commands).all():
            raise ActionError(f"commands must be finite, got {commands}.")
        if np.abs(commands).max() > COMMAND_LIMIT + RANGE_SLACK:
            raise ActionError(f"commands must be within +-{COMMAND_LIMIT}, got {commands}; "
                              f"policies.interface.clip_commands cuts them.")
        if self.confidence is not None and not 0.0 <= self.confidence <= 1.0:
            raise ActionError(f"confidence must be in [0, 1], got {self.confidence}.")
        object.__setattr__(self, "commands", commands)


@dataclass(frozen=True)
class PolicySpec:
    """What a policy is and wants; stored with every result."""

    name: str
    image_size: tuple[int, int] = (224, 224)  # height, width of the pictures it is given
    plan_length: int = 1  # rows of `Action.commands`
    window: int = 1  # frames it looks back over, the current one included
    needs: frozenset[str] = field(default_factory=frozenset)  # TRUTH, LABEL
    weights_hash: str | None = None  # sha256 of what it learned, None where nothing is learned
    trained_on: str | None = None  # in words
    weights: str = "none"  # none, trained or random: random is said loudly in every result
    size: str | None = None  # mini or full, where the policy comes in sizes
    trained_seed: int | None = None  # root of the `train` seeds it learned from, where there is one

    @property
    def privileged(self) -> bool:
        """Whether it is told the truth, which no real policy is."""
        return TRUTH in self.needs


class Policy(ABC):
    """Holds weights, never an episode's state: that lives in the Memory that the caller keeps."""

    spec: PolicySpec

    @abstractmethod
    def begin(self, instruction: str, seed: int) -> Memory:
        """The memory of a new episode; the text is encoded here, once."""

    @abstractmethod
    def act(self, memories: Sequence[Memory], observations: Sequence[Observation]) -> list[Action]:
        """One action a robot; updates the memories in place. Rows do not depend on each other.

        Several episodes are driven at once, so there may be several rows, always equally many in
        one run. Where an ActionError is raised, each robot is asked again in a call of its own,
        with the memory as it was, to find whose it is: a copied memory must go on like its origin.
        """

    def end(self, memory: Memory) -> None:  # noqa: B027 (nothing to do is the default)
        """The episode is over."""


def checked_actions(actions: Any, count: int) -> list[Action]:
    """What `act` returned, if it is one Action a robot.

    Raises:
        ActionError: if it is anything else.
    """
    if (not isinstance(actions, list | tuple) or len(actions) != count
            or not all(isinstance(action, Action) for action in actions)):
        raise ActionError(f"act must return a list of {count} Action, got {actions!r}.")
    return list(actions)


def clip_commands(commands: np.ndarray) -> np.ndarray:
    """Commands within +-1.15, the range of the laboratory's data."""
    return np.clip(commands, -COMMAND_LIMIT, COMMAND_LIMIT)
