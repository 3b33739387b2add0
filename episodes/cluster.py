"""Shards on the machines of a Ray cluster: the same workers as on one machine, behind actors.

Whatever Ray notices of a lost machine, a worker that gives no sign of life is given up after the
recipe's own limit. Processors that get free, and machines that join, get workers too.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from episodes.engine import LostRunError, Recipe
from episodes.ray_session import connect, disconnect
from episodes.supervision import LOOK_S, Supervisor

if TYPE_CHECKING:
    from episodes.actors import Actor

PLACE_S = 30.0  # to find a free processor and to start a process on it
GROW_S = 2.0  # free processors are looked for no more often
LONELY_S = 600.0  # a run without any worker waits so long for a machine to come back

logger = logging.getLogger(__name__)


class Cluster(Supervisor["Actor"]):
    """An `Engine` of many machines: one actor and one worker process for each processor."""

    def __init__(self, recipe: Recipe, most: int, address: str | None = None) -> None:
        """Connect, and start as many workers as there are free processors.

        Args:
            recipe: What each worker runs.
            most: Workers at a time.
            address: host:port of the cluster; where not given, that which this machine is in.

        Raises:
            ValueError: one sentence, if there is no such cluster.
        """
        super().__init__(recipe)
        self._most = most
        self._first: Any = None  # what the first that was ready told
        self._began = self._grown = time.monotonic()
        self._lonely_since: float | None = self._began
        connect(address)
        from episodes.actors import Pump

        self._workers += [self._start() for _ in range(max(1, min(most, self._free())))]
        self._pump = Pump(self._workers)

    def rehearse(self, jobs: list[Any]) -> Any:
        """Every worker tries every job; returns what the first that is ready told.

        Raises:
            ValueError: one sentence, if something cannot start anywhere, no processor is free, or
                a machine has another installation.
        """
        self._warm_up = jobs
        for each in self._workers:
            each.send(jobs)
        while True:
            worker, what, content = self._next()
            if what == "gone":
                self._replace(worker, content, jobs)
            if what == "ready":
                break
        while any(each.answer is not None and not each.is_placed for each in self._workers):
            if time.monotonic() - self._began > PLACE_S:
                break  # who is late is judged when it comes
            time.sleep(LOOK_S / 10)
        for each in self._workers:
            if each.refusal:
                raise ValueError(each.refusal)
        self._longest_s, self._first = content.round_s, content
        return content

    def close(self) -> None:
        """End every worker and leave the cluster."""
        self._pump.stop()
        super().close()
        disconnect()

    def _start(self) -> Actor:
        from episodes.actors import Actor

        return Actor(next(self._names), self._inbox, self._recipe)

    def _admit(self, worker: Actor, rehearsal: Any) -> None:
        """Whoever joins later must drive with the same weights and the same renderer."""
        if self._first is None or rehearsal == self._first:
            super()._admit(worker, rehearsal)
        else:
            self._refuse(worker, f"it rehearsed {rehearsal}, the first worker {self._first}.")

    def _refuse(self, worker: Actor, sentence: str) -> None:
        """At the start an error; whoever joins later is not used."""
        if self._first is None:
            raise ValueError(sentence)
        worker.refusal = sentence
        logger.warning("worker %d (%s) is not used: %s", worker.name, worker.place(), sentence)

    def _sharing(self) -> int:
        return sum(each.is_able for each in self._workers)

    def _look_after(self) -> None:
        super()._look_after()
        now = time.monotonic()
        if now - self._grown > GROW_S:
            self._grow()
            self._grown = now
        if self._sharing():
            self._lonely_since = None
        elif self._lonely_since is None:
            self._lonely_since = now
            logger.warning("no worker is left; waiting %.0f s for a free processor", LONELY_S)
        elif self._first is None and now - self._lonely_since > PLACE_S:
            raise ValueError(f"no processor of the cluster got free within {PLACE_S:.0f} s; "
                             f"`ray status` says who uses them.")
        elif now - self._lonely_since > LONELY_S:
            raise LostRunError(f"no processor of the cluster got free within {LONELY_S:.0f} s; "
                               f"what is driven is kept.")

    def _grow(self) -> None:
        """Start workers on processors that got free, or came with a new machine."""
        waiting = sum(not each.is_placed and not each.refusal for each in self._workers)
        wanted = min(self._free() - waiting, self._most - len(self._workers))
        for _ in range(wanted):
            self._workers.append(self._start())
            self._workers[-1].send(self._warm_up)
        if wanted > 0:
            logger.info("%d more workers, %d in all", wanted, len(self._workers))

    def _free(self) -> int:
        from episodes.actors import free_places

        return free_places(self._recipe.gpus)
