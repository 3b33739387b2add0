"""The laboratory's files come in as they are, RGB, with a word for each that is left out."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest

import scenarios
from episodes.check import check
from episodes.convert import Options, convert, main
from episodes.dataset import Dataset
from episodes.formats import READERS, WRITERS
from episodes.hdf5 import find_episodes, read_episode
from episodes.hdf5_writer import write_episode
from episodes.trial.bombs import BOMBS
from tests.episodes import laboratory as lab
from tests.episodes.records import record

ROOT = Path(__file__).parent.parent.parent


def converted(source, **asked):
    """All that became of a folder, in order of their names, and the report."""
    out = source.parent / f"out{len(list(source.parent.iterdir()))}"
    report = convert(Options(source, out, **asked))
    return [read_episode(path) for path in find_episodes(out)], report


def plain_reader(path):
    """A loader as the laboratory has them: plain h5py, and nothing but these four."""
    with h5py.File(path, "r") as f:
        assert f["images"].compression == "gzip"
        assert f["images"].chunks == (1, *f["images"].shape[1:])
        events = [event.decode("utf-8") for event in f["action_event_types"][:]]
        return f["images"][:], f["actions"][:], events, dict(f.attrs)


def test_three_generations_come_in_rgb_with_what_their_names_say(source):
    lab.august(source)
    lab.november(source, seed=1)
    lab.year_2026(source, seed=2)
    (first, second, third), report = converted(source)
    assert [(each.scenario, each.pattern, each.distance) for each in (first, second, third)] == [
        ("1box_vert_left", "core", "medium"), ("1box_hori_left", "variant", "far"),
        ("2box_hori_right", "core", "close")]
    assert [each.name for each in (first, second)] == [
        name.removesuffix(".h5") for name in (lab.AUGUST, lab.NOVEMBER)]
    assert first.instruction == scenarios.load("1box_vert_left").instructions.english
    assert second.instruction == lab.KOREAN
    assert third.instruction == "Go past the boxes to the basket"
    assert {each.source for each in (first, second, third)} == {"real"}
    for seed, episode in enumerate((first, second)):
        assert np.array_equal(episode.images, lab.pictures(seed=seed))
    assert np.array_equal(third.decisions[0], lab.pictures(17, seed=2))
    for episode in (first, second, third):
        assert np.array_equal(episode.decisions[1], lab.commands())
        assert episode.events == ("episode_start", *lab.events_of(lab.LEFT_KEYS))
    assert report.color_orders == {"bgr": 2, "rgb": 1}


def test_compat_is_read_by_plain_h5py_as_the_laboratory_does(source, tmp_path):
    path = lab.august(source)
    convert(Options(path, tmp_path / "out", compat=True))
    images, actions, events, attributes = plain_reader(tmp_path / "out" / lab.AUGUST)
    with h5py.File(path) as original:
        assert np.array_equal(images, original["images"][:])
        assert np.array_equal(actions, original["actions"][:])
        assert actions.dtype == np.float32
        assert events == list(original["action_event_types"].asstr()[:])
        kept = {name: attributes[name] for name in original.attrs}
        assert kept == dict(original.attrs)


def test_pictures_are_turned_only_on_demand(source):
    lab.august(source)
    (upright,), _ = converted(source)
    (turned,), _ = converted(source, rotate=180)
    assert np.array_equal(upright.images, lab.pictures())
    assert np.array_equal(turned.images, lab.pictures()[:, ::-1, ::-1])


def test_colours_and_rotation_are_said(source, tmp_path, capsys):
    lab.august(source)
    main(Options(source, tmp_path / "upright"))
    assert "Pictures on disk: 1 episodes BGR, 0 RGB; written as BGR, not rotated" in (
        capsys.readouterr().out)
    main(Options(source, tmp_path / "turned", rotate=180))
    assert "turned by 180 degrees" in capsys.readouterr().out


def test_what_a_user_says_lets_odd_files_in(source):
    lab.august(source, "episode_20250808_101112.h5", keys="w" * 16)
    lab.year_2026(source, lab.BASKET, "target_left_left_path")
    both, _ = converted(source, any_scenario=True, frames=0, scenario="1box_vert_left")
    assert [each.scenario for each in both] == ["target_left_left_path", "1box_vert_left"]
    assert both[0].name.startswith("episode_19700101_000000")  # its date follows no grammar
    assert len(both[1].images) == 17
    assert "left side" in both[1].instruction


def test_words_of_the_user_are_for_those_who_have_none(source):
    lab.august(source)
    lab.november(source)
    lab.august(source, "episode_20250808_101112_drawer_left_core_far.h5")
    said = [each.instruction for each in converted(
        source, any_scenario=True, instruction="Open the drawer")[0]]
    english = scenarios.load("1box_vert_left").instructions.english
    assert said == ["Open the drawer", english, lab.KOREAN]


def test_our_own_files_of_any_length_are_converted_and_stay_what_they_are(source):
    write_episode(source, record(moves=30), storage="jpeg")
    write_episode(source, record(moves=2), "lab", facts={"purpose": "train", "seed_root": 7})
    for before, after in zip(map(read_episode, find_episodes(source)), converted(source)[0]):
        assert np.array_equal(before.images, after.images)
        for mine, kept in zip(before.decisions, after.decisions):
            assert np.array_equal(mine, kept)
        for name in ("events", "name", "instruction", "source", "seed_root", "total_duration_s"):
            assert getattr(before, name) == getattr(after, name)
        assert np.array_equal(before.time_s, after.time_s)


def test_what_was_converted_is_a_data_set(source, tmp_path):
    lab.august(source)
    lab.november(source)
    convert(Options(source, tmp_path / "out"))
    assert len(Dataset(tmp_path / "out")) == 34


def test_a_name_that_would_lead_elsewhere_is_not_followed(source, tmp_path):
    path = lab.august(source)
    with h5py.File(path, "a") as file:
        file.attrs["episode_name"] = "../../evil"
    convert(Options(source, tmp_path / "out"))
    assert [each.name for each in find_episodes(tmp_path / "out")] == [
        "episode_19700101_000000_1box_vert_left_core_medium.h5"]


def test_files_that_all_claim_one_name_get_one_each(source):
    for second in range(3):
        path = lab.august(source, f"episode_20250815_09035{second}_1box_vert_left_core_far.h5")
        with h5py.File(path, "a") as file:
            file.attrs["episode_name"] = "episode_99991231_235959_1box_vert_left_core_far"
    assert [each.name[:23] for each in converted(source)[0]] == [
        "episode_19700101_000000", "episode_19700101_000001", "episode_99991231_235959"]


def run(*arguments):
    done = subprocess.run([sys.executable, "-m", "episodes.convert", *map(str, arguments)],
                          cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


def test_the_exit_code_says_whether_all_some_or_nothing_was_converted(source, tmp_path):
    lab.august(source)
    assert run(source, "--from", "lab", "--to", "lab", "--out", tmp_path / "all")[0] == 0
    lab.august(source, lab.NOVEMBER, keys="w")
    assert run(source, "--out", tmp_path / "some")[0] == 1
    (source / lab.AUGUST).unlink()
    code, said, error = run(source, "--out", tmp_path / "none")
    assert code == 2
    assert "left out: " in said
    assert "none of its 1 episodes could be converted; nothing was written" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all", "in", "some"]


@pytest.mark.parametrize(("asked", "says"), [
    ({"from_": "labb"}, "--from must be one of .* got 'labb'. Did you mean 'lab'?"),
    ({"to": "roslab"}, "--to must be one of .* got 'roslab'"),
    ({"bgr": True}, "--bgr is not for --from lab"),
    ({"hold_out": 1.0}, "--hold-out must be from 0 to below 1"),
    ({"frames": -1}, "--frames must be from 0 to"),
    ({"frames": 10**24}, "--frames must be from 0 to 100000, got 1000"),
    ({"scenario": "nope"}, "--scenario must be one of .* got 'nope'; --any-scenario"),
    ({"robot": "nope"}, "nope"),
])
def test_wrong_options_are_refused_in_a_sentence(source, tmp_path, asked, says):
    lab.august(source)
    with pytest.raises(ValueError, match=says):
        convert(Options(source, tmp_path / "out", **asked))
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_not_touched(source, tmp_path):
    lab.august(source)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(ValueError, match="is there already, expected a new or an empty folder"):
        convert(Options(source, tmp_path / "out"))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


@pytest.mark.parametrize("source", ["nowhere", "empty"])
def test_nothing_to_read_is_said(tmp_path, source):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no such file|holds no file"):
        convert(Options(tmp_path / source, tmp_path / "out"))


def test_hostile_files_are_left_out_and_the_sound_one_is_converted(source, tmp_path):
    for number, make in enumerate(BOMBS.values()):
        make(source / f"episode_20250815_1000{number:02d}_1box_vert_left_core_far.h5")
    sound = lab.november(source)
    report = convert(Options(source, tmp_path / "out"))
    assert [path.name for path in find_episodes(tmp_path / "out")] == [sound.name]
    assert Counter(odd.reason for odd in report.left_out) == {"unreadable": len(BOMBS), "name": 1}
    assert all("\n" not in odd.sentence for odd in report.left_out)


KILLED = """
import os, signal, sys
from pathlib import Path
import episodes.lab_format
from episodes.convert import Options, convert
episodes.lab_format.write_content = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
convert(Options(Path(sys.argv[1]), Path(sys.argv[2])))
"""


def test_a_killed_conversion_leaves_no_folder_and_what_it_left_is_cleaned(source, tmp_path):
    lab.august(source)
    out = tmp_path / "all" / "out"
    done = subprocess.run([sys.executable, "-c", KILLED, source, out], cwd=ROOT)
    assert done.returncode == -9
    (left,) = out.parent.iterdir()
    assert check(out.parent).leftovers == [left]
    assert check(out.parent, repair=True).is_sound
    assert list(out.parent.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(source, tmp_path, monkeypatch):
    lab.august(source)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ValueError, match="No space left on device; nothing was written"):
        main(Options(source, tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_help_names_every_format():
    said = Options.__doc__ + "".join(run("--help")[1].split("│"))
    assert [name for name in (*READERS, *WRITERS) if name not in said] == []
