"""A worker on some machine of a Ray cluster, seen from outside."""

from __future__ import annotations

import contextlib
import os
import pickle
import threading
import time
from collections.abc import Iterable
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError, RayTaskError

from episodes.engine import Recipe
from episodes.installation import differences, installation
from episodes.relay import Relay
from episodes.supervision import LOOK_S, Inbox, Worker

HEAR_S = 2.0  # an actor answers so often, whatever its worker does


class Actor(Worker):
    """A Ray actor with a worker process beside it; `answer` is what it owes us."""

    def __init__(self, name: int, inbox: Inbox, recipe: Recipe) -> None:
        """Ask Ray for one; it may have to wait for a free processor."""
        super().__init__(name, inbox)
        kind = ray.remote(num_cpus=1, num_gpus=recipe.gpus or None, max_restarts=0,
                          concurrency_groups={"hear": 1, "say": 1})(Relay)
        self._actor: Any = kind.remote(os.getcwd(), recipe.one_thread)
        self._place, self.refusal = "no process yet", ""
        self.is_placed = False
        self.answer: Any = self._actor.about.remote()
        self.send(recipe)

    @property
    def is_able(self) -> bool:
        """Whether it may get jobs, now or as soon as it is ready."""
        return self.is_placed and not self.refusal and not self.is_gone

    @property
    def quiet_s(self) -> float:
        """As every worker's; one that has no processor yet, or is not used, has nothing to say."""
        return super().quiet_s if self.is_able else 0.0

    def fetch(self) -> None:
        """Take the answer, which is there, and ask for the next."""
        answer, self.answer = self.answer, None
        try:
            content = ray.get(answer)
        except RayTaskError as error:
            self.inbox.put((self, "failed", str(error)))
        except RayError as error:
            self.is_to_blame = isinstance(error, RayActorError) and error.actor_init_failed
            self._gone(f"was lost with its machine or its memory ({type(error).__name__})")
        else:
            self._take(content)

    def send(self, what: Any) -> None:
        """Say something; where nobody listens any more, the next answer tells."""
        self._actor.say.options(concurrency_group="say").remote(pickle.dumps(what))

    def kill(self) -> None:
        """End it, whether its machine answers or not."""
        self._gone(self._why)

    def end(self) -> str:
        """Make sure that it is gone; returns why, in words."""
        with contextlib.suppress(RayError):
            ray.kill(self._actor)
        return self._why

    def place(self) -> str:
        """Which process it is, and on which machine."""
        return self._place

    def _take(self, content: Any) -> None:
        if not self.is_placed:
            self._place, theirs = content
            wrong = differences(installation(), theirs)
            if wrong:
                self._refused(f"{self._place} has another installation than this one: {wrong}. "
                              f"Install the same on every machine of the cluster.", "")
                return
            self.is_placed = True
            self.hear("beat", None)
        else:
            is_alive, messages = content
            if is_alive:
                self.hear("beat", None)
            for what, said in map(pickle.loads, messages):
                if what in ("gone", "refused"):
                    (self._gone if what == "gone" else self._refused)(*said)
                    return
                self.hear(what, said)
        self.answer = self._actor.hear.options(concurrency_group="hear").remote(HEAR_S)

    def _refused(self, sentence: str, trace: str) -> None:
        """It is not asked again, but keeps its place: no other worker is started there."""
        self.refusal = sentence
        self.inbox.put((self, "refused", (sentence, trace)))

    def _gone(self, why: str) -> None:
        self._why = self._why or why
        self.inbox.put((self, "gone", None))


class Pump:
    """Fetches what all actors answer, in a thread of its own."""

    def __init__(self, actors: Iterable[Actor]) -> None:
        """`actors`: may grow and shrink meanwhile."""
        self._actors, self._stop = actors, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Fetch no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            owing = {each.answer: each for each in tuple(self._actors) if each.answer is not None}
            if not owing:
                time.sleep(LOOK_S)
                continue
            ready, _ = ray.wait(list(owing), num_returns=1, timeout=LOOK_S)
            if ready:
                ready, _ = ray.wait(list(owing), num_returns=len(owing), timeout=0)
            for answer in ready:
                owing[answer].fetch()


def free_places(gpus: int) -> int:
    """For how many more workers the cluster has room now."""
    free = ray.available_resources()
    places = int(free.get("CPU", 0))
    return min(places, int(free.get("GPU", 0) / gpus)) if gpus else places
