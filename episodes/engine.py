"""What runs work, wherever: a recipe is sent to a worker, opens a shard there, that drives jobs.

Driving episodes (`episodes.shards`) and generating files (`episodes.worlds`) are two recipes;
supervised processes, the machines of a Ray cluster and, for a debugger, this process itself are
three engines; any drives any.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar

ENGINES = ("local", "ray")
MOST_BATCH = 256  # robots that a policy answers in one call: each has a world, or a memory
MOST_PER_CORE = 8  # more processes than this on a core are a slip of the hand

JobT = TypeVar("JobT", covariant=True)


class Source(Protocol[JobT]):
    """Where jobs come from; each has a `key` of its own."""

    def take(self, wait: bool) -> JobT | None:
        """The next job; None where none is there now or, if `wait`, where none will ever come."""


class Engine(Protocol):
    """Where shards run: in this process, in several, on several machines."""

    def rehearse(self, jobs: list[Any]) -> Any:
        """Load everything and try the jobs; returns what the shard's own rehearsal told.

        Raises:
            ValueError: one sentence, if something cannot start.
        """

    def drive(self, jobs: list[Any]) -> Iterator[Any]:
        """Drive every job; yields each one's result, with its `key`, as it ends, in any order."""

    def close(self) -> None:
        """End it, whatever it is doing."""

    @property
    def width(self) -> int:
        """How many processes drive now."""


class Shard(Engine, Protocol):
    """What one worker runs. It is the `Engine` of its own process."""

    def load(self) -> object:
        """Load what takes long.

        Raises:
            ValueError: one sentence, if it cannot be loaded.
        """

    def rehearse(self, jobs: list[Any]) -> Any:
        """Load, and try the jobs; the result says how long the longest took: `round_s`."""

    def drive(self, jobs: list[Any] | Source[Any],
              beat: Callable[[], None] = lambda: None) -> Iterator[Any]:
        """Drive every job of a list or a source; `beat` is called again and again meanwhile."""


class Recipe(Protocol):
    """What a worker needs to know; it can be sent to any process and any machine."""

    @property
    def places(self) -> int:
        """How many jobs one shard has under way."""

    @property
    def hang_s(self) -> float:
        """Without a sign of life for so long, a worker is replaced."""

    @property
    def one_thread(self) -> bool:
        """Whether a worker's libraries may use one thread only."""

    @property
    def processes(self) -> int:
        """How many processes a shard keeps beside its own, which then do the work."""

    @property
    def gpus(self) -> int:
        """How many GPUs one worker needs."""

    def open(self) -> Shard:
        """What drives; nothing is loaded yet."""


class LostRunError(RuntimeError):
    """Driving cannot go on; what is driven is kept."""


def open_engine(recipe: Recipe, workers: int, engine: str = "local",
                address: str | None = None) -> Engine:
    """What drives this recipe's jobs, ready to rehearse.

    Args:
        recipe: What each worker runs.
        workers: How many supervised processes; with `ray` at most, as processors of the cluster
            get free. 0: none, but this process itself, where no hang is noticed.
        engine: `local`: on this machine; `ray`: a Ray cluster.
        address: The cluster's, host:port; where not given, the cluster that this machine is in.

    Raises:
        ValueError: one sentence, if there is no such engine or no such cluster.
    """
    check_engine(engine, address)
    if engine == "ray":
        from episodes.cluster import Cluster

        return Cluster(recipe, workers, address)
    if workers == 0:
        return recipe.open()
    from episodes.processes import Workers

    return Workers(recipe, 1 if recipe.processes else workers)


def drive_all(recipe: Recipe, jobs: list[Any], workers: int, engine: str = "local",
              address: str | None = None) -> Iterator[Any]:
    """Drive all jobs with an engine of their own and yield each result as it ends.

    The first job is rehearsed; all else is as in `open_engine`.

    Raises:
        ValueError: one sentence, if something cannot start.
    """
    with contextlib.closing(open_engine(recipe, workers, engine, address)) as opened:
        opened.rehearse(jobs[:1])
        yield from opened.drive(jobs)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def check_batch(batch: int) -> None:
    """Refuse a call of the policy with no row, or with more than make sense.

    Raises:
        ValueError: one sentence.
    """
    if not 1 <= batch <= MOST_BATCH:
        raise ValueError(f"--batch must be 1 to {MOST_BATCH}, got {batch}; a row is a robot with "
                         f"a world of its own, and beyond some tens nothing is gained.")


def check_engine(engine: str, address: str | None, workers: int | None = None) -> None:
    """Refuse an unknown engine, a place where nobody listens, more processes than make sense.

    Raises:
        ValueError: one sentence.
    """
    if engine not in ENGINES:
        raise ValueError(f"--engine must be one of {', '.join(ENGINES)}, got {engine!r}.")
    if address is not None and engine != "ray":
        raise ValueError(f"--address {address} is a Ray cluster's: give --engine ray too, or leave "
                         f"it out.")
    most = MOST_PER_CORE * cores()
    if engine == "local" and (workers or 0) > most:
        raise ValueError(f"--workers must be at most {most} on {cores()} cores, got {workers}; "
                         f"more than one a core gains nothing.")
    if engine == "ray":
        if workers == 0:
            raise ValueError("--workers 0 is this process alone, which is no Ray cluster; leave "
                             "one of the two out.")
        from episodes.ray_session import check

        check(address)
