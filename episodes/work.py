"""The book of a run: which jobs are left, who has them, and what was lost how often."""

from __future__ import annotations

import logging
from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from episodes.drive import MOST_LOSSES, FatalEpisodeError

if TYPE_CHECKING:
    from episodes.supervision import Worker

logger = logging.getLogger(__name__)


class Work:
    """What is left of a list of jobs, and who lost what."""

    def __init__(self, jobs: list[Any]) -> None:
        """Each job has a `key` of its own."""
        self.fresh = deque(jobs)
        self.alone: deque[Any] = deque()  # each was under way when its worker ended
        self.left = {job.key for job in jobs}
        self.fatal: FatalEpisodeError | None = None
        self._losses: Counter[str] = Counter()

    def finish(self, worker: Worker, key: str) -> None:
        """One job is driven, or is given up."""
        self.left.discard(key)
        worker.unfinished.pop(key, None)
        worker.is_alone = worker.is_alone and bool(worker.unfinished)

    def give_up(self, worker: Worker, fatal: FatalEpisodeError) -> None:
        """One job cannot be driven; the first of these is what is said at the end."""
        self.fatal = self.fatal or fatal
        self.finish(worker, fatal.key)

    def lose(self, worker: Worker, how: str) -> None:
        """A worker is gone: begun jobs count a loss, the others are as before."""
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
