"""Every transport keeps the same contract."""

import importlib.util
import time

import numpy as np
import pytest

from hardware.pilot import Pilot
from hardware.robot_env import wait_for_arming
from hardware.transport import TRANSPORTS, Frame, LinkLostError, Place
from tests.hardware.robots import ROBOTS, robot, until

NO_ROS = importlib.util.find_spec("rclpy") is None
ALL = [pytest.param(name, marks=pytest.mark.skipif(
    NO_ROS and "true" in name, reason="there is no ROS 2 installation (rclpy)")) for name in ROBOTS]


@pytest.fixture(params=ALL)
def found(request, tmp_path):
    with robot(request.param, tmp_path) as here:
        yield here


def test_every_transport_is_tested():
    assert {name.partition(",")[0] for name in ROBOTS} == set(TRANSPORTS)


def test_a_transport_keeps_its_contract(found):
    """In one test: starting a robot takes long."""
    transport = found.place.open()
    assert transport.source in ("real", "simulated", "dummy")
    assert transport.emergency == ""
    first = until(transport.frame)
    assert first.rgb.dtype == np.uint8
    assert first.rgb.ndim == 3
    assert first.rgb.shape[2] == 3
    assert first.arrived_s <= time.monotonic()
    until(lambda: transport.frame().number > first.number)
    later = transport.frame()
    assert first.arrived_s < later.arrived_s <= time.monotonic()
    measured = transport.velocity()
    assert measured is None or (measured.shape == (3,) and measured.dtype == np.float32)
    transport.send((0.1, 0.0, 0.0))
    transport.stop()
    transport.stop()
    transport.close()
    transport.close()

    blind = found.place.open(looks=False)
    blind.stop()
    time.sleep(0.2)
    assert blind.frame() is None
    blind.close()


def test_a_pilot_drives_over_it_and_leaves_it_standing(found):
    pilot = Pilot(found.place)
    try:
        pilot.wait_live(20.0)
        wait_for_arming(pilot, 20.0)
        number = pilot.command((0.4, 0.0, 0.0))
        until(lambda: pilot.state().driven.get("policy", [0])[0] == number)
        assert pilot.refusal(number) == ""
        until(lambda: pilot.state().why == "no command" and not any(pilot.state().velocity))
        pilot.stop("test")
        until(lambda: pilot.state().why == "e-stop: test")
    finally:
        pilot.close()
    assert pilot.driver.returncode == 0
    assert pilot.watchdog.returncode == 0


@pytest.mark.parametrize(("transport", "address", "says"), [
    ("sim", "127.0.0.1:1", "No robot at"), ("sim", "nowhere", "host:port"),
    ("replay", "/no/such.h5", "no such file"), ("snailmail", "", "Expected one of")])
def test_where_no_robot_is_one_sentence_says_so(transport, address, says):
    with pytest.raises(ValueError, match=says):
        Place(transport, address).open()


def test_a_pilot_says_why_there_is_no_robot():
    with pytest.raises(ValueError, match="No robot at"):
        Pilot(Place("sim", "127.0.0.1:1"))


def test_a_black_picture_is_known_as_one():
    assert Frame(0, 0.0, np.full((4, 4, 3), 8, np.uint8)).is_black
    assert not Frame(0, 0.0, np.full((4, 4, 3), 9, np.uint8)).is_black


def test_a_robot_that_is_gone_is_a_lost_link(tmp_path):
    with robot("sim", tmp_path) as here:
        transport = here.place.open()
        until(transport.frame)
    with pytest.raises(LinkLostError, match="is gone"):
        until(lambda: transport.send((0.0, 0.0, 0.0)))
    transport.stop()
    transport.close()


def test_a_replay_shows_the_recording_once_the_robot_would_move_and_then_freezes(tmp_path):
    with robot("replay", tmp_path) as here:
        transport = here.place.open()
        assert transport.frame().rgb[0, 0, 2] == 140
        transport.send((0.0, 0.0, 0.0))
        time.sleep(0.5)
        assert transport.frame().rgb[0, 0, 2] == 140
        transport.send((0.1, 0.0, 0.0))
        until(lambda: transport.frame().rgb[0, 0, 2] == 180)
        until(lambda: time.monotonic() - transport.frame().arrived_s > 0.5)
        frozen = transport.frame().number
        time.sleep(0.1)
        assert transport.frame().number == frozen
