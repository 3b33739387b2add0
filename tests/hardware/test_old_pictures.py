"""Whoever takes long to decide was looking at a world that is gone."""

import dataclasses
import time

import numpy as np

from hardware.transport import Frame
from tests.brains import AHEAD
from tests.hardware.test_robot_env import FakePilot, world


def test_a_command_says_which_picture_it_is_about_and_one_about_an_old_one_is_told(caplog):
    pilot = FakePilot()
    env = world(pilot)
    env.reset()
    pilot.frame = lambda: Frame(2, shown_s, np.full((36, 64, 3), 77, np.uint8))
    shown_s = time.monotonic() + 0.5
    env.step(np.float32(AHEAD))
    assert pilot.seen_s < shown_s

    def too_late(velocity, seen_s):
        assert seen_s == shown_s
        pilot.now = dataclasses.replace(pilot.now, refused={"old picture": 1})
        return 99

    pilot.command, pilot.refusal = too_late, lambda number: f"Number {number} took 10.0 s."
    pilot.frame = FakePilot().frame
    env.step(np.float32(AHEAD))
    assert env.info["sent"].tolist() == [0.0, 0.0, 0.0]
    assert caplog.messages == ["A command was not driven. Number 99 took 10.0 s."]
