"""What every process and every machine of a run does: drive jobs with a policy of its own.

A `Recipe` says how, and can be sent anywhere. `Shard.drive` is the shard function: it pulls jobs
from a source and yields each episode as it ends.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import policies
from envs.interface import RobotSpec
from envs.pool import Here, Pool
from envs.remote import RemotePool
from episodes.drive import Driven, Job, Listed, drive
from episodes.engine import Source
from policies.interface import PolicySpec, UnreachableError
from policies.threads import computing_with
from scenarios import Scenario

HANG_S = 20.0  # without a sign of life for so long, a process is replaced
SPARE_PLACES = 2  # worlds a process of worlds has, beside those of one batch, so that none waits


@dataclass(frozen=True)
class Recipe:
    """How the episodes of a run are driven."""

    policy: str  # as in `policies.make`
    options: dict[str, Any]  # of the policy's constructor
    robot: RobotSpec
    world: dict[str, Any] = field(default_factory=dict)  # options of `envs.make`
    batch: int = 1  # rows of one call of `act`
    processes: int = 0  # that worlds live in; 0: in the policy's own
    hang_s: float = HANG_S
    one_thread: bool = True  # the policy computes with one thread: the same bits on any machine

    @property
    def places(self) -> int:
        """How many episodes one policy has under way."""
        if not self.processes:
            return self.batch
        return 2 * self.batch + SPARE_PLACES * self.processes

    @property
    def gpus(self) -> int:
        """How many GPUs the policy needs."""
        return int(str(self.options.get("device", "cpu")).startswith("cuda"))

    def open(self) -> Shard:
        """What drives; nothing is loaded yet."""
        return Shard(self)


@dataclass(frozen=True)
class Rehearsal:
    """What the first decisions told."""

    spec: PolicySpec
    source: str  # of the worlds
    renderer: str
    round_s: float = field(compare=False)  # the longest time that a decision of all rows took


class Shard:
    """One policy and its worlds."""

    def __init__(self, recipe: Recipe) -> None:
        """Nothing is loaded yet."""
        self._recipe = recipe
        self._stack = contextlib.ExitStack()

    def load(self) -> PolicySpec:
        """Load the policy.

        Raises:
            ValueError: one sentence, if there is no such policy.
        """
        recipe = self._recipe
        self._policy = policies.make(recipe.policy, **recipe.options)
        if recipe.one_thread:
            self._stack.enter_context(computing_with(1))
        world = {"image_size": self._policy.spec.image_size} | recipe.world
        if recipe.processes:
            self._worlds: Pool = RemotePool(recipe.places, recipe.processes, recipe.robot, world,
                                            recipe.hang_s)
        else:
            self._worlds = Pool(recipe.places, lambda scenario: Here(scenario, recipe.robot, world))
        self._stack.callback(self._worlds.close)
        return self._policy.spec

    def rehearse(self, jobs: list[Job]) -> Rehearsal:
        """Load, and make one decision in each job: it warms up, and finds what cannot start."""
        if not hasattr(self, "_policy"):
            self.load()
        spec, longest_s = self._policy.spec, 0.0
        for job in jobs:
            self._enter(job.scenario)
            start = time.perf_counter()
            try:
                (driven,) = drive(self._policy, self._worlds, Listed([job]), self._recipe.batch)
            except (ValueError, UnreachableError) as error:
                raise ValueError(f"{spec.name} cannot start in {job.scenario.name}: {error} "
                                 f"(--log-level debug shows the traceback.)") from error
            longest_s = max(longest_s, time.perf_counter() - start)
        return Rehearsal(spec, driven.record.source, driven.renderer, longest_s)

    def _enter(self, scenario: Scenario) -> None:
        """Open a world and look round once: what is loaded and compiled is no part of a round."""
        world = self._worlds.borrow(scenario)
        world.ask("reset", (), {"seed": 0})
        while not world.is_done():
            self._worlds.wait()
        world.result()
        self._worlds.give_back(world)

    def drive(self, jobs: list[Job] | Source[Job],
              beat: Callable[[], None] = lambda: None) -> Iterator[Driven]:
        """Drive every job of a list or a source; yields each as it ends."""
        source = Listed(jobs) if isinstance(jobs, list) else jobs
        return drive(self._policy, self._worlds, source, self._recipe.batch, beat)

    def close(self) -> None:
        """Close worlds and processes."""
        self._stack.close()

    @property
    def width(self) -> int:
        """This process, or those of the worlds."""
        return max(1, self._recipe.processes)
