import json
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from episodes.hdf5 import read_episode
from episodes.hdf5_writer import write_episode
from episodes.truths import read_truth
from tests.episodes.records import BLUE, RED, record

ROOT = Path(__file__).parent.parent.parent


def laboratory_loader(path):
    """Reads only what the laboratory's own loaders read, the way they do."""
    with h5py.File(path, "r") as f:
        images, actions = f["images"][:], f["actions"][:]
        events = [event.decode("utf-8") for event in f["action_event_types"][:]]
        return images, actions, events, dict(f.attrs)


def test_the_laboratorys_loaders_read_a_lab_episode(tmp_path):
    path = write_episode(tmp_path, record(moves=13), "lab")
    images, actions, events, attributes = laboratory_loader(path)
    assert images.shape == (18, 2, 3, 3)
    assert images.dtype == np.uint8
    assert actions.shape == (18, 3)
    assert actions.dtype == np.float32
    assert events == ["episode_start"] + ["start_action"] * 13 + ["stop_action"] * 4
    assert {name: attributes[name] for name in (
        "episode_name", "scenario", "action_chunk_size", "num_frames", "total_duration",
    )} == {"episode_name": path.stem, "scenario": "1box_vert_left", "action_chunk_size": 8,
           "num_frames": 18, "total_duration": 8.5}


def test_pictures_are_bgr_on_disk(tmp_path):
    red = np.zeros((4, 2, 3, 3), np.uint8)
    red[:] = RED
    path = write_episode(tmp_path, record(moves=1, rgb=red), storage="gzip")
    images, *_ = laboratory_loader(path)
    assert images[0, 0, 0].tolist() == list(BLUE)
    assert read_episode(path).images[0, 0, 0].tolist() == list(RED)


def test_a_frame_shows_what_was_seen_just_before_its_command(tmp_path):
    images, actions, *_ = laboratory_loader(
        write_episode(tmp_path, record(moves=2, stops=1), storage="gzip"))
    assert images[:, 0, 0, 0].tolist() == [0, 0, 1, 2]
    assert actions[:, 0].tolist() == [0.0, np.float32(1.15), np.float32(1.15), 0.0]


def test_a_lab_episode_is_padded_with_the_final_picture_and_no_motion(tmp_path):
    path = write_episode(tmp_path, record(moves=2, stops=1), "lab")
    images, actions, events, _ = laboratory_loader(path)
    assert images[:, 0, 0, 0].tolist() == [0, 0, 1, 2, *[3] * 14]
    assert not actions[4:].any()
    assert events[4:] == ["stop_action"] * 14


def test_seventeen_decisions_fit_a_lab_episode_and_eighteen_do_not(tmp_path):
    write_episode(tmp_path, record(moves=15, stops=2), "lab")
    with pytest.raises(ValueError, match="at most 17 decisions, got 18"):
        write_episode(tmp_path, record(moves=16, stops=2), "lab")


def test_a_full_episode_has_every_decision(tmp_path):
    path = write_episode(tmp_path, record(moves=30), storage="gzip")
    assert laboratory_loader(path)[3]["num_frames"] == 33
    pictures, commands = read_episode(path).decisions
    assert pictures[:, 0, 0, 0].tolist() == list(range(32))
    assert commands.tolist() == record(moves=30).sent.tolist()


def test_what_fills_up_a_lab_episode_is_no_decision(tmp_path):
    path = write_episode(tmp_path, record(moves=13, stops=2), "lab")
    pictures, commands = read_episode(path).decisions
    assert len(read_episode(path).images) == 18
    assert (len(pictures), len(commands)) == (15, 15)


def test_a_made_up_file_may_say_its_source_and_no_truth(tmp_path):
    with h5py.File(tmp_path / "made_up.h5", "w") as file:
        file.create_group("sim").attrs["source"] = "dummy"
    assert read_truth(tmp_path / "made_up.h5") is None
    with h5py.File(tmp_path / "made_up.h5", "a") as file:
        file["sim/poses"] = np.zeros((2, 3))
    with pytest.raises(ValueError, match="its group sim/ is damaged"):
        read_truth(tmp_path / "made_up.h5")


def test_one_frame_is_one_gzip_chunk(tmp_path):
    with h5py.File(write_episode(tmp_path, record(moves=1), "lab")) as file:
        images = file["images"]
        assert images.chunks == (1, 2, 3, 3)
        assert (images.compression, images.shuffle) == ("gzip", False)  # what every HDF5 reads
        assert file["actions"].compression == "gzip"
        assert h5py.check_string_dtype(file["action_event_types"].dtype).length is None


def test_who_packs_the_pictures_makes_no_difference_to_who_reads_them(tmp_path, monkeypatch):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 5, 7, 3), np.uint8)
    for packer in (zlib, pytest.importorskip("isal.isal_zlib")):
        monkeypatch.setattr("episodes.packing.packer", packer)
        path = write_episode(tmp_path, record(moves=1, rgb=pictures), storage="gzip")
        np.testing.assert_array_equal(read_episode(path).images, pictures[[0, 0, 1, 2]])


def test_files_are_read_where_no_plug_in_is_installed(tmp_path):
    """Training on ready episodes needs h5py alone."""
    code = ("import sys; sys.modules['hdf5plugin'] = sys.modules['isal'] = None\n"
            "from episodes.hdf5 import read_episode; print(len(read_episode(sys.argv[1]).images))")
    path = write_episode(tmp_path, record(moves=1))
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, check=True, text=True,
                          capture_output=True)
    assert done.stdout.strip() == "4"


def test_everything_else_stands_under_sim(tmp_path):
    path = write_episode(tmp_path, record(moves=2), facts={"renderer": "tiny"})
    with h5py.File(path) as file:
        assert set(file) == {"images", "actions", "action_event_types", "sim"}
        assert set(file.attrs) == {"episode_name", "scenario", "action_chunk_size", "num_frames",
                                   "total_duration", "schema_version"}
        facts = dict(file["sim"].attrs)
        assert (facts["source"], facts["seed"], facts["ended_by"], facts["renderer"]) == (
            "simulated", 7, "goal", "tiny")
        assert facts["rate_hz"] == 2.0
        assert json.loads(facts["variation"])["bias"] == "left"
        assert file["sim/time_s"][:].tolist() == [0.0, 0.0, 0.5, 1.0, 1.5]
        assert file["sim/poses"].shape == (5, 3)
        assert "latency_s" not in file["sim"]  # wall-clock times differ at every run


def test_the_same_record_gives_the_same_bytes(tmp_path):
    first = write_episode(tmp_path / "a.h5", record(moves=3)).read_bytes()
    again = write_episode(tmp_path / "a.h5", record(moves=3)).read_bytes()
    assert first == again


def test_files_in_a_folder_are_named_by_the_grammar_one_second_apart(tmp_path):
    paths = [write_episode(tmp_path, record(moves=1)) for _ in range(2)]
    assert [path.name for path in paths] == [
        "episode_20000101_000000_1box_vert_left_core_far.h5",
        "episode_20000101_000001_1box_vert_left_core_far.h5"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write_episode(tmp_path / "a.h5", record(moves=1))
    before = path.read_bytes()

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_episode(path, record(moves=9))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("profile", "changed", "sentence"), [
    ("short", {}, "profile must be one of lab, full"), ("full", {"rgb": None}, "keep_rgb"),
])
def test_what_cannot_be_written_is_refused(tmp_path, profile, changed, sentence):
    with pytest.raises(ValueError, match=sentence):
        write_episode(tmp_path, record(moves=1, **changed), profile)
    assert list(tmp_path.iterdir()) == []
