"""What policies around policies share: several memories in one, each its picture, one spec."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.interface import Observation, Truth
from policies.interface import (
    LABEL,
    TRUTH,
    Action,
    ActionError,
    Memory,
    Policy,
    PolicySpec,
    checked_actions,
)
from policies.picture import squeeze


@dataclass
class Several:
    """One episode's memories, one a policy; what the loop tells goes to those that need it."""

    memories: list[Memory]
    needs: list[frozenset[str]]

    @property
    def truth(self) -> Truth:
        """As the loop told it last."""
        return next(memory.truth for memory in self._needing(TRUTH))

    @truth.setter
    def truth(self, value: Truth) -> None:
        for memory in self._needing(TRUTH):
            memory.truth = value

    @property
    def label(self) -> tuple[str, str]:
        """As the loop told it last."""
        return next(memory.label for memory in self._needing(LABEL))

    @label.setter
    def label(self, value: tuple[str, str]) -> None:
        for memory in self._needing(LABEL):
            memory.label = value

    def _needing(self, need: str) -> list[Memory]:
        return [memory for memory, needs in zip(self.memories, self.needs) if need in needs]


def begin_all(policies: Sequence[Policy], instruction: str, seed: int) -> Several:
    """The memories of a new episode; all get the same words and seed."""
    return Several([each.begin(instruction, seed) for each in policies],
                   [each.spec.needs for each in policies])


def joint_spec(name: str, policies: Sequence[Policy]) -> PolicySpec:
    """What several policies are together: pictures and plans as the first has them."""
    specs = [each.spec for each in policies]
    hashes = [each.weights_hash for each in specs if each.weights_hash]
    kinds = [each.weights for each in specs]
    trained = "; ".join(dict.fromkeys(each.trained_on for each in specs if each.trained_on))
    return replace(
        specs[0], name=name, window=max(each.window for each in specs),
        needs=frozenset().union(*(each.needs for each in specs)),
        weights_hash=hashlib.sha256(" ".join(hashes).encode()).hexdigest() if hashes else None,
        weights=next((kind for kind in ("random", "trained") if kind in kinds), "none"),
        trained_on=trained or None,
    )


def answers(policy: Policy, place: int, episodes: Sequence[Several],
            observations: Sequence[Observation]) -> list[Action | ActionError]:
    """What one of the policies says to every robot; an error is only that robot's.

    A call that fails says not whose fault it was. Then every robot is asked in a call of its own,
    of the same size, so that nobody's answer depends on who else was wrong.

    Args:
        policy: Who is asked.
        place: Which of each episode's memories is its.
        episodes: One a robot.
        observations: The same.
    """
    seen = [_as_wanted(policy, each) for each in observations]
    before = copy.deepcopy([each.memories[place] for each in episodes])
    try:
        return list(checked_actions(
            policy.act([each.memories[place] for each in episodes], seen), len(seen)))
    except ActionError as wrong:
        if len(seen) == 1:
            return [wrong]
    found: list[Action | ActionError] = []
    for episode, memory, picture in zip(episodes, before, seen):
        alone = [copy.deepcopy(memory) for _ in seen]
        episode.memories[place] = alone[0]
        try:
            found.append(checked_actions(policy.act(alone, [picture] * len(seen)), len(seen))[0])
        except ActionError as wrong:
            found.append(wrong)
    return found


def command_of(answer: Action | ActionError) -> np.ndarray:
    """The command [3] float32 that an answer asks for now; NaN where it is none."""
    if isinstance(answer, ActionError):
        return np.full(3, np.nan, np.float32)
    return np.zeros(3, np.float32) if answer.stop else answer.commands[0]


def check_count(kind: str, policies: Sequence[Policy], least: int, most: int) -> None:
    """Refuse too few or too many policies.

    Raises:
        ValueError: naming how many are expected.
    """
    if not least <= len(policies) <= most:
        expected = str(least) if least == most else f"{least} or more"
        raise ValueError(f"{kind} wraps {expected} policies, got {len(policies)}: write "
                         f"{kind}={','.join(['NAME'] * least)}.")


def _as_wanted(policy: Policy, observation: Observation) -> Observation:
    """A picture of the size that this policy wants."""
    rgb = squeeze(observation["rgb"], policy.spec.image_size)
    return {"rgb": rgb, "velocity": observation["velocity"]}
