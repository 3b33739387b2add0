"""Worlds in processes of their own: one thread each, pictures through shared memory.

The policy's process asks many of them at once and computes answers while they are busy.
"""

from __future__ import annotations

import contextlib
import math
import mmap
import os
import pickle
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from types import SimpleNamespace
from typing import Any

import numpy as np

from envs.child import BEAT, Child, beating
from envs.interface import RobotSpec
from envs.pool import Here, Pool, Result, World
from scenarios import Scenario

STOOD_STILL_S = 5.0  # who was not looked after for so long may have been stopped together with us
LOOK_AGAIN_S = 1.0  # whoever waits may look after other things so often
OUT_OF_MEMORY = 12  # exit code


class WorldLostError(RuntimeError):
    """The process of a world died or hung; what it was doing has to be done again elsewhere."""

    def __init__(self, how: str, guilty: bool) -> None:
        """`guilty`: whether it died of this world's deed and not of another's in its process."""
        super().__init__(how)
        self.guilty = guilty


class WorldError(RuntimeError):
    """A world raised something in its process: a bug, told with its traceback."""


class RemotePool(Pool):
    """A pool whose worlds live in other processes.

    What is begun is computed by a thread, so that worlds are told what to do next meanwhile: a
    policy on a GPU keeps no processor busy.
    """

    core_s = staticmethod(time.thread_time)

    def __init__(self, places: int, processes: int, robot: RobotSpec, options: dict[str, Any],
                 hang_s: float) -> None:
        """Start the processes.

        Args:
            places: How many worlds can be lent at a time.
            processes: How many share them.
            robot: The same in all.
            options: As in `envs.make`; `image_size` is needed.
            hang_s: A deed that takes longer is given up and its process replaced.
        """
        super().__init__(places, self._open)
        height, width = options["image_size"]
        self._bytes, self._seats = height * width * 3, -(-places // processes)
        self._kind, self._hang_s = (robot, options), hang_s
        self._looked = time.monotonic()
        self._thread = ThreadPoolExecutor(1)
        self._awake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._processes = [self._start() for _ in range(min(processes, places))]

    def begin(self, work: Callable[[], Result]) -> Future[Result]:
        """Compute it in a thread, one after the other."""
        future = self._thread.submit(work)
        future.add_done_callback(lambda _: os.eventfd_write(self._awake, 1))
        return future

    def wait(self) -> None:
        """Fetch what is done; where nothing is, wait for it, but not for longer than a second."""
        living = {each.child.pipe: each for each in self._processes if not each.lost}
        every: list[Any] = [*living, self._awake]
        ready = wait(every, 0.0) or wait(every, LOOK_AGAIN_S)
        for pipe in ready:
            if pipe == self._awake:
                os.eventfd_read(self._awake)
            else:
                living[pipe].fetch()  # type: ignore[index]
        since_s, self._looked = time.monotonic() - self._looked, time.monotonic()
        for process in living.values():
            if since_s > STOOD_STILL_S:
                process.excuse()
            elif process.child.pipe not in ready and process.busy_s() > process.limit_s:
                process.lose(f"did not answer for {process.busy_s():.0f} s")

    def close(self) -> None:
        """End the processes; nothing in them needs to be saved."""
        self._thread.shutdown()  # what is computed for them is waited for
        os.close(self._awake)
        super().close()
        for process in self._processes:
            process.lose("was closed")

    def _start(self) -> _Process:
        return _Process(self._seats, self._bytes, self._hang_s)

    def _open(self, scenario: Scenario) -> World:
        """A world in the process that has the fewest; a lost process is replaced."""
        self._processes = [self._start() if each.lost else each for each in self._processes]
        emptiest = max(self._processes, key=lambda process: len(process.free))
        return Remote(emptiest, scenario, *self._kind)


class _Process:
    """One process with room for some worlds, and what it has not answered yet."""

    def __init__(self, seats: int, size: int, hang_s: float) -> None:
        """`seats`: worlds that it may hold; `size`: bytes of one picture."""
        file = os.memfd_create("pictures")
        os.ftruncate(file, seats * size)
        self.child = Child("envs.remote:serve", [file])
        self.child.pipe.send(size)
        self._memory = mmap.mmap(file, seats * size)
        os.close(file)
        self.free, self._size = list(range(seats)), size
        self.lost = ""  # how it ended
        self.limit_s = hang_s
        self._asked: deque[Remote] = deque()  # answers come in this order
        self._since = 0.0

    def busy_s(self) -> float:
        """How long it has been at what it is doing now."""
        return time.monotonic() - self._since if self._asked else 0.0

    def excuse(self) -> None:
        """Whatever time has passed was not its fault."""
        self._since = time.monotonic()

    def send(self, world: Remote, name: str, what: tuple[Any, ...]) -> None:
        """Ask for a deed; `open` and `close` have no answer."""
        if name not in ("open", "close"):
            if not self._asked:
                self._since = time.monotonic()
            self._asked.append(world)
        with contextlib.suppress(OSError):  # it is gone: `fetch` notices
            self.child.pipe.send((world.seat, name, what))

    def fetch(self) -> None:
        """Take one answer, or a sign of life, out of the pipe."""
        try:
            answer = self.child.pipe.recv_bytes()
        except (EOFError, ConnectionError):
            self.lose("")
            return
        self._since = time.monotonic()
        if answer != BEAT:
            self._asked.popleft().take(*pickle.loads(answer))

    def picture(self, seat: int, shape: tuple[int, ...]) -> np.ndarray:
        """A copy of the picture that lies in a seat's memory."""
        return np.frombuffer(self._memory, np.uint8, math.prod(shape), seat * self._size).reshape(
            shape).copy()

    def lose(self, how: str) -> None:
        """It is gone, or has to go: say so to every world that waits for it."""
        if how:
            self.child.kill()
        ended = self.child.end()
        self.lost = f"process {self.child.number} {how or ended}"
        for number, world in enumerate(self._asked):
            world.take(WorldLostError(self.lost, guilty=number == 0), 0.0, None)
        self._asked.clear()


class Remote:
    """One world in another process."""

    def __init__(self, process: _Process, scenario: Scenario, robot: RobotSpec,
                 options: dict[str, Any]) -> None:
        """Ask its process to open it; nothing is waited for."""
        self._process, self.seat = process, process.free.pop()
        self.place: Any = SimpleNamespace(scenario=scenario, robot=robot)
        self._spent_s = 0.0
        self._result: Any = None
        self._is_done = False
        process.send(self, "open", (scenario, robot, options))

    def ask(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Begin a deed."""
        if self._process.lost:
            self.take(WorldLostError(self._process.lost, guilty=False), 0.0, None)
        else:
            self._process.send(self, name, (arguments, named))

    def is_done(self) -> bool:
        """Whether the result, or a reason why there is none, has come."""
        return self._is_done

    def result(self) -> Any:
        """What the environment returned.

        Raises:
            WorldLostError: if its process died or hung.
            ValueError, WorldError: what the environment raised.
        """
        self._is_done = False
        if isinstance(self._result, WorldLostError | WorldError | ValueError):
            raise self._result
        return self._result

    def take(self, result: Any, spent_s: float, about: dict[str, Any] | None) -> None:
        """The process's answer; a picture lies in shared memory."""
        self._spent_s += spent_s
        vars(self.place).update(about or {})
        if isinstance(result, tuple) and isinstance(result[0].get("rgb"), tuple):
            picture = self._process.picture(self.seat, result[0]["rgb"])
            result = ({**result[0], "rgb": picture}, *result[1:])
        self._result, self._is_done = result, True

    def spent_s(self) -> float:
        """Processor time of its process in the environment."""
        spent_s, self._spent_s = self._spent_s, 0.0
        return spent_s

    def close(self) -> None:
        """Free the seat."""
        self._process.send(self, "close", ())
        self._process.free.append(self.seat)


def serve(pipe: Connection, file: int) -> None:
    """What a process of worlds does until its pipe is closed."""
    size, memory = pipe.recv(), memoryview(mmap.mmap(file, 0))
    worlds: dict[int, Here] = {}
    wanted: dict[int, tuple[Any, ...]] = {}  # opened with the first deed, which has an answer
    while True:
        seat, name, what = pipe.recv()
        if name == "open":
            wanted[seat] = what
        elif name == "close":
            wanted.pop(seat, None)
            if seat in worlds:
                worlds.pop(seat).close()
        else:
            about = None
            try:
                if seat in wanted:
                    with beating(pipe):  # libraries are loaded, the camera may be compiled
                        about = _open(worlds, seat, wanted.pop(seat))
                world = worlds[seat]
                world.ask(name, *what)
                room = memory[seat * size:(seat + 1) * size]
                pipe.send((_packed(world.result(), room), world.spent_s(), about))
            except MemoryError:
                sys.exit(OUT_OF_MEMORY)
            except ValueError as error:
                pipe.send((error, 0.0, None))
            except BaseException:
                pipe.send((WorldError(traceback.format_exc()), 0.0, None))
                raise


def _open(worlds: dict[int, Here], seat: int, what: tuple[Any, ...]) -> dict[str, Any]:
    """Open a world; returns what the other side wants to know of it."""
    worlds[seat] = Here(*what)
    return {name: getattr(worlds[seat].place, name) for name in ("source", "renderer")}


def _packed(result: Any, room: memoryview) -> Any:
    """A result of `reset` or `step` with its picture moved into the shared memory."""
    rgb = result[0]["rgb"]
    if rgb.nbytes > len(room):
        return result
    np.frombuffer(room, np.uint8, rgb.nbytes).reshape(rgb.shape)[...] = rgb
    return ({**result[0], "rgb": rgb.shape}, *result[1:])
