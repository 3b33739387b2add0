"""robomimic's layout, read as its own loader reads it, and read back equal."""

import json
import re

import h5py
import numpy as np
import pytest

from episodes.convert import Options, convert
from episodes.formats import layout_of
from episodes.hdf5 import find_episodes, read_episode
from episodes.hdf5_writer import write_episode
from tests.episodes import laboratory as lab
from tests.episodes.records import record

KEYS = ("front_image", "last_command")


def written(source, **asked):
    out = source.parent / "robomimic"
    convert(Options(source, out, to="robomimic", **asked))
    return out / "demo.hdf5"


def sequences(path, mask=None):
    """Every sample, as robomimic's SequenceDataset finds it; plain h5py, nothing of ours."""
    with h5py.File(path, "r", swmr=True) as f:
        demos = list(f["data"].keys()) if mask is None else [
            name.decode("utf-8") for name in np.array(f[f"mask/{mask}"][:])]
        for demo in sorted(demos, key=lambda name: int(name[5:])):
            length = f[f"data/{demo}"].attrs["num_samples"]
            for index in range(length):
                sample = {name: f[f"data/{demo}/{name}"][index]
                          for name in ("actions", "rewards", "dones")}
                for part in ("obs", "next_obs"):
                    sample[part] = {key: f[f"data/{demo}/{part}/{key}"][index] for key in KEYS}
                yield demo, index, sample


def test_robomimics_loader_finds_every_decision_with_what_was_seen(source):
    lab.august(source, seed=3)
    found = list(sequences(written(source)))
    assert [(demo, index) for demo, index, _ in found] == [("demo_0", n) for n in range(17)]
    seen, driven = lab.pictures(seed=3)[1:], lab.commands()
    for index, (_, _, sample) in enumerate(found):
        following = min(index + 1, 16)
        assert np.array_equal(sample["obs"]["front_image"], seen[index])
        assert np.array_equal(sample["next_obs"]["front_image"], seen[following])
        assert np.array_equal(sample["actions"], driven[index])
        before = driven[index - 1] if index else np.zeros(3)
        assert np.array_equal(sample["obs"]["last_command"], before)
        assert np.array_equal(sample["next_obs"]["last_command"], driven[index])
        assert (sample["rewards"], sample["dones"]) == (0.0, index == 16)


def test_the_file_says_what_robomimic_asks_of_it(source):
    lab.august(source, seed=1)
    lab.november(source, seed=2)
    with h5py.File(written(source)) as f:
        assert f["data"].attrs["total"] == 34
        assert json.loads(f["data"].attrs["env_args"]) == {
            "env_name": "MobileVLA", "type": 2, "env_type": 2, "env_version": "0",
            "env_kwargs": {"scenarios": ["1box_hori_left", "1box_vert_left"]}}
        assert f["data/demo_0/obs/front_image"].compression == "gzip"
        assert f["data/demo_0"].attrs["instruction"].startswith("Navigate around")


def test_the_world_of_a_single_scenario_is_named_by_its_id(source):
    lab.august(source)
    with h5py.File(written(source)) as f:
        assert json.loads(f["data"].attrs["env_args"])["env_name"] == "MobileVLA/1box_vert_left-v0"


def test_masks_hold_out_whole_layouts_and_name_scenarios(source):
    for second in range(12):  # two by two begin with the same picture, as left and right do
        side = "left" if second % 2 else "right"
        lab.august(source, f"episode_20250815_0903{second:02d}_1box_vert_{side}_core_far.h5",
                   seed=second // 2)
    path = written(source, hold_out=0.3)
    train, valid = ({demo for demo, *_ in sequences(path, mask)} for mask in ("train", "valid"))
    assert (len(train), len(valid)) == (8, 4)
    assert train | valid == {f"demo_{number}" for number in range(12)}
    assert len({int(demo[5:]) // 2 for demo in valid}) == 2
    left = {demo for demo, *_ in sequences(path, "1box_vert_left")}
    assert left == {f"demo_{number}" for number in range(1, 12, 2)}


def same(before, after):
    for mine, kept in zip(before.decisions, after.decisions):
        assert np.array_equal(mine, kept)
        assert mine.dtype == kept.dtype
    for name in ("name", "scenario", "pattern", "distance", "instruction", "source",
                 "total_duration_s", "seed_root", "copy_of"):
        assert getattr(before, name) == getattr(after, name), name
    assert after.layout == layout_of(before)
    frames, again = before.decision_frames, after.decision_frames
    assert [before.events[frame] for frame in frames] == [after.events[frame] for frame in again]
    assert before.time_s is None or np.array_equal(before.time_s[frames], after.time_s[again])


def test_there_and_back_everything_is_equal(source, tmp_path):
    lab.august(source, seed=1)
    lab.november(source, seed=2)
    write_episode(source, record(moves=5), facts={"purpose": "train", "seed_root": 3,
                                                  "copy_of": "that", "layout": "0123"})
    path = written(source)
    assert convert(Options(path, tmp_path / "back", from_="robomimic")).color_orders == {"rgb": 3}
    back = [read_episode(each) for each in find_episodes(tmp_path / "back")]
    originals = [read_episode(each) for each in find_episodes(source)]
    assert len(back) == 3
    for before, after in zip(originals, back):
        same(before, after)


def test_hundreds_of_demonstrations_are_read(source, tmp_path):
    path = written_by_others(source / "many.hdf5", demos=60)
    report = convert(Options(path, tmp_path / "out", from_="robomimic", scenario="2box_vert_left"))
    assert report.converted == 60


def written_by_others(path, demos=2, frames=4, key="agentview_image", **changed):
    """As robomimic's own scripts write: no packing, no words of ours; `None` leaves out."""
    with h5py.File(path, "w") as f:
        data = f.create_group("data")
        data.attrs["total"] = demos * frames
        data.attrs["env_args"] = json.dumps({"env_name": "Lift", "type": 1, "env_kwargs": {}})
        for number in range(demos):
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = frames
            parts = {f"obs/{key}": lab.pictures(frames, number),
                     "actions": np.full((frames, 3), 0.5), "dones": np.zeros(frames),
                     "rewards": np.zeros(frames), "states": np.zeros((frames, 32))}
            for name, content in (parts | (changed if number == 0 else {})).items():
                if content is not None:
                    demo.create_dataset(name, data=content)
    return path


def test_a_foreign_file_needs_words_and_gets_them_from_the_user(tmp_path):
    path = written_by_others(tmp_path / "lift.hdf5")
    with pytest.raises(ValueError, match="none of its 2 episodes"):
        convert(Options(path, tmp_path / "out", from_="robomimic"))
    convert(Options(path, tmp_path / "out", from_="robomimic", scenario="2box_vert_left",
                    origin="dummy"))
    first, second = (read_episode(each) for each in find_episodes(tmp_path / "out"))
    assert np.array_equal(second.decisions[0], lab.pictures(4, 1))
    assert (first.scenario, first.source) == ("2box_vert_left", "dummy")
    assert "left side" in first.instruction


def test_pictures_that_others_stored_as_bgr_are_turned_on_demand(tmp_path):
    path = written_by_others(tmp_path / "lift.hdf5", demos=1)
    report = convert(Options(path, tmp_path / "out", from_="robomimic", bgr=True,
                             scenario="2box_vert_left"))
    (episode,) = map(read_episode, find_episodes(tmp_path / "out"))
    assert np.array_equal(episode.decisions[0], lab.pictures(4)[..., ::-1])
    assert report.color_orders == {"bgr": 1}


SEVEN = np.zeros((4, 7))


@pytest.mark.parametrize(("changed", "says"), [
    ({"actions": SEVEN}, r"data/demo_0: actions must be \[T, 3\] .* got \[4, 7\]"),
    ({"actions": None}, "data/demo_0: has no dataset 'actions'"),
    ({"actions": np.full((4, 3), np.nan)}, "data/demo_0: actions must be finite"),
    ({"actions": np.zeros((3, 3))}, "data/demo_0: actions has 3 entries for 4 images"),
    ({"actions": np.full((4, 3), 3.0)}, r"data/demo_0: actions are \[3, 3, 3\] in frame 1"),
    ({"obs/agentview_image": None}, r"data/demo_0: obs has the pictures \[\], expected"),
    ({"obs/second_image": lab.pictures(4)}, r"pictures \['agentview_image', 'second_image'\]"),
    ({"time_s": np.zeros(2)}, r"data/demo_0: time_s must be \[4\] seconds"),
])
def test_an_odd_demonstration_is_left_out_in_a_sentence(tmp_path, changed, says):
    path = written_by_others(tmp_path / "lift.hdf5", **changed)
    report = convert(Options(path, tmp_path / "out", from_="robomimic",
                             scenario="2box_vert_left"))
    assert report.converted == 1
    (odd,) = report.left_out
    assert odd.sentence.startswith(f"{path}: data/demo_0: ")
    assert re.search(says, odd.sentence), odd.sentence


def said_wrongly(f):
    f["data/demo_0"].attrs["num_samples"] = 5


def said_often(f):
    f["data/demo_0"].attrs["num_samples"] = [4, 4]


def times_as_a_group(f):
    f.create_group("data/demo_0/time_s")


def linked(f):
    f["data/demo_9"] = h5py.ExternalLink("elsewhere.hdf5", "/data/demo_0")


def in_a_circle(f):
    f["data/demo_0/data"] = f["data"]


def declared(f):
    del f["data/demo_0/obs"]
    f.create_dataset("data/demo_0/obs/agentview_image", (10**6, 720, 1280, 3), np.uint8,
                     chunks=(1, 720, 1280, 3))


def a_data_set_for_a_demo(f):
    f["data/demo_9"] = np.zeros(3)


@pytest.mark.parametrize(("spoil", "says", "kept"), [
    (said_wrongly, "data/demo_0: num_samples is .*5.*, expected the 4 of its actions", 1),
    (said_often, "data/demo_0: num_samples is .*, expected the 4", 1),
    (times_as_a_group, "data/demo_0: time_s is a group", 1),
    (a_data_set_for_a_demo, "data/demo_9: is no group", 2),
    (linked, "/data/demo_9 is a soft or external link", 0),
    (in_a_circle, "is met twice", 0),
    (declared, "is declared as .* expected at most", 0),
    (lambda f: f.move("data", "other"), "has no group 'data'", 0),
])
def test_hostile_files_are_refused_before_anything_is_read(tmp_path, spoil, says, kept):
    path = written_by_others(tmp_path / "lift.hdf5")
    with h5py.File(path, "a") as f:
        spoil(f)
    options = Options(path, tmp_path / "out", from_="robomimic", scenario="2box_vert_left")
    if not kept:
        with pytest.raises(ValueError, match=says):
            convert(options)
        return
    report = convert(options)
    assert report.converted == kept
    assert re.search(says, report.left_out[0].sentence)


def test_of_a_folder_the_sound_files_are_read(tmp_path):
    (tmp_path / "in").mkdir()
    written_by_others(tmp_path / "in" / "a.hdf5")
    (tmp_path / "in" / "b.hdf5").write_bytes(b"torn")
    report = convert(Options(tmp_path / "in", tmp_path / "out", from_="robomimic",
                             scenario="2box_vert_left"))
    assert (report.converted, len(report.left_out)) == (2, 1)


def test_a_file_system_that_refuses_leaves_nothing(source, tmp_path, monkeypatch):
    lab.august(source)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("episodes.robomimic.write_chunks", full)
    with pytest.raises(OSError, match="No space left"):
        written(source)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
