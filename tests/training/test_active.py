"""Active learning: the budget is kept, labels are not looked at, what is unknown is asked for."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.head import Head, Wants
from tests.policies.towers import write_tiny_towers
from tests.training.lessons import SEEN, WIDTHS, features
from training.active import ActiveOptions, _summed, curves
from training.asking import rounds
from training.budget import Budget
from training.heads import HeadRecipe

RECIPE = HeadRecipe(epochs=10, batch=8, learning_rate=0.01, patience=99, feature_noise=0.0)


class Drops(Head):
    """What is seen, through dropout."""

    def __init__(self) -> None:
        super().__init__(Wants(("seen",)), WIDTHS)
        self.layers = nn.Sequential(nn.Linear(SEEN, 32), nn.ReLU(), nn.Dropout(0.4),
                                    nn.Linear(32, 2))

    def forward(self, parts, lengths):
        return self.layers(self.scaled(parts)["seen"])[:, :, None] * COMMAND_LIMIT


def fresh(seed):
    torch.manual_seed(seed)
    return Drops()


def strange(count=90):
    """Every third episode looks otherwise than all others."""
    data = features(count)
    odd = torch.from_numpy(data.episodes % 3 == 0)
    data.seen["seen"] *= 0.1
    data.seen["seen"][odd] *= 100.0
    data.commands = (data.seen["seen"][:, :2] > 0) * 2.3 - 1.15
    return data


@pytest.mark.parametrize("choose", ["random", "dropout", "ensemble"])
def test_each_round_adds_its_step_to_what_was_labelled_and_never_takes_from_test(choose):
    data = features(60)
    found = list(rounds(fresh, data, RECIPE, Budget(4, 3, 2), choose))
    assert [len(set(each.labelled)) for each in found] == [4, 7, 10]
    for before, after in zip(found, found[1:]):
        assert set(before.labelled) < set(after.labelled)


def test_both_arms_begin_with_the_same_episodes():
    first = [next(rounds(fresh, features(60), RECIPE, Budget(6, 3, 1), choose)).labelled
             for choose in ("random", "dropout")]
    assert np.array_equal(*first)


@pytest.mark.parametrize("choose", ["dropout", "ensemble"])
def test_what_looks_unlike_all_that_is_known_is_asked_for_first(choose):
    data = strange()
    before, after = rounds(fresh, data, RECIPE, Budget(9, 9, 1), choose)
    asked = np.setdiff1d(after.labelled, before.labelled)
    assert (asked % 3 == 0).mean() > 2 / 3  # a third of the pool


def test_labels_that_were_not_asked_for_change_nothing():
    data, other = features(60), features(60)
    labelled = next(rounds(fresh, data, RECIPE, Budget(6, 3, 1), "dropout")).labelled
    kept = np.isin(other.episodes, labelled)
    other.commands[~kept] = 0.5
    losses = [next(rounds(fresh, each, RECIPE, Budget(6, 3, 1), "dropout")).told["history"]
              for each in (data, other)]
    assert [epoch["loss"] for epoch in losses[0]] == [epoch["loss"] for epoch in losses[1]]


@pytest.mark.parametrize(("budget", "choose", "said"), [
    (Budget(50, 20, 3), "random", "110 episodes to label, but the pool has"),
    (Budget(4, 3, 2), "oracle", "choose must be one of random, dropout, ensemble"),
])
def test_what_cannot_be_asked_is_refused(budget, choose, said):
    with pytest.raises(ValueError, match=said):
        list(rounds(fresh, features(60), RECIPE, budget, choose))


def test_the_command_writes_a_curve_for_both_arms_and_keeps_what_is_done(tmp_path):
    from episodes.generate import generate

    generate(tmp_path / "episodes", episodes=16, image=(36, 64))
    write_tiny_towers(tmp_path / "towers")
    options = ActiveOptions(data=tmp_path / "episodes", towers=tmp_path / "towers", seeds=1,
                            work=tmp_path / "work", epochs=1, first=3, step=2, rounds=1,
                            validation_episodes=0)
    said = json.loads(curves(options).read_text())
    assert [(line["arm"], line["episodes"]) for line in said["rounds"]] == [
        ("dropout", 3), ("dropout", 5), ("random", 3), ("random", 5)]
    written = (tmp_path / "work" / "active" / "dropout_0.json").stat().st_mtime_ns
    curves(options)
    assert (tmp_path / "work" / "active" / "dropout_0.json").stat().st_mtime_ns == written


def test_the_seeds_of_an_arm_are_summed_for_the_leaderboard():
    lines = [{"arm": "random", "seed": seed, "episodes": 24, "successes": 10 + seed, "n": 80}
             for seed in range(3)]
    assert _summed(lines) == {"random": [{"episodes": 24, "k": 33, "n": 240}]}
