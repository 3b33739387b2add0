"""Collecting drives in a terminal: menu, progress, keys, verdict."""

import os
import pty
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from episodes.hdf5 import read_episode
from hardware.collect import Choice, choice_of
from hardware.journal import Drive, Journal
from tests.hardware.robots import robot, until

ROOT = Path(__file__).parent.parent.parent


def kept(*cells):
    return [Drive(f"episode_{number}", *cell) for number, cell in enumerate(cells)]


@pytest.mark.parametrize(("said", "choice"), [
    ("7ck", Choice("2box_hori_left", "core", "medium")),
    (" 1 V L ", Choice("1box_vert_left", "variant", "far")),
    ("2", Choice("1box_vert_right", "core", "close")),
    ("l", Choice("1box_vert_left", "core", "far")),
    ("", Choice("1box_vert_left", "core", "close"))])
def test_the_menu_takes_the_laboratorys_keys_and_offers_what_lacks(said, choice):
    assert choice_of(said, []) == choice


def test_what_is_complete_is_not_offered_again():
    close = kept(*2 * [("1box_vert_left", "core", "close")])
    assert choice_of("", close) == Choice("1box_vert_left", "core", "medium")


@pytest.mark.parametrize("said", ["9", "cv", "7x", "77", "k7", "drop table"])
def test_what_is_not_in_the_menu_is_said(said):
    with pytest.raises(ValueError, match="not in the menu"):
        choice_of(said, [])


class Terminal:
    """`hardware.collect` at a terminal of its own."""

    def __init__(self, *options):
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hardware.collect", *options], cwd=ROOT, stdin=theirs,
            stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        self._seen, self._from = "", 0
        threading.Thread(target=self._look, daemon=True).start()

    def _look(self):
        try:
            while text := os.read(self._ours, 4096):
                self._seen += text.decode("utf-8", "replace")
        except OSError:  # it has ended
            return

    def type(self, keys):
        self._from = len(self._seen)
        os.write(self._ours, keys.encode())

    def said(self, words):
        """Wait until the screen has shown this since the last key."""
        until(lambda: words in self._seen[self._from:])


def test_a_drive_is_chosen_driven_kept_and_judged(tmp_path):
    with robot("sim", tmp_path) as here:
        terminal = Terminal("--address", here.place.address, "--record", str(tmp_path / "kept"),
                            "--instruction", "past the box")
        terminal.said("1box_vert_left core close; q ends")
        terminal.type("2vj\n")
        terminal.said("m ends the drive")
        for _ in range(200):  # until watchdog and camera are there
            terminal.type("\n")
            time.sleep(0.1)
            if " armed" in terminal._seen[terminal._from:]:
                break
        for _ in range(8):
            terminal.type("w")
            time.sleep(0.1)
        terminal.type("m")
        terminal.said("Did it succeed?")
        terminal.type("maybe\n")
        terminal.said("Did it succeed?")
        terminal.type("y\n")
        terminal.said("q ends")
        terminal.type("q\n")
        assert terminal.process.wait(60) == 0
    (drive,) = Journal(tmp_path / "kept").drives()
    assert drive.scenario == "1box_vert_right"
    assert (drive.pattern, drive.distance) == ("variant", "close")
    assert (drive.verdict, drive.instruction, drive.mode) == ("success", "past the box", "manual")
    episode = read_episode(tmp_path / "kept" / f"{drive.episode}.h5")
    assert len(episode.images) == drive.frames > 5
    assert episode.commands[:, 0].max() == pytest.approx(1.15)
    assert episode.instruction == "past the box"


def test_without_a_terminal_one_sentence_says_so():
    done = subprocess.run([sys.executable, "-m", "hardware.collect"], cwd=ROOT, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 2
    assert "standard input is none" in done.stderr
