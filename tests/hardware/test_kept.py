"""Whatever ends a drive, what was seen and sent until then is kept, and the robot stands."""

import errno
import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
from pathlib import Path

import h5py
import numpy as np
import pytest

from episodes.hdf5 import read_episode
from hardware.camera_tape import RecordingError
from hardware.connecting import ask_operator
from hardware.run import Config, _work, drive
from hardware.safety import RefusedError
from scenarios import load
from tests.brains import AHEAD, Brain
from tests.hardware.robots import SimRobot, until
from tests.hardware.test_robot_env import FakePilot, Forward, world

ROOT = Path(__file__).parent.parent.parent
SCENARIO = load("1box_vert_left")
UNDER_WAY_M = 0.4  # two decisions


class Stumbles(Brain):
    """Has a bug that shows at its third decision."""

    name, command = "stumbles", AHEAD

    def act(self, memories, observations):
        if memories[0]["asked"] == 2:
            {}["a bug"]
        return super().act(memories, observations)


def command_line(here, folder):
    return [sys.executable, "-m", "hardware.run", "--policy", "forward", "--scenario",
            "1box_vert_left", "--address", here.place.address, "--record", str(folder)]


def drives_on(here):
    """Whether it is under way; then a few decisions are in the record."""
    return here.x_m() > UNDER_WAY_M


def check_kept(folder, says):
    (path,) = folder.glob("*.h5")
    episode = read_episode(path)
    assert len(episode.images) >= 2
    assert len(episode.commands) == len(episode.images)
    assert np.abs(episode.commands[1:, 0]).max() > 0.0
    with h5py.File(path) as file:
        assert says in file["sim"].attrs["stopped"]
    return episode


@pytest.mark.parametrize(("number", "code", "says"), [
    (signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_who_interrupts_a_drive_keeps_it_and_the_robot_stands(tmp_path, number, code, says):
    here = SimRobot(tmp_path, "hold")
    with subprocess.Popen(command_line(here, tmp_path / "kept"), cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        until(lambda: drives_on(here))
        process.send_signal(number)
        said, trouble = process.communicate(timeout=60)
    assert process.returncode == code, trouble
    assert says in said
    assert "Traceback" not in trouble
    assert not here.moves()
    here.close()
    check_kept(tmp_path / "kept", says)


def test_a_closed_terminal_ends_a_drive_and_keeps_it(tmp_path):
    here = SimRobot(tmp_path, "hold")
    ours, theirs = pty.openpty()

    def own_terminal():
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whatever an earlier test or `nohup` left
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    with subprocess.Popen(command_line(here, tmp_path / "kept"), cwd=ROOT, stdin=theirs,
                          stdout=theirs, stderr=theirs, preexec_fn=own_terminal) as process:
        os.close(theirs)
        until(lambda: drives_on(here))
        os.close(ours)
        assert process.wait(60) == 143
    assert not here.moves()
    here.close()
    check_kept(tmp_path / "kept", "terminal was closed")


def config(folder):
    return Config("stumbles", "1box_vert_left", record=str(folder))


def test_a_bug_in_the_policy_stops_the_robot_and_keeps_the_drive(tmp_path, capsys):
    pilot = FakePilot()
    with pytest.raises(KeyError):
        drive(config(tmp_path), SCENARIO, world(pilot), Stumbles())
    assert pilot.disarmed == 2  # before the episode, and at the bug
    assert "safety_stop after 2 decisions, nobody judged. KeyError" in capsys.readouterr().out
    assert len(check_kept(tmp_path, "KeyError").commands) == 3


class Blunders(Brain):
    """Has a bug of the kind that wrong options make, too."""

    name = "blunders"

    def act(self, memories, observations):
        raise ValueError("operands could not be broadcast together")


def test_a_value_error_of_the_policy_is_a_bug_with_a_traceback_and_no_lost_robot(monkeypatch):
    monkeypatch.setattr("hardware.run.connect", lambda *_: world(FakePilot()))
    with pytest.raises(ValueError, match="broadcast"):
        _work(Config("blunders", "1box_vert_left"), SCENARIO, None, Blunders())


def test_a_robot_that_cannot_be_reached_is_said_in_one_sentence(monkeypatch, capsys):
    def nobody(*_):
        raise ValueError("Nobody is there.")

    monkeypatch.setattr("hardware.run.connect", nobody)
    with pytest.raises(SystemExit) as left:
        _work(Config("ahead", "1box_vert_left"), SCENARIO, None, Forward())
    assert left.value.code == 1
    assert capsys.readouterr().err == "error: Nobody is there.\n"


def test_a_full_disk_is_said_in_one_sentence_and_files_of_before_stay(tmp_path, monkeypatch):
    short = Config("ahead", "1box_vert_left", record=str(tmp_path))
    env = world(FakePilot())
    monkeypatch.setattr(type(env), "step", lambda self, command: (
        self.reset()[0], 0.0, True, False, self._info("safety_stop")))
    drive(short, SCENARIO, env, Forward())
    (before,) = tmp_path.glob("*.h5")

    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RecordingError, match=r"could not be kept \(No space left on device\)"):
        drive(short, SCENARIO, env, Forward())
    assert list(tmp_path.iterdir()) == [before]
    read_episode(before)


def test_where_nobody_can_be_asked_nothing_is_armed(monkeypatch):
    def ended(question):
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    with pytest.raises(RefusedError, match="needs an operator"):
        ask_operator(FakePilot())
