"""`python -m hardware.run --web` without a browser: a page's messages, a drive, what is kept."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from envs import load_robot
from episodes.hdf5 import read_episode
from hardware.journal import Journal
from hardware.keys import Keys
from hardware.run import Config, main
from hardware.web.desk import Desk, Wish
from hardware.web.session import _visit_again
from tests.hardware.robots import PATIENCE_S
from tests.hardware.test_kept import Blunders
from tests.hardware.test_page_line import answer
from tests.hardware.test_robot_env import FakePilot, world

ROOT = Path(__file__).parent.parent.parent


class Operator:
    """A page without a picture; sees everything, orders what it is told."""

    def __init__(self, folder, *options):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hardware.run", "--policy", "forward", "--scenario",
             "1box_vert_left", "--web", "--port", "0", "--record", folder, *options], cwd=ROOT,
            stdout=subprocess.PIPE, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        self.address = address = self.process.stdout.readline().split()[-1]
        self._open = contextlib.ExitStack()
        self._socket = self._open.enter_context(
            connect(address.replace("http", "ws") + "live", origin=address.rstrip("/")))
        self.now = {}

    def order(self, **words):
        self._socket.send(json.dumps(words))

    def until(self, condition):
        """Look at what the page is told until it is so."""
        end_s = time.monotonic() + 2 * PATIENCE_S
        while not condition(self.now):
            assert time.monotonic() < end_s, self.now
            self.now.update(answer(self._socket))

    def close(self):
        self._open.close()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 130


@pytest.mark.parametrize("mode", ["manual", "shared", "hybrid"])
def test_modes_that_wait_for_keys_are_refused_where_no_page_brings_any(mode):
    with pytest.raises(ValueError, match=r"--web.*hardware\.teleop"):
        main(Config("forward", "1box_vert_left", mode=mode))
    assert callable(main(Config("forward", "1box_vert_left", mode=mode, web=True)))


def visit(folder, policy):
    """One robot's visit to the page of a server; returns what its operator reads then."""
    desk = Desk(Wish("1box_vert_left", "go"), Keys(load_robot()), "vla")
    desk.opened = True  # it was there before
    _visit_again(Config("any", "1box_vert_left", web=True), load_robot(), policy, desk,
                 Journal(folder))
    return desk.said


def test_a_bug_in_the_policy_keeps_its_traceback_and_a_lost_robot_may_come_back(
        tmp_path, monkeypatch):
    monkeypatch.setattr("hardware.web.session.RETRY_S", 0.0)
    monkeypatch.setattr("hardware.run.connect", lambda *_: world(FakePilot()))
    with pytest.raises(ValueError, match="broadcast"):
        visit(tmp_path, Blunders())

    def nobody(*_):
        raise ValueError("Nobody is there.")

    monkeypatch.setattr("hardware.run.connect", nobody)
    assert visit(tmp_path, Blunders()) == "Nobody is there."


def in_phase(name):
    return lambda now: now.get("phase") == name


@pytest.mark.parametrize("frames", ["decision", "all"])
def test_a_drive_from_a_page_is_kept_with_its_words_and_said_on_the_page(tmp_path, frames):
    operator = Operator(tmp_path, "--frames", frames)
    operator.until(in_phase("ready"))
    operator.order(do="want", instruction="straight on", pattern="core", distance="close")
    operator.until(lambda now: now.get("wish", {}).get("instruction") == "straight on")
    operator.order(do="arm")
    operator.until(in_phase("driving"))
    operator.until(in_phase("ended"))
    assert "Ended by contact" in operator.now["said"]
    operator.until(lambda now: not now["armed"])
    operator.until(lambda now: now["drives"] and now["drives"][0]["ended_by"])  # file, then words
    (drive,) = operator.now["drives"]
    assert (drive["pattern"], drive["distance"], drive["ended_by"]) == ("core", "close", "contact")
    operator.order(do="judge", episode=drive["episode"], verdict="failure")
    operator.until(lambda now: now["drives"] and now["drives"][0]["verdict"] == "failure")
    operator.close()
    (kept,) = Journal(tmp_path).drives()
    assert (kept.verdict, kept.instruction) == ("failure", "straight on")
    episode = read_episode(tmp_path / f"{kept.episode}.h5")
    assert episode.images.shape[1:3] == ((224, 224) if frames == "decision" else (360, 640))
    assert len(episode.images) == kept.frames
    assert episode.instruction == "straight on"


def test_bytes_that_are_no_text_end_their_own_line_only(tmp_path):
    operator = Operator(tmp_path)
    operator.until(in_phase("ready"))
    with connect(operator.address.replace("http", "ws") + "live",
                 origin=operator.address.rstrip("/")) as other:
        other.send(b"\x00\xff")
        with pytest.raises(ConnectionClosed) as closed:
            list(iter(lambda: other.recv(PATIENCE_S), None))
    assert closed.value.rcvd.code == 1003
    operator.order(do="want", instruction="still here")
    operator.until(lambda now: now.get("wish", {}).get("instruction") == "still here")
    operator.close()
