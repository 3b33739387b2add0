"""A picture a decision, out of a recording at the camera's pace."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from episodes.hdf5 import read_episode
from episodes.stream import EpisodeStream, pack
from episodes.thin import Options, decisions, main, thin
from tests.episodes.test_stream import FACTS, NAME

ROOT = Path(__file__).parent.parent.parent
AHEAD, LEFT, STAND = (1.15, 0.0, 0.0), (0.0, 1.15, 0.0), (0.0, 0.0, 0.0)


def at_30_hz(*stretches):
    """Times and commands of stretches (seconds, command)."""
    commands = [command for seconds, command in stretches for _ in range(round(30 * seconds))]
    return np.arange(len(commands)) / 30, np.array(commands, np.float32)


def told(*stretches):
    times_s, commands = at_30_hz(*stretches)
    return [tuple(commands[frame]) for frame in decisions(times_s, commands, 0.4)]


@pytest.fixture
def recording(tmp_path):
    times_s, commands = at_30_hz((0.5, STAND), (0.4, AHEAD), (0.8, LEFT), (0.3, STAND))
    found = EpisodeStream(tmp_path / "drives" / NAME, (18, 32), FACTS)
    for number, (time_s, command) in enumerate(zip(times_s, commands)):
        found.append(pack(np.full((18, 32, 3), number, np.uint8)), command, time_s)
    return found.finish({"ended_by": "goal"})


def near(*commands):
    return [pytest.approx(command) for command in commands]


def test_commands_that_were_held_are_one_decision_each():
    assert told((1.0, STAND), (0.4, AHEAD), (0.8, LEFT), (1.0, STAND)) == near(AHEAD, LEFT, LEFT)


def test_waiting_for_a_slow_decision_is_none_of_its_own():
    assert told((0.4, AHEAD), (0.2, STAND), (0.4, LEFT)) == near(AHEAD, LEFT)


def test_a_longer_pause_is_decisions_to_stand():
    assert told((0.4, AHEAD), (1.2, STAND), (0.4, LEFT)) == near(AHEAD, STAND, STAND, STAND, LEFT)


def test_nothing_that_moves_is_no_decision():
    assert told((2.0, STAND)) == []


def test_the_file_has_the_picture_that_was_seen_and_keeps_what_was_said(recording, tmp_path):
    episode = read_episode(thin(recording, tmp_path / "data"))
    assert episode.images[:, 0, 0, 0].tolist() == [15, 15, 27, 39]
    assert episode.events == ("episode_start", *3 * ["start_action"])
    assert [tuple(command) for command in episode.commands] == near(STAND, AHEAD, LEFT, LEFT)
    assert episode.time_s == pytest.approx([0.0, 0.0, 0.4, 0.8])
    assert (episode.instruction, episode.source) == (FACTS["instruction"], "real")
    assert (episode.scenario, episode.distance, episode.decision_count) == (
        "2box_hori_left", "far", 3)


def test_the_command_thins_a_folder_and_says_what_it_leaves_out(recording, tmp_path):
    out = tmp_path / "data"
    (recording.parent / "episode_20260801_101600.h5").write_bytes(b"damaged")
    done = subprocess.run([sys.executable, "-m", "episodes.thin", recording.parent, "--out", out],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert str(out / NAME) in done.stdout
    assert "left out: " in done.stdout
    with pytest.raises(ValueError, match="no recording at the camera's pace"):
        thin(out / NAME, tmp_path / "again")  # it has a picture a decision already


def test_thinning_nothing_is_no_success(recording, tmp_path):
    with pytest.raises(ValueError, match="no such file or folder"):
        main(Options(tmp_path / "nowhere", tmp_path / "out"))
    damaged = tmp_path / "episode_20260801_101600.h5"
    damaged.write_bytes(b"damaged")
    with pytest.raises(SystemExit) as left:
        main(Options(damaged, tmp_path / "out"))()
    assert left.value.code == 2


def test_recordings_are_never_written_over(recording):
    with pytest.raises(ValueError, match="choose another"):
        main(Options(recording.parent, recording.parent))
