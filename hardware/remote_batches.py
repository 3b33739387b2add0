"""All clients' questions, answered together: one policy, one thread, one call of `act` at a time.

Whatever waits when the policy is free is asked in one call of a fixed size, so that no answer
depends on who else asks. A memory that was stored is never changed: every answer goes on from a
copy, and makes a new one.
"""

from __future__ import annotations

import asyncio
import copy
import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field

from envs.interface import Observation
from episodes.rollout import Question, ask
from policies.interface import Action, ActionError, Memory, Policy
from policies.threads import computing_with

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Begin:
    """An episode that has no memory yet."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class Kept:
    """A memory that another answer left."""

    memory: Memory


class RefusedError(ValueError):
    """A question that cannot be asked, in one sentence."""


class FailedError(RuntimeError):
    """The policy has a bug; its traceback stands in the server's log and nowhere else."""


@dataclass(frozen=True)
class Told:
    """An answer: what to do or why not, and the memory after it."""

    action: Action | ActionError | RefusedError | FailedError
    memory: Memory = None
    infer_s: float = 0.0  # of the whole call
    waited_s: float = 0.0  # for the policy to be free


@dataclass(frozen=True)
class Want:
    """A question in the queue."""

    start: Begin | Kept
    observation: Observation
    answer: asyncio.Future[Told]
    since_s: float = field(default_factory=time.perf_counter)


class Batches:
    """The queue before one policy; used within one event loop."""

    def __init__(self, policy: Policy, batch: int, threads: int) -> None:
        """Nothing is asked yet.

        Args:
            policy: Who answers all.
            batch: Rows of one call of `act`; what is missing is filled up.
            threads: That the policy computes with.
        """
        self._policy, self._batch = policy, batch
        self._queue: asyncio.Queue[Want] = asyncio.Queue()
        self._stack = ExitStack()
        self._thread = ThreadPoolExecutor(
            1, initializer=lambda: self._stack.enter_context(computing_with(threads)))

    async def answers(self, questions: Iterable[tuple[Begin | Kept, Observation]]) -> list[Told]:
        """Queue the questions of one client and wait for all their answers."""
        loop = asyncio.get_running_loop()
        wants = [Want(start, seen, loop.create_future()) for start, seen in questions]
        for want in wants:
            self._queue.put_nowait(want)
        return [await want.answer for want in wants]

    async def run(self) -> None:
        """Answer for ever."""
        while True:
            wants = [await self._queue.get()]
            while len(wants) < self._batch and not self._queue.empty():
                wants.append(self._queue.get_nowait())
            began_s = time.perf_counter()
            for want, told in zip(wants, await self._turn(wants)):
                if not want.answer.done():  # nobody waits any more
                    want.answer.set_result(Told(told.action, told.memory, told.infer_s,
                                                began_s - want.since_s))

    def forget(self, memories: Iterable[Memory]) -> None:
        """Episodes are over; the policy hears of it when it is free."""
        for memory in memories:
            self._thread.submit(self._policy.end, memory)

    def close(self) -> None:
        """Ask no more; what was begun, and the ends of episodes, are waited for."""
        self._thread.shutdown()

    async def _turn(self, wants: Sequence[Want]) -> list[Told]:
        """One call; where it raises, each is asked alone, so that nobody pays for another."""
        asked = [(want.start, want.observation) for want in wants]
        call = asyncio.get_running_loop().run_in_executor(
            self._thread, told, self._policy, asked, self._batch)
        await asyncio.wait([call])
        bug = call.exception()
        if bug is None:
            return call.result()
        if len(wants) > 1:
            return [(await self._turn([want]))[0] for want in wants]
        logger.error("%s failed", self._policy.spec.name, exc_info=bug)
        return [Told(FailedError(f"its policy failed ({type(bug).__name__}); the server's log "
                                 f"says where."))]


def told(policy: Policy, asked: Sequence[tuple[Begin | Kept, Observation]],
         batch: int) -> list[Told]:
    """Ask a policy once about all; runs in its thread and changes no stored memory."""
    answers: dict[int, Told] = {}
    questions: dict[int, Question] = {}
    for at, (start, observation) in enumerate(asked):
        try:
            memory = (policy.begin(start.prompt, start.seed) if isinstance(start, Begin)
                      else copy.deepcopy(start.memory))
        except ValueError as error:
            answers[at] = Told(RefusedError(str(error)))
        else:
            questions[at] = Question(memory, observation)
    if questions:
        for (at, question), answer in zip(questions.items(),
                                          ask(policy, list(questions.values()), batch)):
            answers[at] = Told(answer.action, question.memory, answer.latency_s)
    return [answers[at] for at in range(len(asked))]
