"""The trials of what is promised about episode files: a hundredth of each here, all in slow."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from episodes.trial.bombs import BOMBS

ROOT = Path(__file__).parent.parent.parent


def trial(*arguments: str) -> list[list[str]]:
    """The rows of the table that a trial prints, once its promise was kept."""
    done = subprocess.run([sys.executable, "-m", "episodes.trial", *arguments], cwd=ROOT, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    print(done.stdout)
    return [[cell.strip() for cell in line.strip("|").split("|")]
            for line in done.stdout.splitlines() if line.startswith("|")]


@pytest.mark.parametrize("kills", [20, pytest.param(2000, marks=pytest.mark.slow)])
def test_no_committed_episode_is_lost_when_writers_are_killed_and_disks_fail(kills):
    header, _, *rows = trial("crash", "--kills", str(kills))
    assert header[2:] == ["committed", "lost", "unreadable", "left behind", "after --repair"]
    assert rows[0][:2] == ["kill -9 at a random moment", f"{kills:,}"]
    assert {tuple(row[3:5] + row[6:]) for row in rows} == {("0", "0", "0")}
    faults = {row[0] for row in rows[1:]}
    assert {f"{error} at {call}" for error in ("EIO", "ENOSPC")
            for call in ("write", "fsync", "replace")} < faults
    assert {"a short write", "a short write, then ENOSPC"} < faults


COUNTS = [1000, pytest.param(100_000, marks=pytest.mark.slow)]


@pytest.mark.parametrize("count", COUNTS)
def test_no_damaged_or_hostile_episode_does_harm_or_passes_for_another(count):
    rows = trial("corruption", "--count", str(count))
    split = next(place for place, row in enumerate(rows) if row[0] == "made by hand")
    header, _, *damaged = rows[:split]
    for row in damaged:
        found = dict(zip(header[2:], row[2:]))
        assert {found[name] for name in ("no sentence", "outside", "crashed", "hung")} == {"0"}
        assert float(found["longest, s"]) <= 2
        assert float(found["most memory, MB"]) <= 256
        if row[0] in ("sealed as zstd", "sealed as gzip", "sealed as jpeg"):
            assert found["changed"] == "0"
    assert sum(int(row[1].replace(",", "")) for row in damaged) == count
    by_hand = {row[0]: row[1] for row in rows[split + 2:]}
    assert set(by_hand) == set(BOMBS)
    assert set(by_hand.values()) == {"refused"}


@pytest.mark.parametrize("count", COUNTS)
def test_no_damaged_settings_weights_or_names_do_harm(count):
    done = subprocess.run([sys.executable, "-m", "episodes.trial", "documents", "--count",
                           str(count)], cwd=ROOT, text=True, capture_output=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert " 0 names outside." in done.stdout
    for kind in ("scenario, TOML", "robot, TOML", "appearance, TOML", "checkpoint, JSON",
                 "weights, safetensors"):
        assert f"| {kind} | {count // 5:,} |" in done.stdout


def test_an_unknown_trial_is_refused():
    done = subprocess.run([sys.executable, "-m", "episodes.trial", "luck"], cwd=ROOT, text=True,
                          capture_output=True)
    assert done.returncode == 2
    assert re.match(r"error: episodes.trial has no command 'luck', expected one of", done.stderr)
