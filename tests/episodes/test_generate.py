import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

import scenarios
from episodes import worlds
from episodes.generate import generate
from episodes.hdf5 import find_episodes, read_episode
from tests.envs.looks import own_profile
from tests.episodes.records import PAST_ON_THE_LEFT, record

ROOT = Path(__file__).parent.parent.parent
SMALL = (9, 16)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def truth(path):
    with h5py.File(path) as file:
        return dict(file["sim"].attrs), {name: data[()] for name, data in file["sim"].items()}


def command(*arguments):
    return [sys.executable, "-m", "episodes.generate", *map(str, arguments)]


@pytest.fixture
def driven(monkeypatch):
    """Fills in what every drive gives, in order, instead of driving."""
    records = []
    monkeypatch.setattr(worlds, "rollout", lambda *_: records.pop(0))
    return records


def test_the_files_do_not_depend_on_the_number_of_workers(tmp_path):
    one = generate(tmp_path / "one", episodes=4, image=SMALL)
    two = generate(tmp_path / "two", episodes=4, image=SMALL, workers=2)
    assert one == two
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert len(find_episodes(tmp_path / "one")) == 4


def test_a_second_run_makes_only_what_is_missing_or_damaged(tmp_path):
    generate(tmp_path, scenario="1box_hori_left", episodes=3, image=SMALL)
    before = contents(tmp_path)
    kept, missing, damaged = find_episodes(tmp_path)
    written_ns = kept.stat().st_mtime_ns
    missing.unlink()
    damaged.write_bytes(damaged.read_bytes()[:1000])
    generate(tmp_path, scenario="1box_hori_left", episodes=3, image=SMALL)
    assert contents(tmp_path) == before
    assert kept.stat().st_mtime_ns == written_ns


def test_more_episodes_of_the_same_seed_keep_those_that_are_there(tmp_path):
    generate(tmp_path, episodes=2, image=SMALL)
    before = find_episodes(tmp_path)
    generate(tmp_path, episodes=3, image=SMALL)
    assert find_episodes(tmp_path)[:2] == before


def test_files_of_another_seed_are_not_mixed_in(tmp_path):
    generate(tmp_path, scenario="1box_hori_left", episodes=1, image=SMALL)
    before = contents(tmp_path)
    with pytest.raises(ValueError, match="is in the way and was made with another seed"):
        generate(tmp_path, scenario="1box_hori_left", episodes=1, image=SMALL, seed=1)
    assert contents(tmp_path) == before


def test_left_and_right_are_trained_on_the_same_layouts(tmp_path):
    generate(tmp_path, episodes=2, image=SMALL, seed=3)
    (left, left_poses), (right, right_poses) = map(truth, find_episodes(tmp_path))
    assert (left["pass_side"], right["pass_side"]) == ("left", "right")
    assert left["seed"] == scenarios.episode_seed("train", 3, "1box_vert", 0) == right["seed"]
    assert left_poses["boxes"][0].tolist() == right_poses["boxes"][0].tolist()


def test_every_episode_drives_past_on_its_side_to_the_cup(tmp_path):
    generate(tmp_path, scenario="2box_hori_right", episodes=1, image=SMALL)
    facts, arrays = truth(find_episodes(tmp_path)[0])
    assert (facts["ended_by"], facts["source"], bool(facts["success"])) == (
        "goal", "simulated", True)
    assert np.hypot(*(arrays["poses"][-1, :2] - arrays["cup"][-1])) < 0.45
    assert arrays["poses"][:, 1].min() < arrays["boxes"][0, :, 1].min()


def test_colours_and_orientation_are_right_after_reading(tmp_path):
    generate(tmp_path, scenario="2box_hori_left", episodes=1, image=(36, 64))
    picture = read_episode(find_episodes(tmp_path)[0]).images[0].astype(int)
    redder = picture[..., 0] - picture[..., 2]
    assert (redder > 40).mean() > 0.03  # cardboard boxes stand in front of the robot
    assert redder.min() > -40  # and nothing is blue
    assert picture[0].mean() > picture[-1].mean() + 40  # white above, floor below


def test_attempts_that_fail_are_counted_and_not_kept(tmp_path, driven):
    past_on_the_right = PAST_ON_THE_LEFT * (1, -1, 1)
    driven += [record(3, ended_by="contact"), record(3, path=past_on_the_right), record(16),
               record(3), record(4)]
    said = generate(tmp_path, scenario="1box_vert_left", episodes=2, profile="lab", image=SMALL,
                    workers=0)
    assert said["resampled"] == {"ended by contact": 1, "over 17 decisions": 1, "wrong side": 1}
    first, second = find_episodes(tmp_path)
    assert truth(first)[0]["decisions"] == 5
    assert truth(second)[0]["decisions"] == 6
    assert generate(tmp_path, scenario="1box_vert_left", episodes=2, profile="lab",
                    image=SMALL, workers=0) == said  # nothing is driven again, and the counts stay


def test_a_lab_episode_is_720p_if_nothing_else_is_said(tmp_path, driven):
    driven += [record(3)]
    said = generate(tmp_path, scenario="1box_vert_left", episodes=1, profile="lab", workers=0)
    assert said["image_size"] == [720, 1280]
    assert read_episode(find_episodes(tmp_path)[0]).commands.shape == (18, 3)


def test_a_policy_that_never_succeeds_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(worlds, "ATTEMPTS", 2)
    with pytest.raises(ValueError, match="stop made no episode to keep in 2 attempts"):
        generate(tmp_path, scenario="1box_vert_left", episodes=1, image=SMALL, policy="stop",
                 workers=0)


def test_the_recorded_plan_fixes_pattern_and_distance(tmp_path):
    said = generate(tmp_path, scenario="2box_hori_left", plan="recorded72", image=SMALL)
    assert said["counts"] == {"2box_hori_left": {
        "core": {"close": 2, "medium": 3}, "variant": {"medium": 1}}}
    assert json.loads((tmp_path / "generation.json").read_text())["counts"] == said["counts"]
    assert {read_episode(path).distance for path in find_episodes(tmp_path)} == {
        "close", "medium"}


def test_a_pattern_can_be_asked_for(tmp_path):
    said = generate(tmp_path, scenario="1box_hori_left", episodes=3, image=SMALL,
                    pattern="variant")
    assert set(said["counts"]["1box_hori_left"]) == {"variant"}


def test_instructions_are_mixed_on_demand(tmp_path):
    wordings = scenarios.load("1box_hori_left").instructions.all()
    generate(tmp_path, scenario="1box_hori_left", episodes=4, image=SMALL, instructions="all")
    told = {read_episode(path).instruction for path in find_episodes(tmp_path)}
    assert len(told) > 1
    assert told <= set(wordings)


def test_a_scenario_of_ones_own_is_generated(tmp_path):
    shipped = (ROOT / "scenarios" / "1box_hori_left.toml").read_text(encoding="utf-8")
    own = tmp_path / "my_hall.toml"
    own.write_text(shipped.replace('name = "1box_hori_left"', 'name = "my_hall"'),
                   encoding="utf-8")
    generate(tmp_path / "data", scenario=str(own), episodes=1, image=SMALL)
    episode = read_episode(find_episodes(tmp_path / "data")[0])
    assert episode.scenario == "my_hall"
    assert episode.instruction == scenarios.load(str(own)).instructions.english


def test_what_a_killed_run_left_half_done_is_cleared(tmp_path):
    (tmp_path / ".episode_20000101_000000.h5.1.tmp").touch()
    generate(tmp_path, episodes=1, image=SMALL)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


@pytest.mark.parametrize(("options", "sentence"), [
    ({"scenario": "2box_hori_lef"}, "Did you mean '2box_hori_left'"),
    ({"policy": "exprt"}, "Did you mean 'expert'"),
    ({"plan": "recorded72", "episodes": 3}, "leave episodes and pattern out"),
    ({"plan": "planned80", "pattern": "core"}, "leave episodes and pattern out"),
    ({"plan": "recorded73"}, "plan must be one of recorded72, planned80"),
    ({"profile": "short"}, "profile must be one of lab, full"),
    ({"image": "1080p"}, "image must be one of 224, 720p or height and width"),
    ({"image": (0, 5)}, "image height must be at least 1, got 0"),
    ({"image": (20000, 20000)}, "--image 20000 20000 makes pictures of 1,200,000,000 bytes"),
    ({"workers": -1}, "workers must be at least 0, got -1"),
    ({"episodes": 0}, "episodes must be at least 1, got 0"),
    ({"seed": -1}, "seed must be at least 0, got -1"),
    ({"workers": "2"}, "workers must be a whole number, got '2'"),
    ({"episodes": 2.5}, "episodes must be a whole number, got 2.5"),
    ({"seed": None}, "seed must be a whole number, got None"),
    ({"appearance": 3}, "appearance must be a name or a path, got 3"),
])
def test_a_wrong_option_is_refused_before_anything_is_written(tmp_path, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        generate(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_distractors_that_fit_no_room_are_refused_before_anything_is_written(tmp_path):
    wide = own_profile(tmp_path, lambda text: text.replace("[0.12, 0.26]", "[0.12, 0.5]"))
    with pytest.raises(ValueError, match="no side of the room has place for a distractor"):
        generate(tmp_path / "out", appearance=wide, episodes=1, workers=0)
    assert not (tmp_path / "out").exists()


def test_paths_and_numpys_numbers_mean_what_text_and_numbers_mean(tmp_path):
    (tmp_path / "own").mkdir()
    look, scenario = Path(own_profile(tmp_path)), tmp_path / "own" / "1box_hori_left.toml"
    scenario.write_bytes((ROOT / "scenarios" / scenario.name).read_bytes())
    options = {"image": SMALL, "workers": 0}
    said = generate(tmp_path / "a", appearance=look, scenario=scenario,
                    episodes=np.int64(1), seed=np.int64(2), **options)
    assert said["appearance"]["profile"] == "own"
    again = generate(str(tmp_path / "a"), appearance=str(look), scenario=str(scenario), episodes=1,
                     seed=2, **options)  # goes on in the same folder: it is the same request
    assert again == said


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file/data: cannot be written"):
        generate(tmp_path / "file" / "data")


def test_the_command_says_one_sentence_and_exits_with_2(tmp_path):
    done = subprocess.run(command("--scenario", "2box_hori_lef", "--out", tmp_path / "out"),
                          cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: Unknown scenario '2box_hori_lef'. Did you mean")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("workers", "sent", "code"), [
    (1, signal.SIGINT, 130), (2, signal.SIGINT, 130), (2, signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_whole_files_only(tmp_path, workers, sent, code):
    arguments = ["--episodes", 2000, "--image", *SMALL, "--workers", workers, "--out", tmp_path]
    running = subprocess.Popen(command(*arguments), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("episode_*.h5")) and running.poll() is None:
        time.sleep(0.05)
    running.send_signal(sent)
    _, said = running.communicate()
    assert running.returncode == code
    *_, hint, last = said.splitlines()
    assert hint.endswith("The same command goes on from here.")
    assert last == "Interrupted."
    assert {path.suffix for path in tmp_path.iterdir()} == {".h5"}
    for path in find_episodes(tmp_path):
        assert read_episode(path).source == "simulated"
