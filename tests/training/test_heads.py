import numpy as np
import pytest
import torch

from policies.hybrid import HybridHead
from policies.sizes import MINI
from training.features import Features
from training.heads import HeadRecipe, split, train_head

SEEN, TEXT = 6, 4


class Joins:
    """Stands in for the policy: its features are simply laid side by side."""

    @staticmethod
    def join(seen, text):
        return torch.cat([seen, text], dim=-1)


def features(episodes=12, steps=5, wordings=1):
    """Episodes whose command is +-1.15 sideways, as their own words alone say."""
    rng = np.random.default_rng(0)
    count = episodes * steps
    side = np.repeat(np.arange(episodes) % 2, steps)
    texts = torch.zeros(2 * wordings, TEXT)
    texts[:wordings, 0], texts[wordings:, 0] = 1.0, -1.0
    return Features(
        policy=Joins(), seen=torch.from_numpy(rng.standard_normal((count, SEEN), np.float32)),
        commands=torch.tensor([[0.0, 1.15], [0.0, -1.15]])[side],
        episodes=np.repeat(np.arange(episodes), steps),
        layouts=np.repeat(np.arange(episodes), steps), steps=np.tile(np.arange(steps), episodes),
        texts=texts, wordings=[list(range(wordings * (k % 2), wordings * (k % 2 + 1)))
                               for k in range(episodes)],
    )


def test_a_head_learns_what_the_words_alone_decide():
    head = HybridHead(MINI, SEEN + TEXT)
    history = train_head(head, features(), window=4, recipe=HeadRecipe(epochs=30, batch=16))
    assert min(epoch["validation_mae"] for epoch in history) < 0.1 < history[0]["validation_mae"]


def test_the_weights_left_are_those_of_the_best_epoch():
    head = HybridHead(MINI, SEEN + TEXT)
    data, recipe = features(), HeadRecipe(epochs=6, batch=16, learning_rate=0.02)
    history = train_head(head, data, window=4, recipe=recipe)
    from training.heads import validation_mae

    _, validation = split(data.layouts, recipe)
    left = validation_mae(head, data, validation, 4, torch.device("cpu"))
    assert left == pytest.approx(min(epoch["validation_mae"] for epoch in history), abs=1e-4)


def test_the_same_seed_trains_the_same_weights():
    heads = []
    for _ in range(2):
        torch.manual_seed(3)
        head = HybridHead(MINI, SEEN + TEXT)
        train_head(head, features(), window=4, recipe=HeadRecipe(epochs=2, batch=16))
        heads.append(head.state_dict())
    assert all(torch.equal(heads[0][key], heads[1][key]) for key in heads[0])


def test_no_layout_stands_on_both_sides_of_the_split():
    data = features(episodes=40)
    data.layouts //= 2  # left and right of one seed
    training, validation = split(data.layouts, HeadRecipe(validation_share=0.25))
    assert not set(data.layouts[training]) & set(data.layouts[validation])
    assert len(set(data.episodes[validation])) == 10


def test_one_episode_cannot_be_split():
    with pytest.raises(ValueError, match="at least 2"):
        split(np.zeros(5, int), HeadRecipe())


def test_a_window_never_reaches_into_the_episode_before():
    data = features(episodes=3, steps=4)
    windows, lengths = data.windows(np.array([4, 6]), 3, None)  # first and third of episode 1
    assert lengths.tolist() == [1, 3]
    assert torch.equal(windows[0, 0, :SEEN], data.seen[4])
    assert torch.equal(windows[0, 1:], torch.zeros(2, SEEN + TEXT))
    assert torch.equal(windows[1, :, :SEEN], data.seen[4:7])


def test_every_wording_is_used_in_training_and_only_the_default_in_validation():
    data = features(episodes=2, wordings=3)
    data.texts[:3, 1] = torch.tensor([0.0, 1.0, 2.0])
    rows = np.zeros(64, int)
    drawn, _ = data.windows(rows, 1, np.random.default_rng(0))
    default, _ = data.windows(rows, 1, None)
    assert set(drawn[:, 0, SEEN + 1].tolist()) == {0.0, 1.0, 2.0}
    assert set(default[:, 0, SEEN + 1].tolist()) == {0.0}


def test_a_loss_that_is_no_number_stops_with_a_sentence():
    data = features()
    data.commands[:] = float("nan")
    with pytest.raises(ValueError, match="loss is nan"):
        train_head(HybridHead(MINI, SEEN + TEXT), data, 4, HeadRecipe(epochs=1))
