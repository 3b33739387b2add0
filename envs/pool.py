"""Worlds that are opened when first needed and used again: at most so many at a time.

Whoever drives asks a world to do something and fetches the result later: here it is there at once;
in `envs.remote` another process works on it meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

import envs
from envs.interface import RobotSpec
from scenarios import Scenario

Result = TypeVar("Result")


class World(Protocol):
    """One place to drive in."""

    place: Any  # says `scenario`, `robot`, `source` and `renderer`

    def ask(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Begin a deed: a method of the environment and its arguments."""

    def is_done(self) -> bool:
        """Whether the result is there."""

    def result(self) -> Any:
        """What the environment returned; called once, when `is_done`."""

    def spent_s(self) -> float:
        """Processor time since this was last asked for, opening included."""

    def close(self) -> None:
        """Free it."""


class Here:
    """A world in this process: every deed is done when it is asked for."""

    def __init__(self, scenario: Scenario, robot: RobotSpec, options: dict[str, Any]) -> None:
        """`options` as in `envs.make`."""
        start = time.process_time()
        self._env = envs.make(scenario, robot, **options)
        self.place: Any = self._env.unwrapped
        self._spent_s = time.process_time() - start
        self._result: Any = None

    def ask(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Do it now."""
        start = time.process_time()
        self._result = getattr(self._env, name)(*arguments, **named)
        self._spent_s += time.process_time() - start

    def is_done(self) -> bool:
        """Always."""
        return True

    def result(self) -> Any:
        """What the environment returned."""
        return self._result

    def spent_s(self) -> float:
        """Processor time of this process in the environment."""
        spent_s, self._spent_s = self._spent_s, 0.0
        return spent_s

    def close(self) -> None:
        """Close the environment."""
        self._env.close()


class Pool:
    """Worlds by scenario. `places` of them can be lent at a time."""

    core_s = staticmethod(time.process_time)  # of what is begun: nothing else goes on meanwhile

    def __init__(self, places: int, open_world: Callable[[Scenario], World]) -> None:
        """No world is opened yet."""
        self.places = places
        self._open_world = open_world
        self._idle: list[tuple[Scenario, World]] = []  # the longest unused first
        self._lent: dict[int, tuple[Scenario, World]] = {}

    def borrow(self, scenario: Scenario) -> World:
        """A world of this scenario: an idle one, or a new one in place of another's."""
        fitting = [each for each in self._idle if each[0] == scenario]
        if fitting:
            self._idle.remove(fitting[-1])
            world = fitting[-1][1]
        else:
            while self._idle and len(self._idle) + len(self._lent) >= self.places:
                self._idle.pop(0)[1].close()
            world = self._open_world(scenario)
        self._lent[id(world)] = (scenario, world)
        return world

    def give_back(self, world: World) -> None:
        """The world may be lent again."""
        self._idle.append(self._lent.pop(id(world)))

    def drop(self, world: World) -> None:
        """The world is lost and is never lent again."""
        del self._lent[id(world)]

    def begin(self, work: Callable[[], Result]) -> Future[Result]:
        """Have something else computed; here at once, as nothing can be done meanwhile."""
        future: Future[Result] = Future()
        future.set_result(work())
        return future

    def wait(self) -> None:
        """Return when some world, or what was begun, may be done; here all is."""

    def close(self) -> None:
        """Close every world, whatever it is doing."""
        for _, world in (*self._idle, *self._lent.values()):
            world.close()
        self._idle.clear()
        self._lent.clear()
