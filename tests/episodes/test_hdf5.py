import h5py
import hdf5plugin
import numpy as np
import pytest

import scenarios
from episodes.hdf5 import find_episodes, read_episode
from episodes.hdf5_writer import write_episode
from tests.episodes.records import FORWARD, INSTRUCTION, RED, STOP, laboratory_file, record

NAME = "episode_20250815_090353_1box_vert_left_core_medium.h5"
LEFT = scenarios.load("1box_vert_left").instructions.english


def test_a_file_of_august_2025_is_read_from_its_name(tmp_path):
    episode = read_episode(laboratory_file(tmp_path / NAME))
    assert (episode.scenario, episode.pattern, episode.distance) == (
        "1box_vert_left", "core", "medium")
    assert (episode.instruction, episode.source) == (LEFT, "real")
    assert (episode.name, episode.total_duration_s) == (NAME.removesuffix(".h5"), 18.87)
    assert episode.time_s is None
    assert episode.images[0, 0, 0].tolist() == list(RED)
    assert episode.images.flags.c_contiguous


@pytest.mark.parametrize("stored", ["as_attribute", "as_dataset", "as_array"])
def test_a_file_of_november_2025_brings_its_instruction(tmp_path, stored):
    path = laboratory_file(tmp_path / NAME)
    with h5py.File(path, "a") as file:
        file.attrs.update({"obstacle_layout_type": "hori", "collection_hour": 9})
        if stored == "as_attribute":
            file.attrs["language_instruction"] = "가세요"
        elif stored == "as_dataset":
            file["language_instruction"] = "가세요"
        else:
            file["language_instruction"] = np.array(["가세요".encode()], "S256")
    assert read_episode(path).instruction == "가세요"


def test_a_file_of_2026_is_rgb_already_and_has_no_events(tmp_path):
    path = tmp_path / "episode_260415_101112_target_left_left_path__core__fixed_left.h5"
    images = np.zeros((2, 2, 3, 3), np.uint8)
    images[:] = RED
    with h5py.File(path, "w") as file:
        file["observations/images"] = images
        file["actions"] = np.array([FORWARD, STOP])  # float64, as its collector writes
        file["language_instruction"] = [b"Find the basket"]
        file.attrs.update({"scenario": "target_left_left_path", "pattern": "core"})
    episode = read_episode(path)
    assert episode.images[0, 0, 0].tolist() == list(RED)
    assert episode.events == ("start_action", "stop_action")
    assert episode.commands.dtype == np.float32
    assert (episode.scenario, episode.pattern) == ("target_left_left_path", "core")
    assert episode.instruction == "Find the basket"


def test_ours_brings_words_times_and_source(tmp_path):
    episode = read_episode(write_episode(tmp_path, record(moves=1)))
    assert (episode.instruction, episode.source) == (INSTRUCTION, "simulated")
    assert (episode.pattern, episode.distance) == ("core", "far")
    assert episode.time_s.tolist() == [0.0, 0.0, 0.5, 1.0]


def test_an_unknown_scenario_has_no_instruction(tmp_path):
    episode = read_episode(laboratory_file(tmp_path / "episode_20250808_101112.h5"))
    assert (episode.scenario, episode.instruction) == (None, None)


def test_pictures_are_turned_only_on_demand(tmp_path):
    path = laboratory_file(tmp_path / NAME)
    assert read_episode(path, rotate_180=True).images[0, -1, -1].tolist() == list(RED)
    assert not read_episode(path, rotate_180=True).images[0, 0, 0].any()


def test_decisions_leave_out_start_frames_wherever_they_stand(tmp_path):
    events = np.array(["start_action", "episode_start", "stop_action"], object)
    actions = np.array([FORWARD, STOP, STOP], np.float32)
    images = np.arange(3, dtype=np.uint8)[:, None, None, None] + np.zeros((3, 2, 3, 3), np.uint8)
    episode = read_episode(laboratory_file(
        tmp_path / NAME, images=images, actions=actions, action_event_types=events))
    pictures, commands = episode.decisions
    assert pictures[:, 0, 0, 0].tolist() == [0, 2]
    assert commands.tolist() == actions[[0, 2]].tolist()


BAD_ACTIONS = np.array([STOP, FORWARD, (np.nan, 0, 0)], np.float32)


@pytest.mark.parametrize(("changed", "sentence"), [
    ({"images": None}, "has no dataset 'images'"),
    ({"actions": None}, "has no dataset 'actions'"),
    ({"action_event_types": None}, "has no dataset 'action_event_types'"),
    ({"images": np.zeros((3, 2, 3), np.uint8)}, r"images must be \[T, H, W, 3\] uint8"),
    ({"images": np.zeros((3, 2, 3, 3), np.float32)}, "images must be .* float32"),
    ({"images": np.zeros((0, 2, 3, 3), np.uint8)}, "images must be"),
    ({"actions": np.zeros((3, 2), np.float32)}, r"actions must be \[T, 3\] float32"),
    ({"actions": np.zeros((3, 3), int)}, r"actions must be \[T, 3\] float32"),
    ({"actions": np.zeros((4, 3), np.float32)}, "actions has 4 entries for 3 images"),
    ({"actions": np.full((3, 3), 1e300)}, "actions must be finite, got .* in frame 0"),
    ({"actions": BAD_ACTIONS}, "actions must be finite, got .* in frame 2"),
    ({"action_event_types": np.array([b"episode_start"])}, "has 1 entries for 3 images"),
    ({"action_event_types": np.zeros(3)}, r"action_event_types must be \[T\] strings"),
    ({"action_event_types": np.array([b"episode_start", b"jump", b"stop_action"])},
     "unknown event 'jump' in frame 1"),
    ({"action_event_types": np.array([b"\xff"] * 3)}, "expected UTF-8"),
])
def test_a_wrong_file_is_refused_by_a_sentence_that_names_it(tmp_path, changed, sentence):
    path = laboratory_file(tmp_path / NAME, **changed)
    with pytest.raises(ValueError, match=sentence) as caught:
        read_episode(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_times_for_other_frames_are_refused(tmp_path):
    path = laboratory_file(tmp_path / NAME, frames=4)
    with h5py.File(path, "a") as file:
        file.create_group("sim").attrs["source"] = "simulated"
        file["sim/time_s"] = np.zeros(2)
    with pytest.raises(ValueError, match="sim/time_s has 2 entries for 4 images"):
        read_episode(path)


def test_an_unknown_source_is_refused(tmp_path):
    path = laboratory_file(tmp_path / NAME)
    with h5py.File(path, "a") as file:
        file.create_group("sim").attrs["source"] = "imagined"
    with pytest.raises(ValueError, match="sim/source must be one of real, simulated, dummy"):
        read_episode(path)


@pytest.mark.parametrize("shape", [(1_000_000, 1, 1, 3), (1000, 7200, 12800, 3)])
def test_a_huge_declared_size_is_refused_before_anything_is_allocated(tmp_path, shape):
    path = laboratory_file(tmp_path / NAME, images=None)
    with h5py.File(path, "a") as file:
        file.create_dataset("images", shape, np.uint8, chunks=(1, 1, 1, 3))
    with pytest.raises(ValueError, match="is declared as .* expected at most 100000 frames"):
        read_episode(path)


@pytest.mark.parametrize("content", [b"", b"not HDF5 at all", b"\x89HDF\r\n\x1a\n" + b"\0" * 64])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged or no HDF5 file"):
        read_episode(path)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    for path in (write_episode(tmp_path / NAME, record(moves=2)),
                 laboratory_file(tmp_path / "episode_20250808_101112.h5")):
        whole = path.read_bytes()
        for length in range(0, len(whole), 499):
            path.write_bytes(whole[:length])
            with pytest.raises(ValueError, match="damaged|lost its seal|heap of texts") as caught:
                read_episode(path)
            assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize("storage", ["gzip", "zstd"])
def test_a_picture_that_cannot_be_unpacked_is_refused(tmp_path, storage):
    """Also where no seal says so."""
    packing = {"compression": hdf5plugin.Zstd() if storage == "zstd" else storage}
    path = laboratory_file(tmp_path / NAME, images=None)
    with h5py.File(path, "a") as file:
        images = file.create_dataset("images", data=np.zeros((3, 8, 9, 3), np.uint8),
                                     chunks=(1, 8, 9, 3), **packing)
        chunk = images.id.get_chunk_info(0)
    assert not read_episode(path).images.any()
    spoilt = bytearray(path.read_bytes())
    spoilt[chunk.byte_offset:chunk.byte_offset + chunk.size] = b"\1" * chunk.size
    path.write_bytes(spoilt)
    with pytest.raises(ValueError, match="damaged or no HDF5 file"):
        read_episode(path)


def test_a_heap_of_texts_that_hdf5_never_gets_past_is_refused(tmp_path):
    path = laboratory_file(tmp_path / NAME)
    spoilt = bytearray(path.read_bytes())
    start = spoilt.index(b"GCOL")
    spoilt[start + 16:start + 32] = bytes(16)  # free space that says it has no size
    path.write_bytes(spoilt)
    with pytest.raises(ValueError, match=f"has a heap of texts at byte {start} whose"):
        read_episode(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere.h5: no such file"):
        read_episode(tmp_path / "nowhere.h5")


def test_episodes_are_found_by_name_and_sorted(tmp_path):
    for name in ("episode_b.h5", "episode_a.h5", "notes.txt", ".episode_c.h5.tmp", "other.h5"):
        (tmp_path / name).touch()
    assert [path.name for path in find_episodes(tmp_path)] == ["episode_a.h5", "episode_b.h5"]


def test_an_instruction_that_is_no_text_is_named(tmp_path):
    path = laboratory_file(tmp_path / "episode_20250815_090353_1box_vert_left_core_medium.h5")
    with h5py.File(path, "a") as file:
        file.attrs["language_instruction"] = np.bytes_(b"\xff\xfeGo")
    with pytest.raises(ValueError, match="the instruction is b'.xff.xfeGo', expected UTF-8"):
        read_episode(path)


def test_episodes_below_a_folder_are_pointed_at(tmp_path):
    (tmp_path / "train").mkdir()
    laboratory_file(tmp_path / "train" / "episode_20250815_090353_1box_vert_left_core_medium.h5")
    with pytest.raises(ValueError, match=rf"they lie in {tmp_path / 'train'}"):
        find_episodes(tmp_path)


def test_an_empty_and_a_missing_folder_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no file episode_\*.h5"):
        find_episodes(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        find_episodes(tmp_path / "nowhere")


def test_into_a_folder_of_other_files_nobody_is_sent_to_generate(tmp_path):
    (tmp_path / "meta").mkdir()
    with pytest.raises(ValueError, match="episodes.convert .* --from lerobot") as found:
        find_episodes(tmp_path)
    assert "generate" not in str(found.value)
