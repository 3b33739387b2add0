"""Shards in supervised processes: what dies, hangs or runs out of memory is noticed and replaced.

Every worker gets a few jobs more than it drives at once. One that gives no sign of life is ended.
What it had not begun goes to whoever is free; what it was driving is driven again at the end, each
episode alone, so that one that ends every process cannot drag others along.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

from envs.child import Child
from episodes.drive import MOST_LOSSES, Driven, FatalEpisodeError, Job
from episodes.shards import Recipe, Rehearsal

SPARE_JOBS = 2  # beside those that a worker drives at once, so that its next is there already
PATIENCE = 3.0  # times the longest round so far may pass before a worker counts as hanging

logger = logging.getLogger(__name__)


class WorkerError(RuntimeError):
    """Something raised in a worker: a bug, told with its traceback."""


class Workers:
    """An `Engine` of several processes of this machine."""

    def __init__(self, recipe: Recipe, count: int) -> None:
        """Start `count` processes; each loads a policy of its own at once."""
        self._recipe = recipe
        self._inbox: queue.SimpleQueue[tuple[_Worker, str, Any]] = queue.SimpleQueue()
        self._names = itertools.count(1)
        self._unready_deaths = 0  # in a row
        self._longest_s = 0.0  # between two signs of life
        self._workers = [self._start() for _ in range(count)]

    def rehearse(self, jobs: list[Job]) -> Rehearsal:
        """One worker makes one decision in each job, while the others warm up.

        Raises:
            ValueError: one sentence, if policy or world cannot start.
        """
        for number, worker in enumerate(self._workers):
            worker.send(jobs if number == 0 else jobs[:1])
        self._warm_up = jobs[:1]
        while True:
            worker, what, content = self._next()
            if what == "ready" and worker is self._workers[0]:
                self._longest_s = max(self._longest_s, content.round_s)
                return content
            if what == "gone":
                self._replace(worker, content, jobs if worker is self._workers[0] else jobs[:1])

    def drive(self, jobs: list[Job]) -> Iterator[Driven]:
        """Drive every job; yields each as it ends, in any order.

        Raises:
            FatalEpisodeError: if one episode took down three processes; all others are driven then.
            WorkerError: for whatever a worker raised.
        """
        work = _Work(jobs)
        while work.left:
            for worker in self._workers:
                self._hand_out(worker, work)
            worker, what, content = self._next()
            if what == "driven":
                work.finish(worker, content.key)
                yield content
            elif what == "fatal":
                work.give_up(worker, FatalEpisodeError(*content))
            elif what == "gone":
                work.lose(worker, content)
                self._replace(worker, content, self._warm_up)
        if work.fatal is not None:
            raise work.fatal

    def close(self) -> None:
        """End every worker at once: only what was yielded counts."""
        for worker in self._workers:
            worker.end()

    def _start(self) -> _Worker:
        return _Worker(next(self._names), self._recipe, self._inbox)

    def _hand_out(self, worker: _Worker, work: _Work) -> None:
        """Give a worker its fair share, as far as it may hold; one that drives alone gets none."""
        if not worker.is_ready or worker.is_alone:
            return
        fair = -(-len(work.left) // len(self._workers))
        while work.fresh and len(worker.unfinished) < min(self._recipe.places + SPARE_JOBS, fair):
            worker.give(work.fresh.popleft())
        if work.alone and not worker.unfinished:
            worker.is_alone = True
            worker.give(work.alone.popleft())

    def _next(self) -> tuple[_Worker, str, Any]:
        """The next that a worker says; one that says nothing for too long is ended meanwhile."""
        while True:
            limit_s = max(self._recipe.hang_s, PATIENCE * self._longest_s)
            quiet_s = max((each.quiet_s for each in self._workers), default=0.0)
            try:
                worker, what, content = self._inbox.get(timeout=max(limit_s - quiet_s, 0.0) + 0.01)
            except queue.Empty:
                for each in self._workers:
                    if each.quiet_s > limit_s:
                        each.hung()
                continue
            if worker not in self._workers:
                continue
            self._longest_s = max(self._longest_s, worker.longest_s)
            if what == "refused":
                logger.debug("Where it was found: %s", content[1])
                raise ValueError(content[0])
            if what == "failed":
                raise WorkerError(content)
            if what == "ready":
                worker.is_ready = True
            if what == "gone":
                content = worker.end()
            return worker, what, content

    def _replace(self, worker: _Worker, how: str, warm_up: list[Job]) -> None:
        """Start another in place of one that is gone.

        Raises:
            ValueError: if three in a row died before they were ready.
        """
        self._unready_deaths = 0 if worker.is_ready else self._unready_deaths + 1
        if self._unready_deaths >= MOST_LOSSES:
            raise ValueError(f"{MOST_LOSSES} worker processes ended before they could drive; the "
                             f"last one {how}. Give fewer --workers if memory ran out, else look "
                             f"for a crash where policy or world starts.")
        logger.warning("worker %d (process %d) %s; another takes its place", worker.name,
                       worker.child.number, how)
        place = self._workers.index(worker)
        self._workers[place] = self._start()
        self._workers[place].send(warm_up)


class _Work:
    """What is left of a list of jobs, and who lost what."""

    def __init__(self, jobs: list[Job]) -> None:
        self.fresh = deque(jobs)
        self.alone: deque[Job] = deque()  # each was under way when its process ended
        self.left = {job.key for job in jobs}
        self.fatal: FatalEpisodeError | None = None
        self._losses: Counter[str] = Counter()

    def finish(self, worker: _Worker, key: str) -> None:
        """One episode is driven, or is given up."""
        self.left.discard(key)
        worker.unfinished.pop(key, None)
        worker.is_alone = worker.is_alone and bool(worker.unfinished)

    def give_up(self, worker: _Worker, fatal: FatalEpisodeError) -> None:
        """One episode cannot be driven; the first of these is what is said at the end."""
        self.fatal = self.fatal or fatal
        self.finish(worker, fatal.key)

    def lose(self, worker: _Worker, how: str) -> None:
        """A worker is gone: begun episodes count a loss, the others are as before."""
        begun = [job for key, job in worker.unfinished.items() if key in worker.begun]
        others = [job for key, job in worker.unfinished.items() if key not in worker.begun]
        self.fresh.extendleft(reversed(others))
        for job in begun:
            self._losses[job.key] += 1
            if self._losses[job.key] >= MOST_LOSSES:
                self.give_up(worker, FatalEpisodeError(job.key, how))
            else:
                self.alone.append(job)
                logger.warning("%s: was under way there and is driven again", job.key)


class _Worker:
    """One process, seen from outside."""

    def __init__(self, name: int, recipe: Recipe, inbox: queue.SimpleQueue) -> None:
        self.name, self._inbox = name, inbox
        self.child = Child("episodes.worker:work", one_thread=recipe.one_thread)
        self.unfinished: dict[str, Job] = {}  # in the order in which they were given
        self.begun: set[str] = set()
        self.is_ready = self.is_alone = False
        self.longest_s, self._heard = 0.0, time.monotonic()
        self._why = ""
        self.send(recipe)
        # A thread, because reading what a stopped process has half said would wait for ever.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def quiet_s(self) -> float:
        """How long nothing was heard of it, where something should be."""
        is_busy = not self.is_ready or bool(self.unfinished)
        return time.monotonic() - self._heard if is_busy else 0.0

    def give(self, job: Job) -> None:
        """One more episode to drive."""
        if not self.unfinished:
            self._heard = time.monotonic()
        self.unfinished[job.key] = job
        self.send(job)

    def send(self, what: Any) -> None:
        """Say something; where nobody listens any more, the reader finds out."""
        try:
            self.child.pipe.send(what)
        except OSError:
            logger.debug("worker %d does not listen any more", self.name)

    def hung(self) -> None:
        """It gave no sign of life: end it, and the reader says that it is gone."""
        self._why = f"gave no sign of life for {self.quiet_s:.0f} s and was ended"
        self._heard = time.monotonic()
        self.child.kill()

    def end(self) -> str:
        """Make sure that it is gone; returns why, in words."""
        if self._reader.is_alive():
            self.child.kill()
            self._reader.join()
        return self._why or self.child.end()

    def _read(self) -> None:
        """Pass on what it says until its end of the pipe is closed."""
        while True:
            try:
                what, content = self.child.pipe.recv()
            except (EOFError, OSError):
                break
            now = time.monotonic()
            if self.is_ready:
                self.longest_s = max(self.longest_s, now - self._heard)
            self._heard = now
            if what == "begun":
                self.begun.add(content)
            elif what != "beat":
                self._inbox.put((self, what, content))
        self._inbox.put((self, "gone", None))
