"""One drives, others see the same and say what they would do: they are recorded, never obeyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envs.interface import Observation
from policies.interface import Action, ActionError, Policy, UnreachableError
from policies.wrapper import (
    Several,
    answers,
    begin_all,
    check_count,
    command_of,
    joint_spec,
)

MOST = 16


class Shadow(Policy):
    """`--policy shadow=hybrid,kosmos_lstm`: hybrid drives.

    What the others would have done stands in the record (`Record.aside`), NaN where they had no
    answer. They are asked after the driver and before it is obeyed: the time of a decision is that
    of all together.
    """

    def __init__(self, policies: Sequence[Policy]) -> None:
        """The first drives.

        Raises:
            ValueError: for fewer than two, or two of one name.
        """
        check_count("shadow", policies, 2, MOST)
        names = [each.spec.name for each in policies]
        if len(set(names)) < len(names):
            raise ValueError(f"shadow: every policy can be there once, got {', '.join(names)}.")
        self._policies, self._names = list(policies), names
        self.spec = joint_spec(f"shadow={','.join(names)}", policies)

    def begin(self, instruction: str, seed: int) -> Several:
        """All hear the same words."""
        return begin_all(self._policies, instruction, seed)

    def act(self, memories: Sequence[Several],
            observations: Sequence[Observation]) -> list[Action]:
        """The driver's answers, and beside them the others'."""
        driver = answers(self._policies[0], 0, memories, observations)
        others = [self._said(place, memories, observations)
                  for place in range(1, len(self._policies))]
        found = []
        for row, action in enumerate(driver):
            if isinstance(action, ActionError):
                raise action
            found.append(replace(action, aside={name: command_of(said[row]) for name, said
                                                in zip(self._names[1:], others)}))
        return found

    def end(self, memory: Several) -> None:
        """For all."""
        for policy, inner in zip(self._policies, memory.memories):
            policy.end(inner)

    def _said(self, place: int, memories: Sequence[Several],
              observations: Sequence[Observation]) -> list[Action | ActionError]:
        """One of the others; if it cannot be reached, the driver drives on."""
        try:
            return answers(self._policies[place], place, memories, observations)
        except UnreachableError as lost:
            return [ActionError(str(lost))] * len(memories)
