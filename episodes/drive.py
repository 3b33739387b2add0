"""Many episodes at once with one policy: each drives as it would alone, answers come in batches.

A slot holds one episode. As soon as an episode ends, its slot takes the next job. All slots that
wait for an answer are asked in one call of a fixed size, so that a row of it does not depend on how
many episodes happen to be under way.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Generic

from envs.interface import Observation
from envs.pool import Pool, World
from envs.remote import WorldLostError
from episodes.engine import JobT, LostRunError, Source
from episodes.record import Record
from episodes.rollout import Answer, Question, Task, ask, steps
from policies.interface import Action, Memory, Policy
from scenarios import Scenario

MOST_LOSSES = 3  # processes that one episode may take down before a run gives up


@dataclass(frozen=True)
class Job:
    """One episode to drive, and where."""

    key: str  # names the episode within its run
    scenario: Scenario
    task: Task


@dataclass(frozen=True)
class Driven:
    """One episode that was driven, and its share of the processor's time."""

    key: str
    record: Record
    environment_s: float  # in the world: physics, camera, resets
    inference_s: float  # in the policy
    renderer: str  # what drew the pictures


class Listed(Generic[JobT]):
    """Jobs that are all known beforehand."""

    def __init__(self, jobs: Iterable[JobT]) -> None:
        """They are taken one by one, when needed."""
        self._jobs = iter(jobs)

    def take(self, wait: bool) -> JobT | None:
        """The next job; None where there is none."""
        return next(self._jobs, None)


class FatalEpisodeError(LostRunError):
    """One episode ends every process that drives it; it is neither a failure nor an error."""

    def __init__(self, key: str, how: str) -> None:
        """`how`: what the last process died of."""
        self.key, self.how = key, how
        super().__init__(f"episode {key} took down {MOST_LOSSES} processes, the last one {how}; "
                         f"what is driven is kept. Give fewer --workers or a smaller --batch if "
                         f"memory ran out, else look for a crash in policy or world.")


def drive(policy: Policy, worlds: Pool, source: Source[Job], batch: int,
          beat: Callable[[], None] = lambda: None) -> Iterator[Driven]:
    """Drive every job of the source and yield each as it ends.

    Args:
        policy: Who decides, for all.
        worlds: Where; as many episodes are under way as it has places.
        source: Jobs, taken only when a slot is free.
        batch: Rows of one call of `act`; what is missing is filled up and thrown away.
        beat: Called again and again, as a sign of life.

    Raises:
        FatalEpisodeError: if the worlds of one episode were lost three times.
    """
    losses, policy = Counter[str](), _OneAtATime(policy)
    slots: list[_Slot] = []
    asked: list[_Slot] = []  # in the call that is under way
    answers: Future[list[Answer]] | None = None
    while True:
        beat()
        if answers is not None and answers.done():
            slots = _tell(slots, asked, answers.result())
            asked, answers = [], None
        _fill(slots, policy, worlds, source)
        if not slots:
            return
        ended = [slot for slot in slots if slot not in asked and _go_on(slot, worlds, losses)]
        for slot in ended:
            slots.remove(slot)
            worlds.give_back(slot.world)
            yield slot.driven()
        if ended:
            continue
        asking = [slot for slot in slots if slot.question is not None and slot not in asked]
        if answers is None and len(asking) >= min(batch, len(slots)):
            asked = asking[:batch]
            questions = [slot.asks() for slot in asked]
            answers = worlds.begin(partial(ask, policy, questions, batch, worlds.core_s))
        else:
            worlds.wait()


def _tell(slots: list[_Slot], asked: list[_Slot], answers: list[Answer]) -> list[_Slot]:
    """Answer those who asked; they are the last in the new order, in which who waits is first."""
    for slot, answer in zip(asked, answers):
        slot.hear(answer)
    return [slot for slot in slots if slot not in asked] + asked


def _fill(slots: list[_Slot], policy: Policy, worlds: Pool, source: Source[Job]) -> None:
    """Give every free slot a job, as far as there are any."""
    while len(slots) < worlds.places:
        job = source.take(wait=not slots)
        if job is None:
            return
        slots.append(_Slot(policy, worlds.borrow(job.scenario), job))


def _go_on(slot: _Slot, worlds: Pool, losses: Counter[str]) -> bool:
    """Drive a slot's episode until it has to wait; true at its end. A lost one begins again."""
    try:
        return slot.go_on()
    except WorldLostError as lost:
        losses[slot.job.key] += lost.guilty
        if losses[slot.job.key] >= MOST_LOSSES:
            raise FatalEpisodeError(slot.job.key, str(lost)) from lost
        worlds.drop(slot.world)
        slot.begin(worlds.borrow(slot.job.scenario))
        return False


class _OneAtATime(Policy):
    """A policy whose memories begin and end while it acts in another thread: after each other."""

    def __init__(self, within: Policy) -> None:
        self.spec, self._within, self._lock = within.spec, within, threading.Lock()

    def begin(self, instruction: str, seed: int) -> Memory:
        """Begin a memory."""
        with self._lock:
            return self._within.begin(instruction, seed)

    def act(self, memories: Sequence[Memory], observations: Sequence[Observation]) -> list[Action]:
        """Answer."""
        with self._lock:
            return self._within.act(memories, observations)

    def end(self, memory: Memory) -> None:
        """End a memory."""
        with self._lock:
            self._within.end(memory)


class _Slot:
    """One episode under way: what it wants next, and what it cost."""

    def __init__(self, policy: Policy, world: World, job: Job) -> None:
        self._policy, self.job = policy, job
        self.begin(world)

    def begin(self, world: World) -> None:
        """Start from the beginning, in this world."""
        self.world = world
        self.question: Question | None = None
        self._record: Record | None = None
        self._inference_s = 0.0
        self._episode = steps(world.place, self._policy, self.job.task)
        self._want(next(self._episode))

    def go_on(self) -> bool:
        """Take results as far as they are there; true where the episode has ended."""
        while self._record is None and self.question is None and self.world.is_done():
            self._send(self.world.result())
        return self._record is not None

    def asks(self) -> Question:
        """What it wants to know, where it does."""
        assert self.question is not None, "it waits for an answer"
        return self.question

    def hear(self, answer: Answer) -> None:
        """The policy's answer to `question`."""
        self.question = None
        self._inference_s += answer.core_s
        self._send(answer)

    def driven(self) -> Driven:
        """What the episode leaves."""
        assert self._record is not None, "the episode has ended"
        return Driven(self.job.key, self._record, self.world.spent_s(), self._inference_s,
                      self.world.place.renderer)

    def _send(self, back: object) -> None:
        try:
            self._want(self._episode.send(back))
        except StopIteration as end:
            self._record = end.value

    def _want(self, wanted: Question | tuple) -> None:
        if isinstance(wanted, Question):
            self.question = wanted
        else:
            self.world.ask(*wanted)
