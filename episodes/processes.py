"""Shards in supervised processes of this machine."""

from __future__ import annotations

import logging
import pickle
import threading
from typing import Any

from envs.child import BEAT, Child
from episodes.engine import Recipe
from episodes.supervision import Inbox, Supervisor, Worker

ENDING_S = 5.0  # libraries may take so long to end after the last word

logger = logging.getLogger(__name__)


class Workers(Supervisor["Process"]):
    """An `Engine` of several processes of this machine."""

    def __init__(self, recipe: Recipe, count: int) -> None:
        """Start `count` processes; each loads a policy of its own at once."""
        super().__init__(recipe)
        self._workers += [self._start() for _ in range(count)]

    def _start(self) -> Process:
        return Process(next(self._names), self._inbox, self._recipe)


class Process(Worker):
    """One process, seen from outside."""

    def __init__(self, name: int, inbox: Inbox, recipe: Recipe) -> None:
        """Start it and send it the recipe."""
        super().__init__(name, inbox)
        self._child = Child("episodes.worker:work", one_thread=recipe.one_thread)
        self._said_all = False
        self.send(recipe)
        # A thread, because reading what a stopped process has half said would wait for ever.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, what: Any) -> None:
        """Say something; where nobody listens any more, the reader finds out."""
        try:
            self._child.pipe.send(what)
        except OSError:
            logger.debug("worker %d does not listen any more", self.name)

    def kill(self) -> None:
        """End it; the reader then says that it is gone."""
        self._child.kill()

    def end(self) -> str:
        """Make sure that it is gone; returns why, in words."""
        if not self._said_all:
            self._child.kill()
        self._reader.join()
        return self._why or self._child.end(ENDING_S)

    def place(self) -> str:
        """Its number in the system."""
        return f"process {self._child.number}"

    def _read(self) -> None:
        """Pass on what it says until its end of the pipe is closed."""
        while True:
            try:
                said = self._child.pipe.recv_bytes()
            except (EOFError, OSError):
                break
            self.hear(*(pickle.loads(said) if said != BEAT else ("beat", None)))
        self._said_all = True
        self.inbox.put((self, "gone", None))
