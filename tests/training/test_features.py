"""Cached features: windows of frames, plans ahead, wordings, splits that share no layout."""

import shutil

import numpy as np
import pytest
import torch

import scenarios
from episodes.hdf5 import find_episodes
from policies.head import Wants
from tests.episodes.records import laboratory_file
from tests.policies.towers import tiny_backbone
from tests.training.lessons import features
from training import features as module

PARTS = ("kosmos_vision", "kosmos_text", "clip_vision", "clip_text", "kosmos_patches", "action")


@pytest.fixture(scope="module")
def episodes(tmp_path_factory):
    from episodes.generate import generate

    folder = tmp_path_factory.mktemp("episodes")
    generate(folder, scenario="1box_hori_left", episodes=2, image=(36, 64))
    return find_episodes(folder)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    return tiny_backbone(tmp_path_factory.mktemp("towers"))


def test_what_was_looked_at_before_is_not_looked_at_again(backbone, episodes, tmp_path,
                                                          monkeypatch):
    first = module.compute(backbone, episodes, tmp_path, PARTS)
    monkeypatch.setattr(backbone, "look", None)  # looking again would fail
    again = module.compute(backbone, episodes, tmp_path, PARTS)
    assert all(again.seen[name].equal(part) for name, part in first.seen.items())


def test_the_same_answers_are_trained_on_as_are_given_when_driving(backbone, episodes, tmp_path):
    known = module.compute(backbone, episodes, tmp_path, PARTS)
    pictures, _ = module.read_episode(episodes[0]).decisions
    words = module.wordings(module.read_episode(episodes[0]))[0]
    latents = backbone.look(list(pictures[:2]), ["kosmos_latents"])["kosmos_latents"]
    driven = backbone.ask(latents, [backbone.kosmos.prompt(words)] * 2)
    torch.testing.assert_close(known.answers[:2, 0], driven, atol=2e-3, rtol=0)  # kept in 16 bits


def test_left_and_right_of_one_seed_count_as_one_layout(backbone, episodes, tmp_path):
    from episodes.generate import generate

    generate(tmp_path / "right", scenario="1box_hori_right", episodes=2, image=(36, 64))
    both = [*episodes, *find_episodes(tmp_path / "right")]
    known = module.compute(backbone, both, tmp_path, ("kosmos_vision",))
    layouts = [known.layouts[known.episodes == number][0] for number in range(4)]
    assert layouts == [0, 1, 0, 1]


def test_new_wordings_of_a_scenario_are_not_answered_from_the_cache(
    backbone, episodes, tmp_path, monkeypatch
):
    before = module.compute(backbone, episodes, tmp_path, PARTS)
    own = tmp_path / "scenarios"
    shutil.copytree(scenarios.FOLDER, own, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    path = own / "1box_hori_left.toml"
    path.write_text(path.read_text().replace("Take the outermost left path to the cup",
                                             "Go by the left to the cup"))
    monkeypatch.setattr(scenarios, "FOLDER", own)
    after = module.compute(backbone, episodes, tmp_path, PARTS)
    assert not after.texts["kosmos_text"].equal(before.texts["kosmos_text"])


def test_an_episode_is_also_called_as_people_type_its_words(backbone, episodes, tmp_path):
    known = module.compute(backbone, episodes, tmp_path, PARTS)
    default = module.wordings(module.read_episode(episodes[0]))[0]
    typed = [default, default.lower(), default.upper()]
    said = backbone.read(typed, ["kosmos_text"])["kosmos_text"]
    mine = known.texts["kosmos_text"][known.wordings[0]]
    assert mine[0].allclose(said[0], atol=1e-5)
    for text in said[1:]:
        assert (mine - text).abs().amax(dim=1).min() < 1e-5


def test_a_window_never_reaches_into_the_episode_before():
    data = features(episodes=3, steps=4)
    parts, lengths = data.windows(np.array([4, 6]), Wants(("seen",), window=3), None)
    assert lengths.tolist() == [1, 3]
    assert torch.equal(parts["seen"][0, 0], data.seen["seen"][4])
    assert not parts["seen"][0, 1:].any()
    assert torch.equal(parts["seen"][1], data.seen["seen"][4:7])


def test_a_plan_ends_with_its_episode_and_has_a_row_for_every_frame_of_the_window():
    data = features(episodes=2, steps=4)
    data.commands[:, 0] = torch.arange(8)
    commands, mask = data.targets(np.array([2, 7]), Wants(("seen",), window=3, plan=3))
    assert commands[0, :, :, 0].tolist()[0] == [0, 1, 2]
    assert mask[0].tolist() == [[1, 1, 1], [1, 1, 1], [1, 1, 0]]  # decisions 0, 1, 2 of 0 to 3
    assert mask[1].tolist() == [[1, 1, 1], [1, 1, 0], [1, 0, 0]]


def test_standing_still_weighs_more_where_that_is_asked_and_what_is_behind_the_end_nothing():
    data = features(episodes=1, steps=4)
    data.commands[:] = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    _, weights = data.targets(np.array([3]), Wants(("seen",), window=4, plan=2), stop_weight=6.0)
    assert weights[0].tolist() == [[1, 1], [1, 6], [6, 6], [6, 0]]


@pytest.mark.parametrize("window", [1, 3, 9])
def test_windows_of_an_epoch_answer_once_for_every_decision_with_its_whole_past(window):
    data, wants = features(episodes=3, steps=5), Wants(("seen",), window=window)
    data.commands[:, 0] = torch.arange(15)
    rows = data.covering(np.arange(15), wants)
    commands, mask = data.targets(rows, wants)
    whole = (data.steps[rows] < window)[:, None] | (np.arange(window) == window - 1)
    told = commands[..., 0][(mask[..., 0] > 0).numpy() & whole]
    assert sorted(told[:, 0].tolist()) == list(range(15))  # each with all that it may look back on


def test_every_decision_is_a_last_one_for_a_head_that_learns_from_these_alone():
    data = features(episodes=3, steps=5)
    rows = data.covering(np.arange(15), Wants(("seen",), window=3, only_last=True))
    assert rows.tolist() == list(range(15))


def test_every_wording_is_used_in_training_and_only_the_default_in_validation():
    data = features(episodes=2, wordings=3)
    data.texts["words"][:3, 1] = torch.tensor([0.0, 1.0, 2.0])
    wants, rows = Wants(("seen",), ("words",)), np.zeros(64, int)
    drawn, _ = data.windows(rows, wants, np.random.default_rng(0))
    default, _ = data.windows(rows, wants, None)
    assert set(drawn["words"][:, 1].tolist()) == {0.0, 1.0, 2.0}
    assert set(default["words"][:, 1].tolist()) == {0.0}


def test_a_recording_and_its_copies_count_as_one_layout(backbone, episodes, tmp_path):
    from episodes.augment import Options, augment

    bare = tmp_path / "bare"
    bare.mkdir()
    for number in range(2):  # as recordings are: nobody knows where things stood
        name = f"episode_2025081{number}_090353_1box_hori_left_core_medium.h5"
        laboratory_file(bare / name, images=np.full((3, 36, 64, 3), 50 * number, np.uint8))
    augment(Options(bare, tmp_path / "more", recipe="mirrored", hold_out=0.0))
    copies = find_episodes(tmp_path / "more" / "train")
    known = module.compute(backbone, copies, tmp_path / "cache", ("kosmos_vision",))
    layouts = [known.layouts[known.episodes == number][0] for number in range(4)]
    assert len(copies) == 4
    assert sorted(layouts) == [0, 0, 1, 1]
