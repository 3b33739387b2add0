"""Layouts: all factors occur, one seed is one layout, and left and right share it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scenarios
from scenarios.layout import PURPOSES, VARIATION_KEYS

SEEDS = st.integers(0, 2**63 - 1)
GROUPS = ("1box_vert", "1box_hori", "2box_vert", "2box_hori")


def layout(name: str, seed: int, **fixed: str) -> scenarios.Layout:
    return scenarios.sample_layout(scenarios.load(name), np.random.default_rng(seed), fixed)


def test_the_eight_scenarios_are_shipped_and_load():
    assert scenarios.names() == [f"{group}_{side}" for group in GROUPS
                                 for side in ("left", "right")]
    for name in scenarios.names():
        scenario = scenarios.load(name)
        count, arrangement, side = name.split("_")
        assert f"{scenario.boxes.count}box" == count
        assert (scenario.boxes.arrangement, scenario.pass_side) == (arrangement, side)
        assert scenario.layout_group == f"{count}_{arrangement}"
        assert "chosen, not measured" in scenario.about


def test_all_selects_every_scenario_and_a_name_selects_one():
    assert [each.name for each in scenarios.select("all")] == scenarios.names()
    assert [each.name for each in scenarios.select("1box_hori_right")] == ["1box_hori_right"]


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, group=st.sampled_from(GROUPS))
def test_left_and_right_share_the_layout_of_a_seed(seed, group):
    assert layout(f"{group}_left", seed) == layout(f"{group}_right", seed)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, group=st.sampled_from(GROUPS))
def test_a_layout_stays_inside_the_stated_jitter(seed, group):
    scenario, drawn = scenarios.load(f"{group}_left"), layout(f"{group}_left", seed)
    place = scenario.placement
    assert abs(drawn.start[0]) <= place.start_jitter_m[0]
    assert abs(drawn.start[1]) <= place.start_jitter_m[1]
    assert abs(drawn.cup[0] - scenario.cup.distance_m) <= place.cup_jitter_m[0]
    centre = np.mean(drawn.boxes, axis=0)
    assert abs(centre[0] - place.obstacle_distance_m[drawn.variation.distance]) <= 0.05
    assert abs(centre[1] - place.obstacle_bias_m[drawn.variation.bias]) <= 0.05


def test_every_combination_of_distance_bias_and_pattern_is_drawn():
    drawn = {tuple(vars(layout("1box_vert_left", seed).variation).values()) for seed in range(300)}
    assert len(drawn) == 3 * 3 * 2


def test_a_third_of_the_layouts_is_variant():
    variant = sum(layout("2box_vert_left", seed).variation.pattern == "variant"
                  for seed in range(600))
    assert 150 <= variant <= 250  # 200 expected, standard deviation 11.5


def test_core_keeps_the_nominal_clearance_and_variant_another():
    routes = scenarios.load("1box_vert_left").routes
    core = layout("1box_vert_left", 7, pattern="core")
    variant = layout("1box_vert_left", 7, pattern="variant")
    assert (core.clearance_m, core.lead_m) == (routes.core_clearance_m, 0.0)
    assert variant.clearance_m != core.clearance_m
    assert routes.variant_clearance_m[0] <= variant.clearance_m <= routes.variant_clearance_m[1]


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS, distance=st.sampled_from(VARIATION_KEYS["distance"]))
def test_a_fixed_factor_moves_no_other_draw(seed, distance):
    free, fixed = layout("2box_hori_left", seed), layout("2box_hori_left", seed, distance=distance)
    obstacle = scenarios.load("2box_hori_left").placement.obstacle_distance_m
    moved = obstacle[distance] - obstacle[free.variation.distance]
    assert fixed.variation == replace(free.variation, distance=distance)
    assert (fixed.start, fixed.cup, fixed.clearance_m) == (free.start, free.cup, free.clearance_m)
    np.testing.assert_allclose(np.array(fixed.boxes) - np.array(free.boxes),
                               [[moved, 0.0, 0.0]] * 2, atol=1e-12)


@pytest.mark.parametrize(("fixed", "said"), [
    ({"distnace": "far"}, "Unknown factor 'distnace', expected one of distance, bias, pattern"),
    ({"distance": "near"}, "distance must be one of close, medium, far, got 'near'"),
])
def test_an_unknown_factor_or_level_is_named(fixed, said):
    with pytest.raises(ValueError, match=said):
        layout("1box_vert_left", 0, **fixed)


def test_vert_boxes_stand_along_the_path_and_hori_boxes_across_it():
    still = {"start_jitter_m": (0.0, 0.0), "obstacle_jitter_m": (0.0, 0.0), "box_jitter_rad": 0.0}
    boxes = {}
    for group in GROUPS:
        scenario = scenarios.load(f"{group}_left")
        scenario = replace(scenario, placement=replace(scenario.placement, **still))
        fixed = {"distance": "medium", "bias": "center"}
        boxes[group] = scenarios.sample_layout(scenario, np.random.default_rng(0), fixed).boxes
    assert boxes["1box_vert"] == ((1.25, 0.0, 0.0),)
    assert boxes["1box_hori"] == ((1.25, 0.0, math.pi / 2),)
    # long side 0.40 and gap 0.05: the centres stand 0.45 apart, end to end
    np.testing.assert_allclose(boxes["2box_vert"], [(1.025, 0, 0), (1.475, 0, 0)], atol=1e-12)
    np.testing.assert_allclose(
        boxes["2box_hori"], [(1.25, 0.225, math.pi / 2), (1.25, -0.225, math.pi / 2)], atol=1e-12)


def test_purposes_roots_groups_and_indices_never_share_a_seed():
    seeds = [scenarios.episode_seed(purpose, root, group, index) for purpose in PURPOSES
             for root in (0, 1, 899_999) for group in GROUPS for index in range(100)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_seed_is_the_same_in_every_process_and_release():
    assert scenarios.episode_seed("eval", 0, "2box_hori", 0) == 227583979579066733


@pytest.mark.parametrize(("arguments", "said"), [
    (("test", 0, "1box_vert", 0), "purpose must be one of train, val, eval, got 'test'"),
    (("eval", -1, "1box_vert", 0), "seed and episode index must be 0 or more, got -1 and 0"),
])
def test_a_wrong_purpose_or_root_is_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        scenarios.episode_seed(*arguments)


@pytest.mark.parametrize("name", ["2box_vert_left", "2box_hori_left"])
def test_two_boxes_never_stand_inside_each_other(name):
    scenario = scenarios.load(name)
    length, width, _ = scenario.boxes.size_m
    turned = scenario.placement.box_jitter_rad
    reach = length / 2 * math.cos(turned) + width / 2 * math.sin(turned)  # half length, turned
    for seed in range(300):
        first, second = scenarios.sample_layout(scenario, np.random.default_rng(seed)).boxes
        assert math.dist(first[:2], second[:2]) > 2 * reach


@pytest.mark.parametrize("purpose", ["train", "val"])
def test_roots_kept_for_judging_cannot_be_trained_or_chosen_by(purpose):
    with pytest.raises(ValueError, match="kept for judging"):
        scenarios.episode_seed(purpose, 900_000, "1box_vert", 0)
    assert scenarios.episode_seed("eval", 900_000, "1box_vert", 0) > 0
