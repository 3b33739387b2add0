"""What an episode is survives every format that it goes through, and every way of writing it."""

from collections import Counter
from dataclasses import replace

import h5py
import numpy as np
import pytest

from episodes import lab_format
from episodes.augment import Options as Augment
from episodes.augment import augment
from episodes.convert import Options, convert
from episodes.formats import Asked, held_out
from episodes.hdf5 import find_episodes, read_episode
from episodes.hdf5_writer import write_episode
from tests.episodes import laboratory as lab
from tests.episodes.records import record


def several(folder, count=6):
    """Recordings, each of another layout, whose start frames differ from their first decisions."""
    for second in range(count):
        lab.august(folder, f"episode_20250815_09030{second}_1box_vert_left_core_far.h5", second)
    return folder


def back(folder, to, **asked):
    """The same episodes once they were in another format."""
    there, again = folder.parent / f"{folder.name}_{to}", folder.parent / f"{folder.name}_again"
    convert(Options(folder, there, to=to, **asked))
    convert(Options(there, again, from_=to.split("_")[0]))
    return again


def families_that_are_split(folder):
    """Originals of which one copy, or the original, is held out and another is not."""
    out = folder.parent / "split"
    convert(Options(folder, out, to="robomimic", hold_out=0.3))
    parts = {}
    with h5py.File(out / "demo.hdf5") as file:
        for part in ("train", "valid"):
            for name in file[f"mask/{part}"].asstr():
                told = file[f"data/{name}"].attrs
                parts.setdefault(told.get("copy_of", told["episode_name"]), set()).add(part)
    return [name for name, found in parts.items() if len(found) > 1]


@pytest.mark.parametrize(("to", "asked"), [
    ("robomimic", {}), ("lerobot", {}), ("lab", {"rotate": 180})])
def test_copies_are_held_out_with_their_originals_whatever_they_went_through(
        source, tmp_path, to, asked):
    augment(Augment(several(source), tmp_path / "more", hold_out=0.0))
    assert families_that_are_split(back(tmp_path / "more" / "train", to, **asked)) == []


def test_copies_that_are_made_of_converted_episodes_are_held_out_with_them(source, tmp_path):
    augment(Augment(back(several(source), "robomimic"), tmp_path / "more", hold_out=0.0))
    assert families_that_are_split(tmp_path / "more" / "train") == []


@pytest.mark.parametrize("share", [0.6, 0.9, 0.99])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_something_is_always_left_to_train_on(share, count):
    chosen = held_out([f"layout {number}" for number in range(count)], share)
    assert len(chosen) == min(count - 1, round(share * count))


def test_files_that_do_not_say_their_origin_get_the_one_that_the_user_says(source, tmp_path):
    lab.august(source)
    told = lab.november(source)
    with h5py.File(told, "a") as file:
        file.create_group("sim").attrs["source"] = "simulated"
    convert(Options(source, tmp_path / "out", origin="dummy"))
    assert [read_episode(path).source for path in find_episodes(tmp_path / "out")] == [
        "dummy", "simulated"]


def test_thousands_of_undated_episodes_are_named_in_as_many_steps(source, tmp_path, monkeypatch):
    episode = replace(read_episode(lab.august(source)), name="lift_demo_0")
    asked, name = Counter(), lab_format._name

    def counted(*words):
        asked["names"] += 1
        return name(*words)

    monkeypatch.setattr(lab_format, "_name", counted)
    written = []
    monkeypatch.setattr(lab_format, "_write", lambda path, *_: written.append(path.name))
    lab_format.write_lab(tmp_path, [episode] * 1000, Asked("robomimic"))
    assert len(set(written)) == 1000
    assert asked["names"] < 5000


@pytest.mark.parametrize("root", [np.uint64(2**63), 1e300, -1])
@pytest.mark.parametrize("to", ["lab", "robomimic", "lerobot"])
def test_a_root_that_no_format_holds_is_left_out(source, tmp_path, to, root):
    lab.august(source)
    with h5py.File(lab.november(source), "a") as file:
        file.create_group("sim").attrs.update(source="real", purpose="train", seed_root=root)
    report = convert(Options(source, tmp_path / "out", to=to))
    assert report.converted == 1
    assert "seed_root is" in report.left_out[0].sentence


def test_a_name_in_a_file_moves_no_cursor_and_begins_no_line(source, tmp_path, capsys):
    convert(Options(several(source, 2), tmp_path / "there", to="robomimic"))
    path = tmp_path / "there" / "demo.hdf5"
    with h5py.File(path, "a") as file:
        file["data"].create_group("demo_7\n\x1b[2Jall is well")
    convert(Options(path, tmp_path / "back", from_="robomimic"))
    (said,) = capsys.readouterr().out.splitlines()
    assert r"data/demo_7\n\x1b[2Jall is well: " in said


def told(path):
    """All attributes and arrays of a file but pictures and what every writing says anew."""
    with h5py.File(path) as file:
        attributes = {f"{name} {key}": value for name in ("/", "sim") if name in file
                      for key, value in file[name].attrs.items()}
        arrays = {name: each[...] for name, each in file.get("sim", {}).items()}
    return attributes, arrays


@pytest.mark.parametrize("asked", [{}, {"compat": True}])
def test_from_lab_to_lab_everything_is_kept(source, tmp_path, asked):
    lab.november(source)
    write_episode(source, record(moves=5), facts={"purpose": "train", "seed_root": 3,
                                                  "applied": '[{"operation": "mirror"}]'})
    convert(Options(source, tmp_path / "once", **asked))
    convert(Options(tmp_path / "once", tmp_path / "twice", **asked))
    for path in find_episodes(source):
        attributes, arrays = told(path)
        again, their_arrays = told(tmp_path / "twice" / path.name)
        assert {name: again[name] for name in attributes} == attributes
        assert set(their_arrays) == set(arrays)
        for name, array in arrays.items():
            assert np.array_equal(their_arrays[name], array), name
        assert again["sim original"] == path.stem


def test_what_a_file_was_called_first_is_not_forgotten(source, tmp_path):
    lab.year_2026(source, lab.BASKET, "target_left_left_path")
    convert(Options(source, tmp_path / "once", any_scenario=True))
    convert(Options(tmp_path / "once", tmp_path / "twice", any_scenario=True))
    (path,) = find_episodes(tmp_path / "twice")
    assert told(path)[0]["sim original"] == lab.BASKET.removesuffix(".h5")


def test_attributes_of_every_kind_are_kept_as_they_are(source, tmp_path):
    path = lab.november(source)
    with h5py.File(path, "a") as file:
        file.attrs.update({"keys": ["w", "a"], "numbers": [1, 2.5], "flag": True, "side": "왼쪽",
                           "packed": np.bytes_(b"\xff\0b"), "table": np.zeros((3, 2))})
        for name, texts in (("torn", b"\xff"), ("both", [b"\xff", b"a"])):
            file.attrs.create(name, texts, dtype=h5py.string_dtype())
    convert(Options(source, tmp_path / "out"))
    (before, _), (after, _) = (told(each) for each in (path, tmp_path / "out" / path.name))
    for name, value in before.items():
        assert type(after[name]) is type(value)
        assert np.array_equal(after[name], value), name


def many_numbers(file):
    for number in range(5):
        file[f"sim/heap_{number}"] = np.zeros(500_000)


def a_long_attribute(file):
    file["sim"].attrs["long"] = np.zeros(5000)


@pytest.mark.parametrize(("spoil", "says"), [
    (many_numbers, "sim/ has arrays of 20000000 bytes, expected at most 16777216"),
    (a_long_attribute, "attribute 'long' has 40000 bytes, expected at most 32768")])
def test_more_than_an_episode_has_is_left_out_with_a_word(source, tmp_path, spoil, says):
    lab.august(source)
    with h5py.File(lab.november(source), "a") as file:
        file.create_group("sim").attrs["source"] = "dummy"
        spoil(file)
    report = convert(Options(source, tmp_path / "out"))
    assert report.converted == 1
    assert says in report.left_out[0].sentence
