"""More episodes out of few: what changes together, what is stored, what is held out."""

import json
import re
import subprocess
import sys
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

import scenarios
from episodes import operations
from episodes.augment import RECIPES, Options, augment
from episodes.check import check
from episodes.doctor import findings
from episodes.hdf5 import read_episode
from episodes.hdf5_writer import write_episode
from episodes.operations import Draft, jitter, mirror, noise, speed, stand, stretch, swapped
from episodes.plans import PLANS
from episodes.truths import read_truth
from tests.episodes.records import laboratory_file, record
from tests.episodes.test_check import ROOT

COMMANDS = np.array([(1.15, 0, 0), (1.15, 0.5, 0), (0, -1.15, 0), (0, 0, 0)], np.float32)
PICTURES = np.random.default_rng(0).integers(0, 256, (4, 6, 8, 3), np.uint8)
DRAFT = Draft(PICTURES, COMMANDS, "1box_vert_left", "Keep left of the box")


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_mirror_swaps_picture_commands_scenario_and_words():
    mirrored = mirror(DRAFT, rng())
    np.testing.assert_array_equal(mirrored.pictures, PICTURES[:, :, ::-1])
    np.testing.assert_array_equal(mirrored.commands, COMMANDS * [1, -1, -1])
    assert (mirrored.scenario, mirrored.instruction) == (
        "1box_vert_right", "Keep right of the box")
    twice = mirror(mirrored, rng())
    np.testing.assert_array_equal(twice.pictures, PICTURES)
    np.testing.assert_array_equal(twice.commands, COMMANDS)
    assert (twice.scenario, twice.instruction) == (DRAFT.scenario, DRAFT.instruction)


def test_every_wording_of_a_scenario_becomes_the_other_sides_own():
    for name in scenarios.names():
        other = name.replace("left", "*").replace("right", "left").replace("*", "right")
        said = scenarios.load(other).instructions.all()
        for place, words in enumerate(scenarios.load(name).instructions.all()):
            assert swapped(words, name) == said[place]


def test_other_words_are_swapped_in_english_and_korean():
    assert swapped("Left, not right", None) == "Right, not left"
    assert swapped("왼쪽으로, 오른쪽 말고", "maze") == "오른쪽으로, 왼쪽 말고"
    assert swapped(None, "1box_vert_left") is None


@pytest.mark.parametrize("operation", [noise, speed, jitter(0.15), stretch("forward", 1.4),
                                       stretch("lateral", 1.5), stretch("diagonal", 1.3)])
def test_what_stands_still_stays_still_within_the_limit_and_never_turns(operation):
    changed = operation(DRAFT, rng()).commands
    assert not changed[3].any()
    assert np.abs(changed).max() <= np.float32(1.15)
    assert not changed[:, 2].any()
    assert changed.dtype == np.float32


def test_noise_is_small_and_speed_keeps_the_direction():
    assert np.abs(noise(DRAFT, rng()).commands - COMMANDS).max() < 0.03
    slower = speed(DRAFT, SimpleNamespace(uniform=lambda low, high: low))
    np.testing.assert_allclose(slower.commands, COMMANDS * 0.8)
    assert slower.applied == ({"operation": "speed", "factor": 0.8},)


def test_stretching_takes_the_motion_that_it_names():
    half = Draft(PICTURES, COMMANDS / 2, None, None)
    changed = {which: np.argwhere(stretch(which, 1.5)(half, rng()).commands != half.commands)
               for which in ("forward", "lateral", "diagonal")}
    assert changed["forward"].tolist() == [[0, 0], [1, 0]]
    assert changed["lateral"].tolist() == [[1, 1], [2, 1]]
    assert changed["diagonal"].tolist() == [[1, 0], [1, 1]]


def test_standing_shows_the_same_picture_meanwhile():
    longer = stand(DRAFT, rng())
    at, count = longer.applied[0]["at"], longer.applied[0]["count"]
    assert len(longer.commands) == len(longer.pictures) == 4 + count
    assert not longer.commands[at:at + count].any()
    assert (longer.pictures[at:at + count] == PICTURES[at]).all()


@pytest.mark.parametrize("name", ["brightness", "contrast", "blur"])
def test_what_is_seen_changes_and_what_is_done_does_not(name):
    changed = getattr(operations, name)(DRAFT, rng())
    assert (changed.pictures != PICTURES).any()
    np.testing.assert_array_equal(changed.commands, COMMANDS)


def test_the_laboratorys_72_become_720_and_480():
    plan = [SimpleNamespace(distance=fixed["distance"]) for _, fixed in PLANS["recorded72"]()]
    counts = {name: sum(recipe.factor(each) for each in plan) for name, recipe in RECIPES.items()}
    assert counts == {"mirrored": 144, "recorded721": 720, "distance481": 480}


@pytest.fixture
def originals(tmp_path):
    """Four layouts; the first two files share one, as left and right of a seed do."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number, layout in enumerate([0, 0, 1, 2, 3]):
        rgb = np.random.default_rng(layout).integers(0, 256, (6, 8, 12, 3), np.uint8)
        write_episode(folder, record(moves=3, rgb=rgb, seed=number))
    return folder


def test_whole_layouts_are_held_out_before_anything_is_copied(tmp_path, originals):
    for seed in range(3):
        out = tmp_path / str(seed)
        said = augment(Options(originals, out, "mirrored", hold_out=0.25, seed=seed))
        held = [read_episode(path).images[0].tobytes() for path in (out / "held_out").iterdir()]
        assert len(set(held)) == 1
        train = sorted((out / "train").iterdir())
        assert len(train) == said["train"] == 2 * (5 - len(held))
        mirrored = {np.frombuffer(each, np.uint8).reshape(8, 12, 3)[:, ::-1].tobytes()
                    for each in held}
        firsts = {read_episode(path).images[0].tobytes() for path in train}
        assert not firsts & (set(held) | mirrored)
        assert check(out / "train").is_sound


def test_copies_say_what_was_done_and_are_not_copied_again(tmp_path, originals):
    said = augment(Options(originals, tmp_path / "out", "mirrored", hold_out=0.0))
    assert (said["originals"], said["copies"], said["applied"]) == (5, 5, {"mirror": 5})
    copies = sorted(path for path in (tmp_path / "out" / "train").iterdir()
                    if not (originals / path.name).exists())
    assert len(copies) == 5
    for path in copies:
        with h5py.File(path) as file:
            facts = dict(file["sim"].attrs)
        assert json.loads(facts["applied"]) == [{"operation": "mirror"}]
        source = read_episode(originals / f"{facts['copy_of']}.h5")
        copy = read_episode(path)
        np.testing.assert_array_equal(copy.decisions[0], source.decisions[0][:, :, ::-1])
        assert (copy.source, copy.scenario) == ("simulated", "1box_vert_right")
        assert read_truth(path) is None  # it would be another place's
    with pytest.raises(ValueError, match="is a copy already"):
        augment(Options(tmp_path / "out" / "train", tmp_path / "again"))


def test_the_same_seed_makes_the_same_files(tmp_path, originals):
    for name in ("a", "b"):
        augment(Options(originals, tmp_path / name, "distance481", seed=3))
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(
                tmp_path / "a")).read_bytes()


def test_the_command_says_the_true_counts_and_refuses_a_folder_in_use(tmp_path, originals):
    command = [sys.executable, "-m", "episodes.augment", originals, "--out", tmp_path / "out",
               "--recipe", "recorded721", "--hold-out", "0.7"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    found = re.search(r"(\d+) originals and (\d+) copies make (\d+) episodes", done.stdout)
    ours, copies, both = map(int, found.groups())
    assert (copies, both) == (9 * ours, 10 * ours)
    assert "without its time reversal" in done.stdout
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 2
    assert "is there already, expected a new or an empty folder" in done.stderr


def test_a_copy_says_the_seeds_of_which_a_policy_may_have_learned_from_its_original(tmp_path):
    (tmp_path / "in").mkdir()
    write_episode(tmp_path / "in", record(moves=3), facts={"purpose": "train", "seed_root": 4})
    augment(Options(tmp_path / "in", tmp_path / "out", hold_out=0.0))
    found = [read_episode(path) for path in (tmp_path / "out" / "train").glob("episode_*.h5")]
    assert [(each.copy_of is None, each.seed_root) for each in sorted(
        found, key=lambda each: each.copy_of or "")] == [(True, 4), (False, 4)]


def test_a_disk_that_refuses_leaves_no_folder(tmp_path, originals, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("episodes.augment.write_content", full)
    with pytest.raises(ValueError, match="No space left on device.*nothing is left there"):
        augment(Options(originals, tmp_path / "out"))
    assert list(tmp_path.glob("*out*")) == []


def test_commands_beyond_their_limit_are_not_copied(tmp_path):
    (tmp_path / "in").mkdir()
    keys = np.zeros((18, 3), np.float32)
    keys[4, 0] = 1e30
    path = laboratory_file(tmp_path / "in" / "episode_20250815_090353_1box_vert_left.h5", 18,
                           actions=keys)
    with pytest.raises(ValueError, match=rf"{path}: actions are .* in frame 4, .*within"):
        augment(Options(tmp_path / "in", tmp_path / "out", hold_out=0.0))
    assert not (tmp_path / "out").exists()


def test_who_holds_out_less_than_one_layout_is_told(tmp_path):
    (tmp_path / "in").mkdir()
    write_episode(tmp_path / "in", record(moves=3))
    done = subprocess.run([sys.executable, "-m", "episodes.augment", tmp_path / "in", "--out",
                           tmp_path / "out"], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "warning: no episode is held out: 0.2 of 1 layouts is less than one" in done.stdout


def test_a_seed_below_zero_is_refused(tmp_path, originals):
    with pytest.raises(ValueError, match="seed must be at least 0, got -5"):
        augment(Options(originals, tmp_path / "out", seed=-5))


def test_a_mirrored_copy_beside_its_original_is_found_as_a_leak(tmp_path, originals):
    augment(Options(originals, tmp_path / "out", hold_out=0.0))
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    for path in (tmp_path / "out" / "train").glob("episode_*.h5"):
        copy = read_episode(path).copy_of is not None
        path.rename(tmp_path / ("theirs" if copy else "ours") / path.name)
    ours, theirs = (check(tmp_path / name).facts for name in ("ours", "theirs"))
    said = {each.what: each for each in findings(ours, theirs)}
    assert set(said["leakage"].files) == {each.path for each in ours}
