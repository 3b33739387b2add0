"""SerBot without ROS, with a camera and a library that are made up."""

import contextlib
import dataclasses
import math
import os
import shutil
import time
from pathlib import Path

import pytest

from hardware.pilot import Pilot
from hardware.pipeline import WARM_UP, Pipeline
from hardware.profile import load_profile
from hardware.robot_env import wait_for_arming
from hardware.transport import Place
from hardware.transport_serbot import said
from tests.hardware.robots import SerbotRobot, robot, until

VENDOR = load_profile("serbot").vendor  # throttle 100: 1 m/s, 2 rad/s


@pytest.mark.parametrize(("velocity", "angle_sign", "spin_sign", "expected"), [
    ((0.5, 0.0, 0.0), 1, 1, (0, 50, 0)), ((-0.5, 0.0, 0.0), 1, 1, (180, 50, 0)),
    ((0.0, 0.5, 0.0), 1, 1, (90, 50, 0)), ((0.0, 0.5, 0.0), -1, 1, (270, 50, 0)),
    ((0.0, -0.5, 0.0), 1, 1, (270, 50, 0)), ((0.3, 0.4, 0.0), 1, 1, (53, 50, 0)),
    ((0.0, 0.0, 1.0), 1, 1, (0, 0, 50)), ((0.0, 0.0, 1.0), 1, -1, (0, 0, -50)),
    ((0.0, 0.0, -0.5), 1, 1, (0, 0, -25)), ((0.0, 0.0, 0.0), -1, -1, (0, 0, 0)),
    ((0.001, 0.0, 0.0), 1, 1, (0, 1, 0)), ((9.0, 0.0, 0.0), 1, 1, (0, 100, 0)),
    ((0.4, 0.0, 1.0), 1, 1, (0, 0, 50)), ((0.5, 0.0, 0.2), 1, 1, (0, 50, 0)),
])
def test_a_velocity_becomes_a_direction_and_a_throttle_with_the_robots_signs(
        velocity, angle_sign, spin_sign, expected):
    vendor = dataclasses.replace(VENDOR, angle_sign=angle_sign, spin_sign=spin_sign)
    assert said(velocity, vendor) == expected
    assert math.hypot(*said(velocity, vendor)[1:]) <= 100


def test_pictures_come_upright_in_their_colours_after_the_warm_up(tmp_path):
    with robot("serbot", tmp_path) as here:
        transport = here.place.open()
        first = until(transport.frame)
        assert first.number > WARM_UP
        assert first.rgb.shape == (48, 64, 3)
        assert first.rgb[5, 7, :2].tolist() == [200, 100]
        transport.close()


def test_a_camera_that_ends_shows_no_other_picture_and_its_last_one_grows_old(tmp_path):
    with contextlib.closing(SerbotRobot(tmp_path, "ends")) as here:
        transport = here.place.open()
        until(lambda: transport.frame() and transport.frame().number == 12)
        time.sleep(0.3)
        assert transport.frame().number == 12
        assert time.monotonic() - transport.frame().arrived_s > 0.25
        transport.close()


def test_a_broken_camera_is_said_in_its_own_words_and_gives_nothing(tmp_path, caplog):
    with contextlib.closing(SerbotRobot(tmp_path, "broken")) as here:
        transport = here.place.open()
        until(lambda: "no camera available" in caplog.text)
        assert transport.frame() is None
        transport.close()


def test_a_drive_ends_with_stops_and_older_libraries_turn_by_two_calls(tmp_path):
    with robot("serbot", tmp_path) as here:
        pilot = Pilot(here.place, "manual")
        pilot.wait_live(20.0)
        wait_for_arming(pilot, 20.0)
        pilot.command((0.0, 0.0, 1.0), source="operator")
        until(lambda: "left 50" in here.calls())
        pilot.command((0.0, 0.0, -1.0), source="operator")
        until(lambda: "right 50" in here.calls())
        pilot.close()
        assert here.calls()[-20:] == ["stop"] * 20


def test_the_camera_shares_no_priority_with_who_drives(tmp_path):
    with robot("serbot", tmp_path) as here:
        pilot = Pilot(here.place, "manual")
        pilot.wait_live(20.0)
        (driver,) = Path("/proc").glob(f"{pilot.driver.pid}/task/{pilot.driver.pid}/children")
        (camera,) = map(int, driver.read_text().split())
        assert os.sched_getscheduler(camera) == os.SCHED_OTHER
        pilot.close()


def test_without_library_or_gstreamer_one_sentence_says_what_is_missing(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="comes with the robot's system"):
        Place("serbot", "").open()
    with pytest.raises(ValueError, match="takes no address"):
        Place("serbot", "10.0.0.1").open()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="apt install gstreamer"):
        Pipeline("fine", 64, 48)


@pytest.mark.parametrize(("name", "value"), [("angle_sign", 0), ("spin_sign", 2), ("width", 63),
                                             ("speed_m_s", 0.0)])
def test_numbers_that_make_no_picture_or_motion_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        dataclasses.replace(VENDOR, **{name: value})


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="GStreamer is not installed")
def test_a_true_gstreamer_gives_pictures():
    pipeline = Pipeline("videotestsrc is-live=true pattern=red ! videoconvert", 64, 48)
    assert until(pipeline.frame).rgb[24, 32].tolist() == [255, 0, 0]
    before = pipeline.frame().number
    until(lambda: pipeline.frame().number > before)
    pipeline.close()
