"""Data sets that want more than to be read: whatever they hold, one sentence is the answer."""

import os
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from episodes.lerobot_layout import CAMERA
from tests.episodes.test_lerobot import changed_info, episode, read, smooth, written

DATA, ROWS = "data/chunk-000/file-000.parquet", "meta/episodes/chunk-000/file-000.parquet"
MUTATIONS = 150


@pytest.fixture
def out(tmp_path):
    return written(tmp_path / "out", [episode(0), episode(1)])


def replaced(path, name, value) -> None:
    """Another value in every row of one column."""
    table = pq.read_table(path)
    place = table.schema.get_field_index(name)
    column = pa.array([value] * len(table), table.schema.field(name).type)
    pq.write_table(table.set_column(place, name, column), path)


@pytest.mark.parametrize(("key", "value", "sentence"), [
    ("data_path", "../../etc/{chunk_index}/{file_index}", "data_path is"),
    ("data_path", "/etc/passwd", "data_path is"),
    ("data_path", "data/{chunk_index.__class__}", "data_path is"),
    ("data_path", "data/{chunk_index:0999999999d}", "data_path is"),
    ("codebase_version", "v2.1", "convert_dataset_v21_to_v30"),
    ("codebase_version", None, "codebase_version"),
    ("fps", 0, "fps must be"),
    ("fps", float("nan"), "fps must be"),
    ("fps", "3", "fps must be"),
    ("features", [], "features must be"),
    ("total_episodes", -1, "total_episodes must be"),
])
def test_info_that_leads_elsewhere_or_says_nonsense_is_refused(out, key, value, sentence):
    changed_info(out, lambda info: info.update({key: value}))
    with pytest.raises(ValueError, match=f"info.json: .*{sentence}"):
        read(out)


def test_a_camera_by_the_name_of_a_parent_folder_is_refused(out):
    changed_info(out, lambda info: info["features"].update({"..": info["features"][CAMERA]}))
    with pytest.raises(ValueError, match="expected names of letters"):
        read(out)


def test_the_path_of_a_video_is_not_taken_from_the_file(tmp_path):
    out = written(tmp_path / "out", [episode(images=smooth(5))], "video")
    changed_info(out, lambda info: info.update(video_path="/etc/{video_key}"))
    with pytest.raises(ValueError, match="video_path is '/etc"):
        read(out)


@pytest.mark.parametrize("shape", [[1 << 40, 2, 3], [100000, 100000, 3], [4, 6], "big", [-4, 6, 3],
                                   [True, 6, 3], [4, 6, 4]])
def test_a_size_that_no_picture_has_is_refused_before_room_is_made(out, shape):
    changed_info(out, lambda info: info["features"][CAMERA].update(shape=shape))
    with pytest.raises(ValueError, match="shape"):
        read(out)


def test_more_frames_than_fit_are_refused_before_room_is_made(out):
    replaced(out / ROWS, "length", 99_999)
    changed_info(out, lambda info: info["features"][CAMERA].update(shape=[4000, 4000, 3]))
    with pytest.raises(ValueError, match="2 GiB"):
        read(out)


@pytest.mark.parametrize(("column", "value", "sentence"), [
    ("length", 5, "expected its frame 4 of 5"),
    ("length", 0, "length must be"),
    ("length", 1 << 60, "length must be"),
    ("episode_index", 7, "episode_index is 7, expected 0"),
    ("data/file_index", 3, "no such file"),
    ("data/file_index", -1, "file_index must be"),
    ("source", "simulated or so", "source is"),
    ("episode_name", "x" * 100_000, "episode_name must be a text"),
])
def test_rows_that_do_not_fit_the_frames_are_refused(out, column, value, sentence):
    replaced(out / ROWS, column, value)
    with pytest.raises(ValueError, match=sentence):
        read(out)


@pytest.mark.parametrize(("column", "value", "sentence"), [
    ("task_index", 9, "task_index is 9"),
    ("action", [float("nan"), 0.0, 0.0], "finite"),
    ("action", None, "finite|damaged"),
    (CAMERA, {"bytes": None, "path": "/etc/passwd"}, "has no bytes"),
    (CAMERA, {"bytes": b"\x89PNG nothing", "path": None}, "cannot be unpacked"),
    (CAMERA, {"bytes": b"%!PS-Adobe-3.0 EPSF", "path": None}, "cannot be unpacked"),
])
def test_frames_that_are_none_are_refused(out, column, value, sentence):
    replaced(out / DATA, column, value)
    with pytest.raises(ValueError, match=sentence):
        read(out)


def test_a_picture_of_another_size_than_declared_is_refused(out):
    changed_info(out, lambda info: info["features"][CAMERA].update(shape=[8, 6, 3]))
    with pytest.raises(ValueError, match="is 4 x 6, expected 8 x 6"):
        read(out)


def test_episodes_that_are_missing_are_missed(out):
    changed_info(out, lambda info: info.update(total_episodes=3))
    with pytest.raises(ValueError, match="has 2 episodes, expected the 3"):
        read(out)


def test_a_link_out_of_the_folder_is_not_followed(out, tmp_path):
    outside = tmp_path / "secret.parquet"
    shutil.move(out / DATA, outside)
    (out / DATA).symlink_to(outside)
    with pytest.raises(ValueError, match="expected a file inside"):
        read(out)


def test_a_pipe_is_not_waited_for(out):
    (out / ROWS).unlink()
    os.mkfifo(out / ROWS)
    with pytest.raises(ValueError, match="no regular file"):
        read(out)


def test_few_bytes_that_stand_for_very_many_rows_are_refused(out):
    path = out / "meta/tasks.parquet"
    rows = 11_000_000
    index = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int8)), pa.array([0]))
    pq.write_table(pa.table({"task_index": index}), path)
    with pytest.raises(ValueError, match="declares 11000000 rows"):
        read(out)


def test_a_row_that_would_become_very_many_numbers_is_refused(out):
    table = pq.read_table(out / DATA)
    place = table.schema.get_field_index("action")
    lists = pa.array([[0.0] * 1_000_000] + [[0.0] * 3] * (len(table) - 1), pa.list_(pa.float32()))
    pq.write_table(table.set_column(place, "action", lists), out / DATA)
    with pytest.raises(ValueError, match="action has 1000000 values in 1 rows"):
        read(out)


def test_a_playlist_instead_of_a_video_is_not_followed(tmp_path):
    out = written(tmp_path / "out", [episode(images=smooth(5))], "video")
    video = next(out.rglob("*.mp4"))
    video.write_text("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n")
    with pytest.raises(ValueError, match="damaged or no video"):
        read(out)


def test_a_video_that_nobody_knows_how_to_unpack_is_refused(tmp_path):
    out = written(tmp_path / "out", [episode(images=smooth(5))], "video")
    video = next(out.rglob("*.mp4"))
    video.write_bytes(video.read_bytes().replace(b"av01", b"zzzz"))
    with pytest.raises(ValueError, match="packed in an unknown way"):
        read(out)


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "{", "\xff"])
def test_what_is_no_json_object_is_refused(out, text):
    (out / "meta/info.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ValueError, match="info.json: "):
        read(out)


@pytest.mark.parametrize("storage", ["image", "video"])
def test_damage_by_chance_is_answered_by_a_sentence_or_by_nothing(tmp_path, storage):
    """No other error than ValueError; what no check can see, a bit in a picture, may pass."""
    sound = written(tmp_path / "sound", [episode(images=smooth(5)), episode(1, images=smooth(5))],
                    storage)
    files = sorted(path.relative_to(sound) for path in sound.rglob("*")
                   if path.suffix in (".parquet", ".mp4", ".json"))
    rng, refused = np.random.default_rng(5), 0
    for number in range(MUTATIONS):
        damaged = tmp_path / f"damaged_{number}"
        shutil.copytree(sound, damaged)
        path = damaged / files[int(rng.integers(len(files)))]
        content = bytearray(path.read_bytes())
        for _ in range(int(rng.integers(1, 8))):
            content[int(rng.integers(len(content)))] = int(rng.integers(256))
        path.write_bytes(content[:int(rng.integers(len(content)))] if number % 5 == 0 else content)
        try:
            read(damaged)
        except ValueError as error:
            refused += 1
            assert "\n" not in str(error)
        shutil.rmtree(damaged)
    assert refused > MUTATIONS // 4
