"""What a folder of sound files may be sick with."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from episodes.check import check
from episodes.doctor import findings, shares
from episodes.examine import class_of
from episodes.hdf5_writer import write_episode
from policies.baselines import recorded
from tests.episodes.records import laboratory_file, record
from tests.episodes.test_check import ROOT

NAME = "episode_20250815_090353_1box_vert_left_core_medium.h5"
STRAIGHT = np.array([(0.0, 0.0, 0.0), *[(1.15, 0.0, 0.0)] * 17], np.float32)


def camera(seed: int, frames: int = 18) -> np.ndarray:
    """[T, 24, 32, 3] uint8: other pictures for every seed and frame, no strong colours."""
    grey = np.random.default_rng(seed).integers(60, 180, (frames, 6, 8, 1), np.uint8)
    return np.repeat(np.kron(grey[..., 0], np.ones((4, 4), np.uint8))[..., None], 3, axis=-1)


def recording(path, commands=STRAIGHT, seed=0, **changed):
    """A laboratory's file of 18 frames with pictures and a duration that can be."""
    frames = len(commands)
    changed = {"images": camera(seed, frames), "actions": commands} | changed
    laboratory_file(path, frames, **changed)
    return path


def found(folder, others=()) -> dict[str, str]:
    return {each.what: each.sentence for each in findings(check(folder).facts, others)}


def test_sound_recordings_have_only_what_straight_driving_must_have(tmp_path):
    recording(tmp_path / NAME)
    assert set(found(tmp_path)) == {"constant"}
    assert shares(check(tmp_path).facts) == {"forward": 1.0}


def test_two_of_the_recorded_sequences_first_turn_against_their_name(tmp_path):
    facts, number = recorded(), 0
    for scenario, distances in facts["sequences"].items():
        for distance, keys in distances.items():
            number += 1
            commands = np.array([(0, 0, 0), *(facts["keys"][key] for key in keys)], np.float32)
            recording(tmp_path / f"episode_20250815_0900{number:02d}_{scenario}_core_{distance}.h5",
                      commands, seed=number)
    said = found(tmp_path)
    assert number == 21
    assert said["label"].startswith("2 of 21 episodes first turn to the other side")
    assert "1box_hori_left_core_far" in said["label"]
    assert "1box_hori_right_core_close" in said["label"]
    assert said["length"].startswith("2 of 21")  # one has 18 keys, one 16


@pytest.mark.parametrize(("what", "changed", "sentence"), [
    ("length", {"commands": STRAIGHT[:17]}, "do not have the 18 frames"),
    ("events", {"action_event_types": np.array(["start_action"] * 18, h5py.string_dtype())},
     "do not begin with exactly one episode_start"),
    ("units", {"commands": STRAIGHT * 2}, "commands beyond 1.15, up to 2.3"),
    ("units", {"commands": STRAIGHT / 2}, "No command exceeds 0.575"),
    ("camera", {"images": np.zeros((18, 24, 32, 3), np.uint8) + 90}, "repeat a picture"),
    ("colour order", {"images": np.zeros((18, 24, 32, 3), np.uint8) + np.uint8([250, 40, 10])},
     "red and blue were swapped"),
])
def test_what_is_wrong_with_an_episode_is_found(tmp_path, what, changed, sentence):
    recording(tmp_path / NAME, **changed)
    assert sentence in found(tmp_path)[what]


def test_an_impossible_duration_and_an_unknown_scenario_are_found(tmp_path):
    path = recording(tmp_path / "episode_20250815_090353_maze_left_core_medium.h5")
    with h5py.File(path, "a") as file:
        file.attrs["total_duration"] = 1.0
    said = found(tmp_path)
    assert "impossible total_duration" in said["duration"]
    assert "name no known scenario" in said["scenario"]
    assert "hold no instruction" in said["instruction"]


def test_the_same_episode_twice_and_one_nearly_the_same_are_found(tmp_path):
    names = [NAME.replace("0353", f"035{number}") for number in range(4)]
    recording(tmp_path / names[0])
    recording(tmp_path / names[1])
    brighter = camera(0)
    brighter[:, 0, 0] += 1
    recording(tmp_path / names[2], images=brighter)
    recording(tmp_path / names[3], seed=5)
    same, near = (each for each in findings(check(tmp_path).facts) if each.what == "duplicates")
    assert "1 of 4 episodes are the same as another" in same.sentence
    assert [path.name for path in same.files] == [names[1]]
    assert [path.name for path in near.files] == [names[2]]


def test_a_layout_in_both_splits_is_found(tmp_path):
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        recording(tmp_path / split / NAME, seed=0)
        recording(tmp_path / split / NAME.replace("0353", "0354"), seed=len(split))
    said = found(tmp_path / "train", check(tmp_path / "test").facts)
    assert said["leakage"].startswith("1 of 2 episodes begin with a picture")


@pytest.mark.parametrize(("command", "name"), [
    ((1.15, 0, 0), "forward"), ((0, 1.15, 0), "left"), ((0.05, -1.15, 0), "right"),
    ((1.15, -0.3, 0), "forward right"), ((-1.15, 0, 0), "backward"), ((0, 0, 0), "stop"),
    ((1.15, 0, 0.5), "turn")])
def test_commands_have_names(command, name):
    assert class_of(np.array(command, np.float32)) == name


def test_the_command_writes_json_and_a_page(tmp_path):
    write_episode(tmp_path, record(moves=3, rgb=camera(0, 6)))
    done = subprocess.run(
        [sys.executable, "-m", "episodes.check", tmp_path, "--json", tmp_path / "found.json",
         "--html", tmp_path / "found.html"], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "1 episodes (1 simulated), 5 decisions: forward 60.0%, stop 40.0%" in done.stdout
    said = json.loads((tmp_path / "found.json").read_text())
    assert said["episodes"][0]["classes"] == {"forward": 3, "stop": 2}
    row = next(row for row in said["counts"] if row["episodes"])
    assert (row["scenario"], row["recorded72"], row["planned80"]) == ("1box_vert_left", 1, 1)
    page = (tmp_path / "found.html").read_text()
    assert page.count("data:image/png;base64,") == 1
    assert "http" not in page
