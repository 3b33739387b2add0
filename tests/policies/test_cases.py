"""The case models: the seeds' structure at full size, and what the originals got wrong."""

import pytest
import torch
from torch import nn

import policies
from envs.interface import COMMAND_LIMIT
from policies.case4_robovlms_complete import STEPS
from policies.case5_active_learning import uncertainty
from policies.planner_tasks import DONE, TASKS, tasks_of
from policies.sizes import FULL, MINI, dropout
from tests.policies.heads import head_of, weightless, widths
from tests.training.lessons import Listens

CASES = [name for name in policies.LEARNED if name.startswith("case")]
NARROW = dict.fromkeys(widths(MINI), 6)


def linears(module):
    return [(each.in_features, each.out_features) for each in module.modules()
            if isinstance(each, nn.Linear)]


def dropped(head):
    return {round(each.p, 9) for each in head.modules() if isinstance(each, nn.Dropout)}


def look(head, rows=3, seed=0):
    """Parts of one frame a row."""
    rng = torch.Generator().manual_seed(seed)
    inner = {"kosmos_patches": (5,)}
    frames = {name: torch.randn(rows, 1, *inner.get(name, ()), 6, generator=rng)
              for name in head.wants.frame}
    return frames | {name: torch.randn(rows, 6, generator=rng) for name in head.wants.text}


def answer(head, parts):
    with torch.inference_mode():
        return head.eval()(parts, torch.ones(len(next(iter(parts.values()))), dtype=torch.int64))


@pytest.mark.parametrize("name", ["case1_simplified", "case3_simple", "case5_active_learning"])
def test_case_1_and_its_copies_are_as_wide_as_the_seeds_say(name):
    head = weightless(name, FULL)
    assert linears(head.narrow) == [(1024, 256), (2048, 256)]
    assert linears(head.actions) == [(512, 512), (512, 256), (256, 128), (128, 2)]
    assert dropped(head) == {0.4}


def test_case_2_is_as_wide_as_the_seeds_say():
    head = weightless("case2_clip_normalized", FULL)
    layer, = head.resampler.layers
    assert head.resampler.latents.shape == (16, 256)
    assert layer.attention.num_heads == 4
    assert linears(layer.think) == [(256, 384), (384, 256)]
    assert linears(head.clip) == [(768, 256)]
    assert linears(head.actions) == [(512, 256), (256, 2)]


def test_case_4_is_as_wide_as_the_seeds_say():
    head = weightless("case4_robovlms_complete", FULL)
    assert head.resampler.latents.shape == (64, 512)
    assert [each.attention.num_heads for each in head.resampler.layers] == [8] * 6
    planner = head.planner
    kinds = [planner.task_planner, planner.action_sequencer, planner.state_predictor]
    assert [type(each) for each in kinds] == [nn.LSTM, nn.GRU, nn.LSTM]
    assert [each.hidden_size for each in kinds] == [512, 512, 64]
    assert len(linears(head.actions)) == 4
    assert dropped(head) == {0.1}


def test_the_seeds_64_latents_can_be_16():
    assert len(weightless("case4_latents_16", FULL).resampler.latents) == 16


def test_mini_cases_are_full_ones_by_the_stated_factors():
    assert FULL.case_width / MINI.case_width == 8
    assert FULL.resampler_layers / MINI.resampler_layers == 6
    assert FULL.resampler_heads / MINI.resampler_heads == 4
    for name, latents in (("case2_clip_normalized", 2), ("case4_robovlms_complete", 8)):
        assert len(weightless(name, MINI).resampler.latents) == latents


@pytest.mark.parametrize("share", [0.4, 0.1])
def test_dropout_scatters_a_mini_sum_as_much_as_a_full_one(share):
    torch.manual_seed(0)
    scatter = []
    for size in (FULL, MINI):
        values = torch.ones(20_000, size.case_width) / size.case_width
        scatter.append(nn.functional.dropout(values, dropout(share, size)).sum(dim=1).std().item())
    assert scatter[1] == pytest.approx(scatter[0], rel=0.05)
    assert dropout(share, FULL) == pytest.approx(share)


def test_the_planner_keeps_the_seeds_limits():
    planner = head_of("case4_robovlms_complete", MINI).planner.eval()
    planned = planner(torch.randn(3, 2 * MINI.case_width))
    assert planned.tasks.shape == (3, 5, 10)
    assert planned.sequence.shape[:2] == planned.states.shape[:2] == (3, 5)
    assert planned.states.shape[2] == MINI.case_width // 4
    assert weightless("case4_robovlms_complete", FULL).wants.plan == STEPS == 5


def test_a_plan_of_tasks_is_every_new_way_once():
    ahead, left, slow = (1.15, 0.0), (0.0, 1.15), (1.15, 0.2)
    commands = torch.tensor([[ahead, ahead, left, left, ahead], [left, slow, ahead, left, left]])
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    said = [[TASKS[task] for task in row] for row in tasks_of(commands, mask).tolist()]
    assert said == [["forward", "left", "forward", "done", "done"],
                    ["left", "forward", "done", "done", "done"]]


def test_every_way_has_a_task_of_its_own():
    ways = torch.tensor([(x, y) for x in (-1.0, 0.0, 1.0) for y in (-1.0, 0.0, 1.0)])[:, None]
    said = [TASKS[task] for task in tasks_of(ways, torch.ones(9, 1))[:, 0]]
    assert said == ["back right", "back", "back left", "right", "stop", "left",
                    "forward right", "forward", "forward left"]
    assert len(TASKS) == 10
    assert TASKS[DONE] == "done"


@pytest.mark.parametrize("name", CASES)
def test_an_answer_does_not_depend_on_who_else_is_asked(name):
    head = head_of(name, MINI, NARROW)
    parts, others = look(head), look(head, seed=1)
    mixed = {part: torch.cat([values[:1], others[part][1:]]) for part, values in parts.items()}
    assert torch.equal(answer(head, mixed)[0], answer(head, parts)[0])


def test_a_picture_is_normalised_alone_as_among_many():
    head = head_of("case2_clip_normalized", MINI, NARROW)
    many = look(head, rows=8)
    among = answer(head, many)
    for row in range(8):
        alone = answer(head, {part: values[row:row + 1] for part, values in many.items()})
        torch.testing.assert_close(alone[0], among[row], atol=1e-5, rtol=0)


def test_of_clips_feature_only_the_direction_counts():
    head = head_of("case2_clip_normalized", MINI, NARROW)
    parts = look(head)
    longer, other = (parts | {"clip_vision": factor * parts["clip_vision"]} for factor in (5, -1))
    torch.testing.assert_close(answer(head, longer), answer(head, parts), atol=1e-5, rtol=0)
    assert (answer(head, other) - answer(head, parts)).abs().max() > 0.01


def test_a_layer_norm_over_two_outputs_leaves_at_most_two_commands():
    many = look(head_of("case1_simplified", MINI, NARROW), rows=200)
    free, normed = (answer(head_of(name, MINI, NARROW), many)[:, 0, 0]
                    for name in ("case1_simplified", "case1_output_norm"))
    clear = (free[:, 0] - free[:, 1]).abs() > 0.1  # not so near that the norm's epsilon shows
    shares = (normed[clear] / COMMAND_LIMIT).round(decimals=1)
    assert set(map(tuple, shares.tolist())) <= {(1.0, -1.0), (-1.0, 1.0)}
    assert len(set(map(tuple, free[clear].round(decimals=1).tolist()))) > 20


@pytest.mark.parametrize(("name", "parts"), [
    ("case1_no_text", {"kosmos_vision"}),
    ("case2_no_resampler", {"kosmos_vision", "clip_vision", "kosmos_text"}),
    ("case2_no_clip", {"kosmos_patches", "kosmos_text"}),
    ("case4_no_resampler", {"kosmos_vision", "kosmos_text"}),
])
def test_a_part_that_is_taken_out_is_not_even_looked_at(name, parts):
    wants = weightless(name, MINI).wants
    assert {*wants.frame, *wants.text} == parts


def test_without_clip_no_clip_tower_is_loaded():
    assert policies.find("case2_no_clip")[0].towers() == ("kosmos2",)
    assert policies.find("case2_clip_normalized")[0].towers() == ("kosmos2", "clip")


def test_without_planner_there_is_no_plan():
    head = head_of("case4_no_planner", MINI, NARROW)
    assert answer(head, look(head)).shape == (3, 1, 1, 2)
    assert not any(isinstance(each, nn.LSTM | nn.GRU) for each in head.modules())


def sampled(head, seed, samples=8):
    parts = look(head)
    return uncertainty(head, parts, torch.ones(3, dtype=torch.int64), samples,
                       torch.Generator().manual_seed(seed))


def test_uncertainty_comes_from_its_own_generator_alone():
    head, before = head_of("case5_active_learning", MINI, NARROW), torch.get_rng_state()
    found = sampled(head, 1)
    assert torch.equal(found, sampled(head, 1))
    assert not torch.equal(found, sampled(head, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert found.shape == (3, 1)
    assert (found > 0).all()


@pytest.mark.parametrize("training", [True, False])
def test_asking_for_uncertainty_leaves_the_head_as_it_was(training):
    head = head_of("case5_active_learning", MINI, NARROW).train(training)
    sampled(head, 0)
    assert {each.training for each in head.modules()} == {training}


def test_frames_that_do_not_count_have_no_uncertainty():
    head = head_of("case5_active_learning", MINI, NARROW)
    windows = {name: values.expand(-1, 4, -1) if values.ndim == 3 else values
               for name, values in look(head).items()}
    found = uncertainty(head, windows, torch.tensor([1, 4, 2]), 4, torch.Generator())
    assert (found > 0).tolist() == [[True] + [False] * 3, [True] * 4, [True] * 2 + [False] * 2]


def test_uncertainty_wants_dropout_and_two_samples():
    with pytest.raises(ValueError, match="Listens has no dropout layers"):
        uncertainty(Listens(), {}, torch.ones(1), 2, torch.Generator())
    with pytest.raises(ValueError, match="samples must be at least 2, got 1"):
        sampled(head_of("case5_active_learning", MINI, NARROW), 0, samples=1)
