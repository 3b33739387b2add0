"""Who dies, hangs or hangs up: the robot stands. The robot here drives on when nobody speaks."""

import os
import signal
import subprocess
import sys
import time

import pytest

from hardware.pilot import Pilot
from hardware.robot_env import wait_for_arming
from hardware.safety import STOP_S, TICK_S
from hardware.transport import LinkLostError
from tests.hardware.robots import SimRobot, until

DRIVE_ON = """
import json, sys, time
from hardware.pilot import Pilot
from hardware.robot_env import wait_for_arming
from hardware.transport import Place

pilot = Pilot(Place("sim", sys.argv[1]))
pilot.wait_live(20.0)
wait_for_arming(pilot, 20.0)
print("armed", flush=True)
while True:
    pilot.command((0.1, 0.0, 0.0))
    time.sleep(0.1)
"""


@pytest.fixture
def held(tmp_path):
    """A robot that holds its last velocity."""
    here = SimRobot(tmp_path, "hold")
    yield here
    here.close()


@pytest.fixture
def pilot(held):
    """Under way."""
    flown = Pilot(held.place)
    flown.wait_live(20.0)
    wait_for_arming(flown, 20.0)
    go(flown)
    yield flown
    flown.close()


def go(pilot):
    """Get moving, slowly, so that the room is long enough."""
    def moves():
        pilot.command((0.1, 0.0, 0.0))
        time.sleep(0.05)
        return (pilot.state().measured or [0.0])[0] > 0.05

    until(moves)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM])
def test_the_robot_stands_when_the_driver_dies_hangs_or_is_ended(pilot, held, number):
    os.kill(pilot.driver.pid, number)
    until(lambda: not held.moves())
    until(lambda: pilot.driver.poll() is not None)  # one that hangs is ended: it never comes back
    how = "exit code 0" if number == signal.SIGTERM else "killed: SIGKILL"
    with pytest.raises(LinkLostError, match=rf"is gone \({how}\)"):
        pilot.state()


def test_a_pause_of_the_whole_machine_ends_nobody(pilot, held):
    for pause_s in (0.23, 0.3, 0.3):
        both = (pilot.watchdog.pid, pilot.driver.pid)
        for each in both:
            os.kill(each, signal.SIGSTOP)
        time.sleep(pause_s)
        for each in both:
            os.kill(each, signal.SIGCONT)
        time.sleep(0.3)
        assert pilot.driver.poll() is None
    go(pilot)


def test_the_robot_stands_when_the_watchdog_dies(pilot, held):
    os.kill(pilot.watchdog.pid, signal.SIGKILL)

    def stands():
        pilot.command((0.1, 0.0, 0.0))
        return pilot.state().why == "watchdog"

    until(stands)
    until(lambda: not held.moves())


def test_the_robot_stands_when_the_policys_process_is_killed(held):
    with subprocess.Popen([sys.executable, "-c", DRIVE_ON, held.place.address],
                          stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "armed\n"
        until(held.moves)
        process.kill()
        process.wait()
        until(lambda: not held.moves())


def test_a_robot_that_is_gone_disarms(pilot, held):
    held.close()
    until(lambda: pilot.state().lost)
    assert not pilot.state().armed


@pytest.mark.slow
def test_two_hundred_deaths_in_real_time_and_the_robot_stands_in_time(tmp_path):
    late = []
    for count in range(200):
        held = SimRobot(tmp_path, "hold")
        pilot = Pilot(held.place)
        pilot.wait_live(20.0)
        wait_for_arming(pilot, 20.0)
        go(pilot)
        transport = held.place.open()
        until(transport.frame)
        os.kill(pilot.driver.pid, signal.SIGKILL if count % 2 else signal.SIGSTOP)
        since_s = time.monotonic()
        until(lambda eye=transport: not eye.velocity().any())
        late.append(time.monotonic() - since_s)
        pilot.close()
        transport.close()
        held.close()
    robots_s = 2 * 0.05  # the simulated robot acts and shows once in 0.05 s
    print(f"stood after at most {max(late):.3f} s")
    assert max(late) <= STOP_S + TICK_S + robots_s
