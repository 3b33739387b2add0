"""CALVIN's folders, read as CALVIN's loader reads them."""

import io
import json
import pickle
import re
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import scenarios
from episodes.convert import Options, convert
from policies.picture import squeeze
from tests.episodes import laboratory as lab

SPACE = {"rgb_obs": ["rgb_static"], "depth_obs": [], "state_obs": ["robot_obs"],
         "actions": ["rel_actions"], "language": ["language"]}
LONGEST_WINDOW = 64
FIRST = 1000
LEFT = scenarios.load("1box_vert_left").instructions.english
PLAIN = {("numpy.core.multiarray", "_reconstruct"), ("numpy", "ndarray"), ("numpy", "dtype")}


class Plain(pickle.Unpickler):
    """Takes nothing but arrays of dicts, lists, tuples, texts and numbers."""

    def find_class(self, module, name):
        assert (module, name) in PLAIN
        return super().find_class(module, name)


def language(folder):
    """As `numpy.load(..., allow_pickle=True).item()`, but of plain things alone."""
    stored = io.BytesIO((folder / "lang_annotations" / "auto_lang_ann.npy").read_bytes())
    version = np.lib.format.read_magic(stored)
    assert version == (1, 0)
    shape, _, kind = np.lib.format.read_array_header_1_0(stored)
    assert (shape, kind) == ((), np.dtype(object))
    return Plain(stored).load().item()


class DiskDataset:
    """CALVIN's own, as far as files go: names, numbers, windows, keys."""

    def __init__(self, folder, window):
        self.folder, self.window = Path(folder), window
        said = language(self.folder)
        self.words = said["language"]["ann"]
        self.lookup = []
        for number, (start, end) in enumerate(said["info"]["indx"]):
            assert end >= LONGEST_WINDOW
            self.lookup += [(index, number) for index in range(start, end + 1 - window)]
        first = next(each for each in self.folder.iterdir() if ".npz" in each.suffix)
        self.prefix = re.split(r"\d+", first.stem)[0]
        self.digits = len(re.findall(r"\d+", first.stem)[0])

    def __getitem__(self, at):
        start, number = self.lookup[at]
        keys = [*chain(*SPACE.values()), "scene_obs"]
        keys.remove("language")
        frames = [np.load(self.folder / f"{self.prefix}{index:0{self.digits}d}.npz")
                  for index in range(start, start + self.window)]
        return {key: np.stack([frame[key] for frame in frames]) for key in keys} | {
            "language": self.words[number]}


@pytest.fixture
def out(tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    for second in range(5):
        lab.august(source, f"episode_20250815_09030{second}_1box_vert_left_core_far.h5", second)
    lab.november(source, seed=5)
    convert(Options(source, tmp_path / "calvin", to="calvin", hold_out=0.2))
    return tmp_path / "calvin"


def test_calvins_loader_finds_what_was_seen_and_done_with_its_words(out):
    found = {}
    for folder in (out / "training", out / "validation"):
        data = DiskDataset(folder, window=2)
        for at, (number, _) in enumerate(data.lookup):
            found[number - FIRST] = data[at]
    assert sorted(found) == [17 * episode + n for episode in range(6) for n in range(15)]
    for number, sample in found.items():
        episode, first = divmod(number, 17)
        driven, pictures = lab.commands(), lab.pictures(seed=episode)[1:]
        for place, decision in enumerate((first, first + 1)):
            seen = squeeze(pictures[decision], (224, 224))
            assert np.array_equal(sample["rgb_static"][place], seen)
            assert np.array_equal(sample["rel_actions"][place], driven[decision])
            before = driven[decision - 1] if decision else np.zeros(3)
            assert np.array_equal(sample["robot_obs"][place], before)
        assert sample["language"] == (lab.KOREAN if episode == 5 else LEFT)


def test_windows_do_not_cross_episodes(out):
    data = DiskDataset(out / "training", window=8)
    assert {(number - FIRST) % 17 for number, _ in data.lookup} == set(range(9))
    assert data[3]["rgb_static"].shape == (8, 224, 224, 3)
    assert data[3]["rel_actions"].dtype == np.float32


def test_tables_say_where_episodes_begin_and_end_and_which_are_held_out(out):
    spans = [np.load(out / name / "ep_start_end_ids.npy") for name in ("training", "validation")]
    assert [each.shape for each in spans] == [(5, 2), (1, 2)]
    assert sorted(np.concatenate(spans).tolist()) == [
        [FIRST + 17 * n, FIRST + 17 * n + 16] for n in range(6)]
    assert np.load(out / "training" / "ep_lens.npy").tolist() == [17] * 5
    for folder, each in zip(("training", "validation"), spans):
        numbers = {int(path.stem[-7:]) for path in (out / folder).glob("*.npz")}
        assert numbers == {n for first, last in each for n in range(first, last + 1)}


def test_the_words_stand_there_without_a_pickle_too(out):
    for folder in (out / "training", out / "validation"):
        written = json.loads((folder / "lang_annotations" / "auto_lang_ann.json").read_text(
            encoding="utf-8"))
        said = language(folder)
        assert written["language"] == said["language"]
        assert written["info"]["source"] == ["real"] * len(said["info"]["indx"])
        assert [tuple(span) for span in written["info"]["indx"]] == said["info"]["indx"]
        assert all(type(number) is int for span in said["info"]["indx"] for number in span)


def test_numpy_itself_opens_the_words(out):
    said = np.load(out / "training" / "lang_annotations" / "auto_lang_ann.npy", allow_pickle=True)
    assert sorted(said.item()) == ["info", "language"]
