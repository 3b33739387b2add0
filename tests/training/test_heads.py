"""Training a head: it learns, repeats itself, stops in time and says what went wrong."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.lessons import Listens, features
from training.heads import HeadRecipe, one_step_mae, overfitted, split, train_head

ROOT = Path(__file__).parents[2]
QUICK = {"batch": 8, "learning_rate": 0.01, "patience": 99}


def test_a_head_learns_what_the_words_alone_decide():
    learned = train_head(Listens(), features(40), HeadRecipe(epochs=25, **QUICK))
    errors = [epoch["validation_mae"] for epoch in learned["history"]]
    assert min(errors) < 0.1 < errors[0]
    assert learned["test_mae"] < 0.1
    assert learned["overfitted"] is None


def test_a_side_is_learned_in_every_wording_however_alike_the_usual_ones_are():
    data = features(40, wordings=4)
    data.texts["words"][:, 1:] = torch.eye(3).repeat(3, 1)[:8] * torch.tensor(
        [[0], [5], [5], [5]] * 2)  # the first of each side differ in nothing but the side
    head = Listens()
    train_head(head, data, HeadRecipe(epochs=40, **QUICK))
    for chosen in range(4):
        data.wordings = [[side[chosen]] for side in data.wordings]
        assert one_step_mae(head, data, np.arange(len(data.steps))) < 0.2
        data.wordings = features(40, wordings=4).wordings


def test_the_weights_left_are_those_of_the_best_epoch():
    head, data = Listens(), features()
    recipe = HeadRecipe(epochs=6, **QUICK | {"learning_rate": 0.2})
    errors = [epoch["validation_mae"] for epoch in train_head(head, data, recipe)["history"]]
    left = one_step_mae(head, data, split(data.layouts, recipe).validation)
    assert left == pytest.approx(min(errors), abs=1e-4)


def test_a_head_that_gets_no_better_stops_before_its_last_epoch():
    data = features()
    data.commands[:] = 0.0
    data.commands[::2] = 1.0  # nothing seen or said tells
    recipe = HeadRecipe(epochs=60, **QUICK | {"patience": 3})
    assert len(train_head(Listens(), data, recipe)["history"]) < 60


@pytest.mark.parametrize(("stop_weight", "moves"), [(3.0, False), (1.0, True)])
def test_who_cannot_know_stands_still_where_driving_on_costs_more(stop_weight, moves):
    data = features(60)
    for part in (*data.seen.values(), *data.texts.values()):
        part.zero_()  # nothing seen or said tells
    data.commands[:] = 1.0
    data.commands[data.steps % 5 >= 3] = 0.0  # two of five
    head = Listens(window=1)
    train_head(head, data, HeadRecipe(epochs=20, **QUICK | {"stop_weight": stop_weight}))
    rows = np.arange(10)
    with torch.inference_mode():
        found = head.decide(*data.windows(rows, head.wants, None))
    assert (found.abs().max() > 0) == moves


def test_the_same_seed_trains_the_same_weights():
    heads = []
    for _ in range(2):
        torch.manual_seed(3)
        head = Listens()
        train_head(head, features(), HeadRecipe(epochs=2, batch=16))
        heads.append(head.state_dict())
    assert all(torch.equal(heads[0][key], heads[1][key]) for key in heads[0])


def test_no_layout_stands_in_two_splits():
    data = features(episodes=40)
    data.layouts //= 2  # left and right of one seed
    parts = split(data.layouts, HeadRecipe(validation_share=0.25, test_share=0.1))
    sets = [set(data.layouts[each]) for each in (parts.training, parts.validation, parts.test)]
    assert [len(each) for each in sets] == [13, 5, 2]
    assert len(set.union(*sets)) == 20


def test_two_layouts_cannot_be_split():
    with pytest.raises(ValueError, match="at least 3"):
        split(np.repeat([0, 1], 5), HeadRecipe())


def test_what_may_not_be_learned_from_is_not(monkeypatch):
    data = features(30)
    allowed = data.episodes % 2 == 0  # those that go left
    head = Listens()
    train_head(head, data, HeadRecipe(epochs=15, **QUICK | {"batch": 2}), allowed)
    parts, lengths = data.windows(np.flatnonzero(~allowed), head.wants, None)
    with torch.inference_mode():
        assert (head.eval()(parts, lengths)[:, 0, 0, 1] > 0).float().mean() > 0.9


@pytest.mark.parametrize(("frames", "seen"), [("first", {0}), ("random", {0, 1, 2, 3, 4})])
def test_one_frame_of_an_episode_can_be_all_that_is_learned_from(monkeypatch, frames, seen):
    data, learned = features(30), []
    windows = data.windows

    def watched(rows, wants, rng):
        if rng is not None:
            learned.append(rows)
        return windows(rows, wants, rng)

    monkeypatch.setattr(data, "windows", watched)
    train_head(Listens(window=1), data, HeadRecipe(epochs=4, batch=64, frames=frames))
    assert {int(step) for rows in learned for step in data.steps[rows]} == seen
    assert all(len(set(data.episodes[rows])) == len(rows) for rows in learned)


def test_a_loss_that_is_no_number_stops_with_a_sentence():
    data = features()
    data.commands[:] = float("nan")
    with pytest.raises(ValueError, match="loss is nan"):
        train_head(Listens(), data, HeadRecipe(epochs=1, batch=4))


def test_overfitting_is_said_in_words():
    def history(losses, errors):
        return [{"loss": loss, "validation_mae": error} for loss, error in zip(losses, errors)]

    assert "after epoch 2" in overfitted(history([3, 2, 1], [0.3, 0.1, 0.2]))
    assert overfitted(history([3, 2, 1], [0.3, 0.1, 0.105])) is None
    assert overfitted(history([3, 2, 2.5], [0.3, 0.1, 0.2])) is None  # both got worse: diverged


def test_a_killed_training_goes_on_to_the_same_weights(tmp_path, monkeypatch):
    whole, parts, data = Listens(), Listens(), features(30)
    parts.load_state_dict(whole.state_dict())
    fresh = {name: value.clone() for name, value in parts.state_dict().items()}
    recipe = HeadRecipe(epochs=6, **QUICK)
    told = train_head(whole, data, recipe, folder=tmp_path / "whole")

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("training.heads.overfitted", killed)
        patch.setattr("training.heads.epochs", lambda begun, count, what: range(begun, 3))
        with pytest.raises(KeyboardInterrupt):
            train_head(parts, data, recipe, folder=tmp_path / "parts")
    parts.load_state_dict(fresh)
    assert train_head(parts, data, recipe, folder=tmp_path / "parts") == told
    for name, value in whole.state_dict().items():
        assert torch.equal(parts.state_dict()[name], value)


def test_the_curriculum_begins_with_what_is_easy_and_ends_with_all(monkeypatch):
    data, learned = features(30), []
    data.difficulty = data.episodes % 4
    windows = data.windows

    def watched(rows, wants, rng):
        if rng is not None:
            learned.append(set(data.difficulty[rows]))
        return windows(rows, wants, rng)

    monkeypatch.setattr(data, "windows", watched)
    train_head(Listens(window=1), data, HeadRecipe(epochs=6, batch=200, curriculum=True))
    assert learned == [{0, 1}, {0, 1, 2}, {0, 1, 2, 3}, *[{0, 1, 2, 3}] * 3]


def test_an_epoch_draws_as_many_windows_as_the_recipe_says_and_others_each_time(monkeypatch):
    data, drawn = features(60), []
    windows = data.windows

    def watched(rows, wants, rng):
        if rng is not None:
            drawn.extend(rows)
        return windows(rows, wants, rng)

    monkeypatch.setattr(data, "windows", watched)
    train_head(Listens(window=1), data, HeadRecipe(epochs=2, batch=20, windows=40))
    assert [len(set(drawn[:40])), len(set(drawn[40:])), len(drawn)] == [40, 40, 80]
    assert set(drawn[:40]) != set(drawn[40:])


def test_two_processes_train_what_one_trains(tmp_path):
    trainer = Path(__file__).with_name("alone_or_shared.py")
    one = [sys.executable, trainer, tmp_path / "one"]
    two = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2",
           "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
           trainer, tmp_path / "two"]
    for command in (one, two):
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=240,
                              env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stderr
    alone, shared = load_file(tmp_path / "one"), load_file(tmp_path / "two")
    assert all(torch.allclose(alone[name], shared[name], atol=1e-4) for name in alone)
