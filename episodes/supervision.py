"""Workers are supervised: what dies, hangs or runs out of memory is noticed and replaced.

Every worker gets a few jobs more than it drives at once. One that gives no sign of life is ended.
What it had not begun goes to whoever is free; what it was driving is driven again at the end, each
job alone, so that one that ends every worker cannot drag others along.
"""

from __future__ import annotations

import itertools
import logging
import queue
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from episodes.drive import MOST_LOSSES, FatalEpisodeError
from episodes.engine import LostRunError, Recipe
from episodes.work import Work

SPARE_JOBS = 2  # beside those that a worker drives at once, so that its next is there already
PATIENCE = 3.0  # times the longest round so far may pass before a worker counts as hanging
LOOK_S = 0.25  # workers are looked after no more often
STOOD_STILL_S = 5.0  # who was not looked after for so long may have been stopped together with us

Inbox = queue.SimpleQueue  # of (worker, what it says, content)
logger = logging.getLogger(__name__)


class WorkerError(RuntimeError):
    """Something raised in a worker: a bug, told with its traceback."""


class Worker(ABC):
    """One worker, seen from outside."""

    def __init__(self, name: int, inbox: Inbox) -> None:
        """What it says goes to the inbox."""
        self.name, self.inbox = name, inbox
        self.unfinished: dict[str, Any] = {}  # jobs by key, in the order in which they were given
        self.begun: set[str] = set()
        self.is_ready = self.is_alone = self.is_gone = False
        self.is_to_blame = True  # whether it may have ended by what it was doing
        self.longest_s, self._heard = 0.0, time.monotonic()
        self._why = ""

    @property
    def quiet_s(self) -> float:
        """How long nothing was heard of it, where something should be."""
        is_busy = not self.is_ready or bool(self.unfinished)
        return time.monotonic() - self._heard if is_busy else 0.0

    def give(self, job: Any) -> None:
        """One more job to drive."""
        if not self.unfinished:
            self._heard = time.monotonic()
        self.unfinished[job.key] = job
        self.send(job)

    def hear(self, what: str, content: Any) -> None:
        """It said something: whatever it is, it is a sign of life."""
        now = time.monotonic()
        if self.is_ready:
            self.longest_s = max(self.longest_s, now - self._heard)
        self._heard = now
        if what == "begun":
            self.begun.add(content)
        elif what != "beat":
            self.inbox.put((self, what, content))

    def excuse(self) -> None:
        """Whatever time has passed was not its fault: its clock begins anew."""
        self._heard, self.longest_s = time.monotonic(), 0.0

    def hung(self) -> None:
        """It gave no sign of life: end it, and the inbox says that it is gone."""
        self._why = f"gave no sign of life for {self.quiet_s:.0f} s and was ended"
        self._heard = time.monotonic()
        self.kill()

    @abstractmethod
    def send(self, what: Any) -> None:
        """Say something; where nobody listens any more, the inbox gets `gone`."""

    @abstractmethod
    def kill(self) -> None:
        """End it at once; the inbox gets `gone`."""

    @abstractmethod
    def end(self) -> str:
        """Make sure that it is gone; returns why, in words."""

    @abstractmethod
    def place(self) -> str:
        """Which process it is, in words."""


WorkerT = TypeVar("WorkerT", bound=Worker)


class Supervisor(ABC, Generic[WorkerT]):
    """An `Engine` of several workers."""

    def __init__(self, recipe: Recipe) -> None:
        """No worker is started yet."""
        self._recipe = recipe
        self._inbox: Inbox = queue.SimpleQueue()
        self._names = itertools.count(1)
        self._unready_deaths = 0  # in a row
        self._longest_s = 0.0  # between two signs of life
        self._looked = time.monotonic()
        self._workers: list[WorkerT] = []
        self._warm_up: list[Any] = []  # what a worker tries before it counts as ready

    def rehearse(self, jobs: list[Any]) -> Any:
        """One worker tries all jobs, while the others warm up with the first.

        Raises:
            ValueError: one sentence, if something cannot start.
        """
        self._warm_up = jobs[:1]
        for number, worker in enumerate(self._workers):
            worker.send(jobs if number == 0 else self._warm_up)
        while True:
            worker, what, content = self._next()
            is_first = worker is self._workers[0]
            if what == "ready" and is_first:
                self._longest_s = max(self._longest_s, content.round_s)
                return content
            if what == "gone":
                try:
                    self._replace(worker, content, jobs if is_first else self._warm_up)
                except LostRunError as lost:  # nothing has been driven: it cannot start
                    raise ValueError(str(lost)) from lost

    def drive(self, jobs: list[Any]) -> Iterator[Any]:
        """Drive every job; yields each one's result as it ends, in any order.

        Raises:
            FatalEpisodeError: if one job took down three workers; all others are driven then.
            LostRunError: if there is nothing left to drive with.
            WorkerError: for whatever a worker raised.
        """
        work = Work(jobs)
        for each in self._workers:
            self._hand_out(each, work)
        while work.left:
            worker, what, content = self._next()
            if what == "driven":
                work.finish(worker, content.key)
            elif what == "fatal":
                work.give_up(worker, FatalEpisodeError(*content))
            elif what == "gone":
                work.lose(worker, content)
                self._replace(worker, content, self._warm_up)
            for each in self._workers if what == "gone" else [worker]:
                self._hand_out(each, work)
            if what == "driven":
                yield content
        if work.fatal is not None:
            raise work.fatal

    def close(self) -> None:
        """End every worker at once: only what was yielded counts."""
        for worker in self._workers:
            worker.end()

    @property
    def width(self) -> int:
        """How many processes drive now."""
        return len(self._workers) * max(1, self._recipe.processes)

    @abstractmethod
    def _start(self) -> WorkerT:
        """One more worker, to which the recipe is sent."""

    def _admit(self, worker: WorkerT, rehearsal: Any) -> None:
        """A worker is ready to drive."""
        worker.is_ready = True

    def _refuse(self, worker: WorkerT, sentence: str) -> None:
        """A worker cannot start, and that is no accident."""
        raise ValueError(sentence)

    def _look_after(self) -> None:
        """End whoever gives no sign of life for too long; called every now and then.

        Where we ourselves stood still (Ctrl-Z, a paused container), nobody is blamed.
        """
        since_s, self._looked = time.monotonic() - self._looked, time.monotonic()
        if since_s > STOOD_STILL_S:
            for each in self._workers:
                each.excuse()
            return
        self._longest_s = max([self._longest_s, *(each.longest_s for each in self._workers)])
        limit_s = max(self._recipe.hang_s, PATIENCE * self._longest_s)
        for each in self._workers:
            if each.quiet_s > limit_s:
                each.hung()

    def _hand_out(self, worker: WorkerT, work: Work) -> None:
        """Give a worker its fair share, as far as it may hold; one that drives alone gets none."""
        if not worker.is_ready or worker.is_alone:
            return
        fair = -(-len(work.left) // max(self._sharing(), 1))
        while work.fresh and len(worker.unfinished) < min(self._recipe.places + SPARE_JOBS, fair):
            worker.give(work.fresh.popleft())
        if work.alone and not worker.unfinished:
            worker.is_alone = True
            worker.give(work.alone.popleft())

    def _sharing(self) -> int:
        """How many workers share what is left."""
        return len(self._workers)

    def _next(self) -> tuple[WorkerT, str, Any]:
        """The next that a worker says; they are looked after meanwhile."""
        while True:
            if time.monotonic() - self._looked > LOOK_S:
                self._look_after()
            try:
                worker, what, content = self._inbox.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            if what == "log":
                _log(worker, *content)
                continue
            if worker.is_gone:
                continue
            if what == "refused":
                logger.debug("Where it was found: %s", content[1])
                self._refuse(worker, content[0])
                continue
            if what == "failed":
                raise WorkerError(content)
            if what == "lost":
                raise LostRunError(content)
            if what == "ready":
                self._admit(worker, content)
            if what == "gone":
                worker.is_gone, content = True, worker.end()
            return worker, what, content

    def _replace(self, worker: WorkerT, how: str, warm_up: list[Any]) -> None:
        """Start another in place of one that is gone.

        Raises:
            LostRunError: if three in a row died before they were ready.
        """
        self._unready_deaths = 0 if worker.is_ready else self._unready_deaths + worker.is_to_blame
        if self._unready_deaths >= MOST_LOSSES:
            raise LostRunError(f"{MOST_LOSSES} worker processes ended before they could drive; the "
                             f"last one {how}. Give fewer --workers if memory ran out, else look "
                             f"for a crash where policy or world starts.")
        logger.warning("worker %d (%s) %s; another takes its place", worker.name, worker.place(),
                       how)
        place = self._workers.index(worker)
        self._workers[place] = self._start()
        self._workers[place].send(warm_up)


def _log(worker: Worker, name: str, level: int, message: str) -> None:
    """What a worker logged goes where this process's own log goes, if it is wanted there."""
    where = logging.getLogger(name)
    if where.isEnabledFor(level):
        where.handle(where.makeRecord(name, level, "worker", 0, "worker %d: %s",
                                      (worker.name, message), None))
