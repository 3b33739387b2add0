"""Hands over to a simpler policy where the main one errs, is late or is not confident."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
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

CONFIDENCE = 0.3  # with less the robot would stand still: the loop's and the gate's threshold


class Fallback(Policy):
    """`--policy fallback=case2_clip_normalized,case1_simplified,0.3`: Case 1 where Case 2 fails.

    Decided anew at every decision; both see every picture. The number is the main policy's time in
    seconds; without one it has all the time that it wants, and a run can be repeated bit for bit.
    What both said stands in the record (`Record.aside`).
    """

    def __init__(self, policies: Sequence[Policy], late_s: float | None = None) -> None:
        """The main policy and its spare.

        Raises:
            ValueError: for another number of policies, or a time that is none.
        """
        check_count("fallback", policies, 2, 2)
        if late_s is not None and not late_s > 0.0:
            raise ValueError(f"fallback: the main policy's time must be above 0 s, got {late_s}.")
        self._main, self._spare = policies
        self._late_s = late_s
        self._thread: ThreadPoolExecutor | None = None
        self._thinking: Future[list[Action | ActionError]] | None = None
        names = [each.spec.name for each in policies]
        if names[0] == names[1]:
            raise ValueError(f"fallback: {names[0]} cannot stand in for itself.")
        time = [] if late_s is None else [f"{late_s:g}"]
        self.spec = joint_spec(f"fallback={','.join(names + time)}", policies)

    def begin(self, instruction: str, seed: int) -> Several:
        """Both hear the same words."""
        return begin_all((self._main, self._spare), instruction, seed)

    def act(self, memories: Sequence[Several],
            observations: Sequence[Observation]) -> list[Action]:
        """The main policy's answers where they are good, else the spare's."""
        spare = answers(self._spare, 1, memories, observations)
        main = self._asked(memories, observations)
        return [self._chosen(*both) for both in zip(main, spare)]

    def end(self, memory: Several) -> None:
        """For both."""
        for policy, inner in zip((self._main, self._spare), memory.memories):
            policy.end(inner)

    def _chosen(self, main: Action | ActionError, spare: Action | ActionError) -> Action:
        """One of two answers.

        Raises:
            ActionError: the main policy's, where neither has an answer.
        """
        aside = {self._main.spec.name: command_of(main), self._spare.spec.name: command_of(spare)}
        if not isinstance(main, ActionError) and (
                main.confidence is None or main.confidence >= CONFIDENCE):
            return replace(main, aside=aside)
        if not isinstance(spare, ActionError):
            return replace(spare, aside=aside)
        if isinstance(main, ActionError):
            raise main
        return replace(main, aside=aside)

    def _asked(self, memories: Sequence[Several],
               observations: Sequence[Observation]) -> list[Action | ActionError]:
        """The main policy's answers; errors where it cannot be reached, or not in time."""
        try:
            if self._late_s is None:
                return answers(self._main, 0, memories, observations)
            return self._in_time(self._late_s, memories, observations)
        except UnreachableError as lost:
            return [ActionError(str(lost))] * len(memories)

    def _in_time(self, late_s: float, memories: Sequence[Several],
                 observations: Sequence[Observation]) -> list[Action | ActionError]:
        """Ask in a thread, with copies: what comes too late is forgotten, its memory with it.

        While the main policy still thinks about an earlier picture it is not asked again.
        """
        late = ActionError(f"{self._main.spec.name} took longer than {late_s:g} s.")
        if self._thinking is not None and not self._thinking.done():
            return [late] * len(memories)
        copies = [Several([copy.deepcopy(each.memories[0])], each.needs) for each in memories]
        self._thread = self._thread or ThreadPoolExecutor(1)
        self._thinking = self._thread.submit(answers, self._main, 0, copies, observations)
        wait([self._thinking], late_s)
        if not self._thinking.done():
            return [late] * len(memories)
        for episode, copied in zip(memories, copies):
            episode.memories[0] = copied.memories[0]
        return self._thinking.result()
