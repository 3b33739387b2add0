"""Driving by hand: the laboratory's keys, in a terminal."""

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envs import load_robot
from hardware.keys import MOVES, Keys
from hardware.safety import RefusedError
from hardware.teleop import steer
from tests.hardware.robots import robot, until
from tests.hardware.test_robot_env import STILL

ROOT = Path(__file__).parent.parent.parent


class Asked:
    """Notes what a pilot would be asked for."""

    def __init__(self):
        self.asked = []

    def command(self, velocity, source):
        self.asked.append((source, [round(part, 3) for part in velocity]))

    def arm(self):
        raise RefusedError("camera", "The camera gives no live pictures.")

    def __getattr__(self, name):
        return lambda *words: self.asked.append((name, *words))

    def state(self):
        return STILL


@pytest.mark.parametrize(("key", "velocity"), [
    ("w", [0.5, 0, 0]), ("S", [-0.5, 0, 0]), ("a", [0, 0.5, 0]), ("d", [0, -0.5, 0]),
    ("q", [0.354, 0.354, 0]), ("e", [0.354, -0.354, 0]), ("z", [-0.354, 0.354, 0]),
    ("c", [-0.354, -0.354, 0]), ("r", [0, 0, 1]), ("t", [0, 0, -1]), (" ", [0, 0, 0])])
def test_keys_drive_as_in_the_laboratory_with_a_on_the_left(key, velocity):
    pilot = Asked()
    Keys(load_robot()).press(key, pilot)
    assert pilot.asked == [("operator", pytest.approx(velocity))]


def test_every_key_to_drive_with_is_tested():
    assert len(MOVES) == 11


def test_throttle_goes_in_tens_and_stays_within_its_limits():
    pilot, keys = Asked(), Keys(load_robot())
    for _ in range(20):
        keys.press("f", pilot)
    assert keys.throttle == 10
    keys.press("w", pilot)
    assert pilot.asked == [("operator", [0.05, 0, 0])]
    for _ in range(20):
        keys.press("g", pilot)
    assert keys.throttle == 100


@pytest.mark.parametrize(("key", "asked"), [
    ("x", ("stop", "key")), ("\x1b", ("stop", "key")), ("u", ("release",)),
    ("m", ("set_mode", "manual")), ("v", ("set_mode", "vla")), ("h", ("set_mode", "shared"))])
def test_other_keys_stop_release_and_switch(key, asked):
    pilot = Asked()
    Keys(load_robot()).press(key, pilot)
    assert pilot.asked == [asked]


def test_what_is_refused_and_what_is_unknown_is_said_and_nothing_ends(capsys):
    pilot = Asked()
    steer(Keys(load_robot()), pilot, iter(["\n", "", "?", "w"]))
    said = capsys.readouterr().out
    assert "no live pictures" in said
    assert "diagonally" in said  # the help
    assert pilot.asked == [("operator", [0.5, 0, 0])]


def test_a_terminal_drives_and_closing_it_stops_the_robot(tmp_path):
    with robot("sim", tmp_path, "hold") as here:
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "hardware.teleop", "--address", here.place.address],
            cwd=ROOT, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)

        def said(word):
            """Whether the screen has shown a word by now."""
            seen = ""

            def shows():
                nonlocal seen
                while select.select([ours], [], [], 0.05)[0]:
                    seen += os.read(ours, 4096).decode()
                return word in seen

            return shows

        until(said("EMERGENCY STOP; Ctrl-C"))
        shows = said(" armed")
        until(lambda: os.write(ours, b"\n") and shows(), 30.0)

        def moves():
            for _ in range(6):
                os.write(ours, b"w")
                time.sleep(0.05)
                while select.select([ours], [], [], 0.0)[0]:
                    os.read(ours, 4096)
            return here.x_m() > 0.02

        until(moves)
        os.close(ours)
        until(lambda: process.poll() is not None)
        until(lambda: not here.moves())


def test_without_a_terminal_one_sentence_says_so():
    done = subprocess.run([sys.executable, "-m", "hardware.teleop"], cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 2
    assert "standard input is none" in done.stderr
