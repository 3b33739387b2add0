"""One tick of the process that drives, over a robot that the test holds in its hands."""

import contextlib
import json
import os
import time

import numpy as np
import pytest

from hardware.board import Board, shared_file
from hardware.driver import Driver
from hardware.link import Link, pair
from hardware.pilot import PICTURE_BYTES, STATE_BYTES
from hardware.safety import LIVE_FRAMES, Gate
from hardware.transport import Frame
from tests.hardware.virtual import AHEAD, LIMITS


class Robot:
    """Its newest picture has always come in at this very moment."""

    source, emergency = "simulated", ""

    def __init__(self):
        self.number, self.shape, self.said = 0, (12, 16, 3), []

    def frame(self):
        self.number += 1
        return Frame(self.number, time.monotonic(), np.full(self.shape, 90, np.uint8))

    def velocity(self):
        return None

    def send(self, velocity):
        self.said.append(velocity)


class Watchdog(Link):
    """Is there."""

    def heard(self):
        return [{"beat": 0}]


class Policy(Link):
    """Decides at the very moment in which it is heard."""

    orders = ()

    def heard(self):
        orders, self.orders = self.orders, ()
        return [order | {"decided_s": time.monotonic()} for order in orders]


class Seat:
    """A driver that is ticked by hand."""

    def __init__(self):
        files = [shared_file(PICTURE_BYTES), shared_file(STATE_BYTES)]
        self._pictures = Board(files[0], PICTURE_BYTES)
        self._state = Board(files[1], STATE_BYTES)
        self._ends = [end for _ in range(2) for end in pair()]
        self.robot = Robot()
        self._policy = Policy(self._ends[0])
        self._driver = Driver(self.robot, Gate(LIMITS), self._policy, Watchdog(self._ends[2]),
                              self._pictures, self._state)
        for file in files:
            os.close(file)

    def tick(self, *orders):
        """One tick; returns the state that it shows."""
        self._policy.orders = orders
        assert self._driver.tick(0.0)
        return json.loads(self._state.read()[1])

    def close(self):
        for end in self._ends:
            end.close()


@pytest.fixture
def seat():
    with contextlib.closing(Seat()) as found:
        for _ in range(LIVE_FRAMES):
            found.tick()
        yield found


def command(number):
    return {"do": "command", "number": number, "source": "policy", "velocity": list(AHEAD),
            "confidence": None, "seen_s": None}


def test_pictures_that_are_too_large_to_be_passed_on_end_the_drive_with_one_sentence(seat):
    seat.robot.shape = (720, 1280, 3)
    assert seat.tick({"do": "arm", "number": 1})["armed"]
    seat.robot.shape = (1080, 1920, 3)
    state = seat.tick(command(2))
    assert "1920 x 1080, expected at most 1280 x 720" in state["lost"]
    assert (state["armed"], state["velocity"]) == (False, [0.0, 0.0, 0.0])
    seat.robot.shape = (720, 1280, 3)
    assert not seat.tick({"do": "arm", "number": 3})["armed"]


def test_what_comes_in_while_a_tick_looks_and_listens_is_of_that_tick(seat):
    assert seat.tick({"do": "arm", "number": 1})["armed"]
    for number in range(2, 6):
        state = seat.tick(command(number))
        assert (state["live"], state["why"], state["refused"]) == (True, "", {})
    assert seat.robot.said[-1][0] > 0.0
