"""Data sets for LeRobot and from it. Its own reader opens them in `tox -e lerobot`; here the layout
is read by pyarrow alone."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from envs import load_robot
from episodes.convert import Options, main
from episodes.hdf5 import Episode, events_of
from episodes.lerobot_layout import ACTION, CAMERA, STATE, Limits
from episodes.lerobot_read import read_lerobot
from episodes.lerobot_write import write_lerobot
from episodes.rosbag import Told

ROBOT = load_robot()
MOVES = np.array([(1.15, 0, 0), (0, 1.15, 0), (1.15, 0, 0), (0, 0, 0)], np.float32)


def episode(number=0, size=(4, 6), moves=MOVES, **changed) -> Episode:
    """A start frame, then a picture for each move; pixels say which episode and frame they are."""
    count = len(moves) + 1
    rng = np.random.default_rng(number)
    images = rng.integers(0, 256, (count, *size, 3), np.uint8)
    commands = np.concatenate([np.zeros((1, 3), np.float32), moves])
    values = {
        "images": images, "commands": commands, "events": ("episode_start", *events_of(moves)),
        "name": f"episode_20000101_00000{number}_1box_vert_left", "scenario": "1box_vert_left",
        "pattern": "core", "distance": "far", "instruction": f"Way {number % 2}",
        "source": "simulated", "total_duration_s": 1.6,
        "time_s": np.array([0.0, *(0.4 * np.arange(count - 1))]), "path": Path("made.h5"),
        "seed_root": 5,
    }
    return Episode(**(values | changed))


def smooth(count, size=(64, 96)):
    """Pictures that a codec is made for, each with another brightness."""
    ramp = np.linspace(0, 80, size[1])[None, :, None]
    return np.array([np.broadcast_to(ramp + 30 * frame, (*size, 3)) for frame in range(count)]
                    ).astype(np.uint8)


def written(folder, episodes, *words, **named) -> Path:
    folder.mkdir()
    write_lerobot(folder, episodes, *words, **named)
    return folder


def read(folder, **told) -> list[Episode]:
    return list(read_lerobot(folder, ROBOT, Told(**told)))


def changed_info(folder, change) -> None:
    path = folder / "meta/info.json"
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


def test_images_commands_and_words_come_back_as_they_were(tmp_path):
    episodes = [episode(0), episode(1, moves=MOVES[:2]), episode(2, seed_root=None, time_s=None)]
    back = read(written(tmp_path / "out", episodes))
    assert len(back) == 3
    for before, after in zip(episodes, back):
        images, commands = before.decisions
        assert np.array_equal(after.images, images)
        assert np.array_equal(after.commands, commands)
        for name in ("name", "scenario", "pattern", "distance", "instruction", "source",
                     "total_duration_s", "seed_root", "copy_of", "layout"):
            assert getattr(after, name) == getattr(before, name), name
    assert np.array_equal(back[0].time_s, episodes[0].time_s[1:])
    assert back[2].time_s is None


def test_an_encoder_goes_before_no_other_process_even_where_root_runs_it(tmp_path):
    def watched():
        for number in range(2):
            yield episode(number, images=smooth(5))
            found.update(os.sched_getscheduler(int(each)) for each in os.listdir("/proc/self/task"))

    found = set()
    written(tmp_path / "data", watched(), storage="video")
    assert found == {os.SCHED_OTHER}


def test_a_video_differs_by_little_and_no_picture_is_exchanged(tmp_path):
    episodes = [episode(number, images=smooth(5) + np.uint8(10 * number)) for number in range(2)]
    back = read(written(tmp_path / "out", episodes, "video"))
    for before, after in zip(episodes, back):
        pictures = before.decisions[0].astype(int)
        errors = np.abs(pictures[:, None] - after.images[None]).mean(axis=(2, 3, 4))
        assert np.diag(errors).max() < 1.5  # the next picture is brighter by 30
        assert np.array_equal(errors.argmin(axis=1), np.arange(4))


def test_the_layout_is_that_of_version_3(tmp_path):
    out = written(tmp_path / "out", [episode(0), episode(1), episode(2, moves=MOVES[:3])])
    info = json.loads((out / "meta/info.json").read_text())
    assert info["codebase_version"] == "v3.0"
    assert info["fps"] == 3  # 2.5 decisions a second; a whole number is wanted
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (3, 11, 2)
    assert info["splits"] == {"train": "0:3"}
    assert info["features"][ACTION]["names"] == ["x.vel", "y.vel", "theta.vel"]
    data = pq.ParquetFile(out / "data/chunk-000/file-000.parquet")
    assert [data.metadata.row_group(group).num_rows for group in range(3)] == [4, 4, 3]
    frames = data.read()
    assert frames.schema.field(ACTION).type == pa.list_(pa.float32(), 3)
    assert frames["index"].to_pylist() == list(range(11))
    assert frames["frame_index"].to_pylist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2]
    assert frames["timestamp"].to_numpy()[1] == np.float32(1 / 3)
    assert frames[STATE].to_pylist()[1] == pytest.approx([1.15, 0, 0])  # the command in force
    assert frames[CAMERA].to_pylist()[0]["bytes"].startswith(b"\x89PNG")
    tasks = pq.read_table(out / "meta/tasks.parquet")
    assert tasks.to_pydict() == {"task_index": [0, 1], "task": ["Way 0", "Way 1"]}
    assert json.loads(tasks.schema.metadata[b"pandas"])["index_columns"] == ["task"]
    rows = pq.read_table(out / "meta/episodes/chunk-000/file-000.parquet").to_pylist()
    assert [(row["dataset_from_index"], row["dataset_to_index"]) for row in rows] == [
        (0, 4), (4, 8), (8, 11)]
    assert rows[1]["tasks"] == ["Way 1"]
    assert np.shape(rows[0][f"stats/{CAMERA}/mean"]) == (3, 1, 1)


def test_statistics_are_those_of_all_frames(tmp_path):
    episodes = [episode(0), episode(1, moves=MOVES[:2])]
    out = written(tmp_path / "out", episodes)
    stats = json.loads((out / "meta/stats.json").read_text())
    images, commands = (np.concatenate(each) for each in zip(*(e.decisions for e in episodes)))
    for name, values in (("mean", commands.mean(axis=0)), ("std", commands.std(axis=0)),
                         ("min", commands.min(axis=0)), ("max", commands.max(axis=0))):
        assert stats[ACTION][name] == pytest.approx(values, abs=1e-6)
    pixels = images.reshape(-1, 3) / 255
    assert np.ravel(stats[CAMERA]["mean"]) == pytest.approx(pixels.mean(axis=0))
    assert np.ravel(stats[CAMERA]["std"]) == pytest.approx(pixels.std(axis=0))
    assert stats[ACTION]["count"] == [6]


@pytest.mark.parametrize("storage", ["image", "video"])
def test_full_files_and_folders_are_followed_by_the_next(tmp_path, storage):
    moves = np.tile(MOVES, (3, 1))  # noise: more than 1 MB a file after one or four episodes
    episodes = [episode(number, size=(256, 256), moves=moves) for number in range(10)]
    out = written(tmp_path / "out", episodes, storage, limits=Limits(2, 1, 1))
    kind = {"image": "data", "video": "videos"}[storage]
    files = sorted(path.relative_to(out / kind).as_posix().replace(f"{CAMERA}/", "")
                   for path in (out / kind).rglob("file-*"))
    assert len(files) > 2
    assert {name.split("/")[0] for name in files} >= {"chunk-000", "chunk-001"}
    if storage == "video":  # the encoder keeps some pictures back
        assert all(path.stat().st_size < 4 * 1024**2 for path in (out / kind).rglob("file-*"))
    back = read(out)
    assert [each.name for each in back] == [each.name for each in episodes]
    if storage == "image":
        assert np.array_equal(back[4].images, episodes[4].decisions[0])


@pytest.mark.parametrize("wrong_s", [1e-320, 1e-9, np.inf, np.nan, -3.0, 0.0])
@pytest.mark.parametrize("storage", ["image", "video"])
def test_a_clock_that_cannot_be_right_sets_no_rate(tmp_path, storage, wrong_s):
    made = episode(images=smooth(5), time_s=np.cumsum([wrong_s] * 5), total_duration_s=wrong_s)
    out = written(tmp_path / "out", [made], storage)
    assert json.loads((out / "meta/info.json").read_text())["fps"] == 3  # the simulator's 2.5
    assert len(read(out)[0].images) == 4


def test_quantiles_of_pictures_and_commands_are_those_of_their_values(tmp_path):
    made = episode(moves=np.array([(1.15, -1.15, 0), *[(1.15, 0, 0)] * 15], np.float32))
    out = written(tmp_path / "out", [made])
    stats = json.loads((out / "meta/stats.json").read_text())
    images, commands = made.decisions
    for name, share in (("q01", 0.01), ("q10", 0.1), ("q50", 0.5), ("q90", 0.9), ("q99", 0.99)):
        met = np.quantile(commands, share, axis=0, method="inverted_cdf")
        assert stats[ACTION][name] == pytest.approx(met, abs=1e-6)
        pixels = np.quantile(images.reshape(-1, 3), share, axis=0, method="inverted_cdf") / 255
        assert np.ravel(stats[CAMERA][name]) == pytest.approx(pixels)
        assert np.shape(stats[CAMERA][name]) == (3, 1, 1)
    assert stats[ACTION]["q01"][1] == pytest.approx(-1.15)  # met once, of 16


def test_actions_of_two_numbers_say_so_and_never_hide_a_turn(tmp_path):
    out = written(tmp_path / "out", [episode()], numbers=2)
    info = json.loads((out / "meta/info.json").read_text())
    assert info["features"][ACTION]["names"] == ["x.vel", "y.vel"]
    assert np.array_equal(read(out)[0].commands, MOVES)
    turning = episode(moves=np.array([(1.15, 0, 0.5)], np.float32))
    with pytest.raises(ValueError, match="turns .angular_z 0.5 in decision 0."):
        written(tmp_path / "other", [turning], numbers=2)


@pytest.mark.parametrize(("second", "sentence"), [
    ({"source": "real"}, "is real, expected simulated"),
    ({"instruction": None}, "has no instruction"),
    ({"size": (8, 6)}, r"pictures \[4, 8, 6, 3\], expected some of \[4, 6\]"),
])
def test_what_does_not_fit_together_is_not_written_together(tmp_path, second, sentence):
    with pytest.raises(ValueError, match=sentence):
        written(tmp_path / "out", [episode(), episode(1, **second)])


@pytest.mark.parametrize("size", [(65, 96), (32, 32)])
def test_pictures_that_the_encoder_does_not_take_are_refused(tmp_path, size):
    with pytest.raises(ValueError, match="write them as images"):
        written(tmp_path / "out", [episode(size=size)], "video")


def test_the_card_says_what_it_is_and_leaves_the_licence_to_the_owner(tmp_path):
    card = (written(tmp_path / "out", [episode(), episode(1)]) / "README.md").read_text()
    assert "**simulated**, not recorded" in card
    assert "2, 8, 2" in card  # episodes, frames, tasks
    assert "1box_vert_left (2)" in card
    assert "command units" in card
    assert "- Way 0\n- Way 1\n" in card
    assert "Not chosen" in card


def test_a_data_set_of_others_has_velocities_and_a_picture_every_decision(tmp_path):
    """Ten pictures a second of half the robot's speed; a decision takes 0.4 s."""
    moves = np.tile(np.array([(0.25, 0, 0)], np.float32), (9, 1))
    source = episode(moves=moves, time_s=np.array([0.0, *(0.1 * np.arange(9))]))
    out = written(tmp_path / "out", [source])
    (out / "meta/mobile_vla_bench.json").unlink()
    changed_info(out, lambda info: info.update(robot_type="cart"))
    back = read(out, source="dummy")[0]
    assert np.array_equal(back.images, source.decisions[0][[0, 4, 8]])
    assert back.commands == pytest.approx(np.tile((0.575, 0, 0), (3, 1)))  # 0.25 of 0.5 m/s
    assert back.time_s == pytest.approx([0.0, 0.4, 0.8])
    assert back.source == "dummy"
    changed_info(out, lambda info: info.update(robot_type="lekiwi"))
    assert read(out, wire="lab")[0].commands[0] == pytest.approx([0.25, 0, 0])


def test_what_lerobots_tools_copied_of_ours_is_still_simulated_and_in_command_units(tmp_path):
    """They keep `robot_type`, drop the file beside it and columns that they do not know."""
    moves = np.tile(MOVES, (3, 1))
    out = written(tmp_path / "out", [episode(moves=moves)])
    (out / "meta/mobile_vla_bench.json").unlink()
    rows = out / "meta/episodes/chunk-000/file-000.parquet"
    pq.write_table(pq.read_table(rows).drop(["source", "scenario"]), rows)
    back = read(out)[0]
    assert (back.source, back.scenario) == ("simulated", None)
    assert np.array_equal(back.commands, moves)


def test_an_episode_of_several_tasks_is_left_out_and_the_next_is_read(tmp_path):
    out = written(tmp_path / "out", [episode(0), episode(1), episode(2)])
    path = out / "data/chunk-000/file-000.parquet"
    table = pq.read_table(path)
    tasks = table["task_index"].to_pylist()
    tasks[2:4] = [1, 1]  # of the first episode, whose other frames have task 0
    place = table.schema.get_field_index("task_index")
    pq.write_table(table.set_column(place, "task_index", pa.array(tasks)), path)
    odd, *kept = read(out)
    assert "episode 0: has 2 tasks, expected one" in odd.sentence
    assert [each.instruction for each in kept] == ["Way 1", "Way 0"]


def test_speeds_that_the_robot_does_not_have_are_cut_and_counted(tmp_path, capsys):
    fast = np.array([(0.5, 0, 0), (1.0, 0.25, 0), (2.0, 0, 0)], np.float32)  # m/s; it drives 0.5
    out = written(tmp_path / "in", [episode(moves=fast, time_s=None), episode(1, moves=fast[:1])])
    changed_info(out, lambda info: info.update(robot_type="cart", fps=2))
    (out / "meta/mobile_vla_bench.json").unlink()
    main(Options(out, tmp_path / "out", from_="lerobot", scenario="1box_vert_left"))
    assert "2 decisions were faster than serbot can drive and were cut" in capsys.readouterr().out
    assert json.loads((tmp_path / "out/conversion.json").read_text())["cut_decisions"] == 2


@pytest.mark.parametrize("storage", ["image", "video"])
def test_a_folder_by_the_name_of_a_time_is_no_address(tmp_path, monkeypatch, storage):
    made = [episode(images=smooth(5))]
    written(tmp_path / "at10:30", made, storage)
    monkeypatch.chdir(tmp_path)
    assert len(read(Path("at10:30"))) == 1


def test_without_its_libraries_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(ValueError, match=r"mobile-vla-bench\[lerobot\]"):
        written(tmp_path / "out", [episode()])
    with pytest.raises(ValueError, match=r"mobile-vla-bench\[lerobot\]"):
        read(tmp_path / "out")


def test_episodes_need_no_duration_nor_times(tmp_path):
    bare = replace(episode(), total_duration_s=None, time_s=None)
    back = read(written(tmp_path / "out", [bare]))[0]
    assert (back.total_duration_s, back.time_s) == (None, None)
