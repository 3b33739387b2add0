"""The four RoboVLMs heads: causal, bounded by the window, masked, and able to learn."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from envs.interface import COMMAND_LIMIT
from policies.plan_head import PlanOptions
from policies.robovlms_discrete import DiscreteDecoder
from policies.robovlms_fc import FCDecoder
from policies.robovlms_gpt import GPTDecoder
from policies.robovlms_lstm import LSTMDecoder
from policies.sizes import FULL, MINI
from training.features import Features
from training.heads import HeadRecipe, split, train_head

HEADS = (FCDecoder, LSTMDecoder, GPTDecoder, DiscreteDecoder)
REMEMBERING = HEADS[1:]
WIDTH = 6
SMALL = replace(MINI, lstm_width=24, lstm_layers=1, head=(32, 32, 32), gpt_width=24, gpt_layers=1,
                gpt_heads=2, window=4, plan=3)


def fresh(head_class, sizes=SMALL, **options):
    torch.manual_seed(0)
    return head_class(sizes, {"action": WIDTH}, **options).eval()


def batch(head, rows=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    window, plan = head.wants.window, head.wants.plan
    commands = torch.rand(rows, window, plan, 2, generator=generator) * 2.3 - 1.15
    return ({"action": torch.randn(rows, window, WIDTH, generator=generator)},
            torch.full((rows,), window), commands, torch.ones(rows, window, plan))


def loss(head, *lesson):
    with torch.no_grad():
        return head.loss(*lesson).item()


@pytest.mark.parametrize("head_class", HEADS)
def test_a_head_plans_within_the_range_for_every_frame_of_its_window(head_class):
    head = fresh(head_class)
    parts, lengths, commands, _ = batch(head)
    plans = head({"action": parts["action"] * 50}, lengths)
    assert plans.shape == commands.shape
    assert plans.abs().max() <= COMMAND_LIMIT


@pytest.mark.parametrize("head_class", REMEMBERING)
def test_an_answer_looks_at_the_frames_before_and_never_at_those_behind(head_class):
    head = fresh(head_class, MINI)
    parts, lengths, _, _ = batch(head)
    plans = head.encoded(parts, lengths)
    for frame in range(head.wants.window):
        other = parts["action"].clone()
        other[:, frame] += 3.0
        changed = (head.encoded({"action": other}, lengths) != plans).flatten(2).any(-1).any(0)
        assert not changed[:frame].any()
        if head_class is not DiscreteDecoder:  # its bins may be the same
            assert changed[frame:].all()


def test_a_head_without_memory_is_asked_about_one_frame():
    assert fresh(FCDecoder).wants.window == 1


@pytest.mark.parametrize("head_class", HEADS)
def test_a_row_is_answered_alike_whatever_the_others_are_and_wherever_it_stands(head_class):
    head = fresh(head_class, MINI)
    parts, lengths, _, _ = batch(head, rows=8)
    others, _, _, _ = batch(head, rows=8, seed=1)
    others["action"][5] = parts["action"][2]
    assert torch.equal(head(parts, lengths)[2], head(others, lengths)[5])


@pytest.mark.parametrize("head_class", HEADS)
def test_what_is_behind_a_short_window_changes_nothing_before(head_class):
    head = fresh(head_class)
    parts, lengths, _, _ = batch(head)
    kept = max(1, head.wants.window - 2)
    cut = parts["action"].clone()
    cut[:, kept:] = 0.0
    assert torch.equal(head({"action": cut}, lengths - 2)[:, :kept],
                       head(parts, lengths)[:, :kept])


def test_reading_the_window_again_is_going_on_with_the_state():
    head = fresh(LSTMDecoder)
    parts, lengths, _, _ = batch(head)
    state, plans = None, []
    for frame in range(head.wants.window):
        states, state = head.rnn(head.scaled(parts)["action"][:, frame:frame + 1], state)
        plans.append(head.actions(states))
    assert torch.allclose(torch.cat(plans, dim=1), head.encoded(parts, lengths), atol=1e-6)


@pytest.mark.parametrize("head_class", HEADS)
def test_steps_behind_the_end_of_an_episode_are_not_learned_from(head_class):
    head = fresh(head_class)
    parts, lengths, commands, mask = batch(head)
    mask[:, -1, 1:] = 0.0
    other = commands.clone()
    other[:, -1, 1:] = 1.0
    assert loss(head, parts, lengths, commands, mask) == loss(head, parts, lengths, other, mask)
    other[:, -1, 0] = 0.77
    assert loss(head, parts, lengths, commands, mask) != loss(head, parts, lengths, other, mask)


@pytest.mark.parametrize("head_class", HEADS)
def test_without_the_action_mask_they_count_as_standing_still_but_no_frame_is_made_up(head_class):
    head, plain = fresh(head_class, action_mask=False), fresh(head_class)
    parts, lengths, commands, mask = batch(head)
    mask[0, -1, 1:] = 0.0  # an episode ends
    mask[1:, -1] = 0.0  # a frame that is none, but where the window is one frame
    stands = commands * mask[..., None]
    counts = mask.clone()
    counts[0, -1] = 1.0
    assert loss(head, parts, lengths, commands, mask) == loss(plain, parts, lengths, stands, counts)


@pytest.mark.parametrize("head_class", REMEMBERING)
def test_segments_are_asked_at_their_last_frame_only(head_class):
    head = fresh(head_class, organise="segment")
    parts, lengths, commands, mask = batch(head)
    lengths = torch.tensor([4, 2, 1])
    mask = mask * (torch.arange(4) < lengths[:, None])[..., None]
    other = commands.clone()
    other[0, :3], other[1, :1] = 0.1, 0.1
    assert loss(head, parts, lengths, commands, mask) == loss(head, parts, lengths, other, mask)
    other[1, 1] = 0.1
    assert loss(head, parts, lengths, commands, mask) != loss(head, parts, lengths, other, mask)


def test_an_unknown_organisation_is_refused():
    with pytest.raises(ValueError, match="interleave or segment, got 'pile'"):
        PlanOptions(organise="pile")


def remembered(episodes=48, steps=5):
    """Episodes whose first frame shows a side; all later commands, 0 and +-1.15, go there.

    What comes is known ahead: at the last step of every episode the robot stands.
    """
    side = np.repeat(np.arange(episodes) % 2 * 2.0 - 1.0, steps)
    step = np.tile(np.arange(steps), episodes)
    shown = np.zeros((len(side), WIDTH), np.float32)
    shown[step == 0, 0] = side[step == 0]
    shown[np.arange(len(step)), 1] = step / steps
    commands = np.stack([np.zeros(len(side)), side * COMMAND_LIMIT * (step < steps - 1)], axis=1)
    number = np.repeat(np.arange(episodes), steps)
    return Features({"action": torch.from_numpy(shown)},
                    torch.from_numpy(commands).float(), number, number, step, {},
                    [[0]] * episodes)


def learned(head_class, epochs=12, **options):
    torch.manual_seed(1)
    head, data = head_class(SMALL, {"action": WIDTH}, **options), remembered()
    recipe = HeadRecipe(epochs=epochs, batch=8, learning_rate=0.01, patience=99,
                        stop_weight=1.0)
    return head, data, train_head(head, data, recipe), split(data.layouts, recipe).test


@pytest.mark.parametrize("head_class", REMEMBERING)
def test_what_only_the_first_frame_showed_is_remembered(head_class):
    assert learned(head_class)[2]["test_mae"] < 0.1


def test_a_head_without_memory_cannot_know_it():
    assert learned(FCDecoder)[2]["test_mae"] > 0.2


@pytest.mark.parametrize("options", [{"regularise": True, "mu_law": True}, {"organise": "segment"},
                                     {"action_mask": False}])
def test_variants_learn_too_and_the_normaliser_has_what_training_measured(options):
    head, data, record, _ = learned(LSTMDecoder, epochs=20, **options)
    assert record["test_mae"] < 0.15
    assert head.normaliser.std[1] == pytest.approx(
        (data.commands[:, 1] / COMMAND_LIMIT).std().item(), rel=0.05)


@pytest.mark.parametrize("head_class", REMEMBERING)
def test_a_stop_is_planned_before_it_comes(head_class):
    torch.manual_seed(0)
    head, data = head_class(SMALL, {"action": WIDTH}), remembered(episodes=8)
    rows = np.flatnonzero(data.steps == 2)
    windows, lengths = data.windows(rows, head.wants, None)
    wanted, mask = data.targets(rows, head.wants)
    practised(head, 200, windows, lengths, wanted, mask)
    with torch.inference_mode():
        plans = head(windows, lengths)[:, 2]
    assert (plans[:, :2] - wanted[:, 2, :2]).abs().max() < 0.3  # still sideways
    assert plans[:, 2].abs().max() < 0.3  # the end of the episode


def practised(head, steps, *lesson):
    optimizer = torch.optim.AdamW(head.parameters(), 0.005)
    for _ in range(steps):
        optimizer.zero_grad()
        head.loss(*lesson).backward()
        optimizer.step()
    head.eval()


def test_linear_y_is_said_knowing_what_linear_x_became():
    torch.manual_seed(0)
    head = DiscreteDecoder(SMALL, {"action": WIDTH})
    parts, lengths, commands, mask = batch(head, rows=32)
    parts["action"].zero_()  # nothing tells which way, but both axes go the same
    commands[:] = (torch.rand(32, 4, 3, 1) < 0.5).float() * 2.3 - 1.15
    practised(head, 100, parts, lengths, commands, mask)
    known = loss(head, parts, lengths, commands, mask)
    assert known < 0.75 * np.log(2)  # alone, each axis costs log 2; knowing the other, half of it
    x, y = head(parts, lengths).unbind(-1)
    assert torch.allclose(x, y)
    assert x.abs().min() > 1.1  # one of the two ways, and nothing between them


def test_at_full_size_the_heads_are_as_wide_and_deep_as_published():
    with torch.device("meta"):
        lstm, gpt = (cls(FULL, {"action": 2048}) for cls in (LSTMDecoder, GPTDecoder))
    count = sum(each.numel() for each in lstm.rnn.parameters())
    assert count == 4 * 1024 * (2048 + 1024 + 2) + 3 * 4 * 1024 * (1024 + 1024 + 2)
    blocks = sum(each.numel() for each in gpt.frames.gpt.h.parameters())
    assert blocks == 8 * (12 * 1024 ** 2 + 13 * 1024)
    assert gpt.frames.gpt.config.n_head == 8
    assert [layer.out_features for layer in lstm.actions.mlp if hasattr(layer, "out_features")
            ] == [1024, 512, 256, 2 * 10]
    assert (lstm.wants.window, lstm.wants.plan) == (8, 10)


@pytest.mark.parametrize("head_class", HEADS)
def test_at_mini_size_a_head_stays_small(head_class):
    head = head_class(MINI, {"action": 128})
    assert 40_000 < sum(each.numel() for each in head.parameters()) < 600_000
