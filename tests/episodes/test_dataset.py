"""A folder of many episodes: its index, its decisions one by one, and batches of them."""

import json
import multiprocessing
import pickle
import shutil

import numpy as np
import pytest

from episodes.check import check
from episodes.dataset import KNOWN_EPISODES, Dataset, collate
from episodes.folder_index import INDEX_FILE, open_index
from episodes.hdf5 import read_episode
from episodes.hdf5_writer import write_episode
from policies.picture import squeeze
from tests.episodes.records import laboratory_file, record

LAB = "episode_20250815_090353_1box_vert_left_core_medium.h5"


@pytest.fixture
def folder(tmp_path):
    """Two of ours, of 4 and 7 decisions, and one of the laboratory's with 2."""
    write_episode(tmp_path, record(moves=2))
    write_episode(tmp_path, record(moves=5, instruction="Keep right"))
    laboratory_file(tmp_path / LAB)
    return tmp_path


def test_every_decision_has_its_number(folder):
    dataset = Dataset(folder)
    assert [(item["episode"], item["decision"]) for item in dataset] == [
        *((0, k) for k in range(4)), *((1, k) for k in range(7)), *((2, k) for k in range(2))]
    for episode, path in enumerate(sorted(folder.glob("*.h5"))):
        pictures, commands = read_episode(path).decisions
        items = [item for item in dataset if item["episode"] == episode]
        np.testing.assert_array_equal([item["rgb"][0] for item in items], pictures)
        np.testing.assert_array_equal([item["commands"][0] for item in items], commands)
    assert dataset[-1]["decision"] == 1
    assert [dataset[k]["instruction"] for k in (0, 4)] == [record(1).instruction, "Keep right"]
    with pytest.raises(IndexError, match="decision 13 of 13"):
        dataset[13]


def test_windows_and_plans_say_what_is_made_up_at_the_ends(folder):
    item = Dataset(folder, window=3, plan=3)[1]
    assert item["rgb"][:, 0, 0, 0].tolist() == [0, 0, 1]
    assert item["seen"].tolist() == [False, True, True]
    last = Dataset(folder, plan=3)[3]
    assert last["driven"].tolist() == [True, False, False]
    assert not last["commands"].any()


@pytest.mark.parametrize(("selection", "decisions"), [("first", [0, 0, 0]), ("last", [3, 6, 1])])
def test_one_frame_of_every_episode_is_selected(folder, selection, decisions):
    dataset = Dataset(folder, frame_selection=selection)
    assert [item["decision"] for item in dataset] == decisions


def test_random_frames_are_the_same_for_a_seed_and_others_in_the_next_epoch(folder):
    drawn = []
    for epoch in range(30):
        dataset = Dataset(folder, frame_selection="random", seed=1)
        dataset.set_epoch(epoch)
        drawn.append([item["decision"] for item in dataset])
        assert drawn[-1] == [item["decision"] for item in dataset]
    assert {row[0] for row in drawn} == set(range(4))
    assert {row[1] for row in drawn} == set(range(7))


def test_a_batch_has_pictures_commands_and_texts(folder):
    dataset = Dataset(folder, window=2, plan=4)
    batch = collate([dataset[0], dataset[5]])
    assert batch["rgb"].shape == (2, 2, 2, 3, 3)
    assert batch["commands"].shape == (2, 4, 3)
    assert batch["instruction"] == [record(1).instruction, "Keep right"]
    assert batch["episode"].tolist() == [0, 1]


def test_pictures_of_different_sizes_want_a_transform(folder):
    write_episode(folder, record(moves=1, rgb=np.zeros((4, 8, 8, 3), np.uint8)))
    dataset = Dataset(folder)
    with pytest.raises(ValueError, match="Pictures of one batch differ in size"):
        collate([dataset[0], dataset[12]])
    dataset = Dataset(folder, transform=lambda picture: squeeze(picture, (4, 4)))
    assert collate([dataset[0], dataset[12]])["rgb"].shape == (2, 1, 4, 4, 3)


def test_it_can_be_sent_to_workers_and_knows_nothing_there(folder):
    dataset = Dataset(folder)
    wanted = dataset[5]["rgb"].tolist()
    assert not pickle.loads(pickle.dumps(dataset))._known
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(dataset.__getitem__, (5,))["rgb"].tolist() == wanted


def test_what_is_remembered_is_bounded(tmp_path, monkeypatch):
    assert KNOWN_EPISODES == 1024
    monkeypatch.setattr("episodes.dataset.KNOWN_EPISODES", 2)
    for _ in range(4):
        write_episode(tmp_path, record(moves=1))
    dataset = Dataset(tmp_path)
    assert [item["episode"] for item in dataset] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    assert list(dataset._known) == [2, 3]


def test_the_index_follows_the_folder(folder):
    first = open_index(folder)
    assert first.columns["decisions"] == [4, 7, 2]
    assert (folder / INDEX_FILE).exists()
    assert open_index(folder) == first
    first.path(0).unlink()
    write_episode(folder / "episode_20000101_000009.h5", record(moves=8))
    assert open_index(folder).columns["decisions"] == [7, 10, 2]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"[" * 100_000, b'{"schema_version": 1}'])
def test_a_damaged_index_is_made_again(folder, content, caplog):
    whole = open_index(folder)
    (folder / INDEX_FILE).write_bytes(content)
    assert open_index(folder) == whole
    assert "is made again" in caplog.text
    assert json.loads((folder / INDEX_FILE).read_bytes())["columns"] == whole.columns


def test_an_index_cannot_lead_out_of_its_folder(folder):
    whole = open_index(folder)
    said = json.loads((folder / INDEX_FILE).read_bytes())
    said["columns"]["name"][0] = "../episode_secret.h5"
    (folder / INDEX_FILE).write_text(json.dumps(said))
    assert open_index(folder) == whole


def test_a_file_replaced_by_another_of_its_name_is_noticed(folder):
    dataset = Dataset(folder)
    path = dataset.index.path(0)
    shutil.copy(dataset.index.path(1), path)
    with pytest.raises(ValueError, match=f"{path}: is not the file that index.json knows"):
        Dataset(folder)[0]
    assert check(folder, repair=True).is_sound
    assert Dataset(folder)[0]["instruction"] == "Keep right"


def test_a_damaged_file_is_an_error_or_left_out_by_name(folder):
    path = folder / LAB
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ValueError, match=rf"{LAB}.* 1 file\(s\) of .* are damaged"):
        Dataset(folder)
    assert list(Dataset(folder, skip_damaged=True).index.damaged) == [LAB]


def test_damage_after_the_index_was_made_is_found_when_the_file_is_first_met(folder):
    dataset = Dataset(folder)
    path = dataset.index.path(0)
    spoilt = bytearray(path.read_bytes())
    spoilt[-20] ^= 1
    path.write_bytes(spoilt)
    with pytest.raises(ValueError, match="damaged, or changed since it was written"):
        dataset[0]


@pytest.mark.parametrize(("options", "sentence"), [
    ({"frame_selection": "best"}, "frame_selection must be one of all, first, last, random"),
    ({"window": 0}, "window must be a whole number from 1 to 100000, got 0"),
    ({"window": 10**12}, "window must be a whole number"), ({"window": 1.5}, "got 1.5"),
    ({"plan": 0}, "plan must be a whole number from 1")])
def test_wrong_options_are_refused(folder, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        Dataset(folder, **options)


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one item"):
        collate([])
