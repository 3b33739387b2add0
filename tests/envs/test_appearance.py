"""An episode's look comes from its profile and its seed, and is told in full."""

import colorsys
import json
import math
from dataclasses import fields, replace

import numpy as np
import pytest

from envs.appearance import PARTS, Appearance, Surface, draw, load_profile
from envs.look import Light
from envs.places import ROBOT_MARGIN_M
from scenarios import load, names
from tests.envs.looks import NOMINAL, RANDOMISED, SCENARIO, crowded, look

MANY = range(200)


def hue_distance(a, b) -> float:
    """Turns between the hues of two colours."""
    apart = abs(colorsys.rgb_to_hsv(*a)[0] - colorsys.rgb_to_hsv(*b)[0])
    return min(apart, 1 - apart)


@pytest.mark.parametrize("name", names())
def test_nominal_has_the_scenarios_colours_and_an_exact_camera(name):
    scenario = load(name)
    nominal = look(NOMINAL, scenario=scenario)
    assert nominal.box == Surface(scenario.boxes.rgb, None, 1.0)
    assert nominal.cup == Surface(scenario.cup.rgb, None, 1.0)
    assert nominal.wall == Surface(scenario.room.wall_rgb, None, 1.0)
    assert nominal.floor == Surface((1.0, 1.0, 1.0), "floor", 6.2)
    assert [getattr(nominal.lens, field.name) for field in fields(nominal.lens)] == [
        0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    assert nominal.distractors == ()
    assert (nominal.light.ambient, nominal.light.diffuse) == (0.6, 0.35)
    assert nominal.light.rgb == nominal.sky_rgb == (1.0, 1.0, 1.0)


def test_nominal_light_comes_from_where_the_reference_camera_has_it():
    towards = np.array([-1.0, 2.0, 3.5])
    np.testing.assert_allclose(look(NOMINAL).light.direction, towards / np.linalg.norm(towards))


def test_nominal_leaves_nothing_to_chance():
    assert len({look(NOMINAL, seed) for seed in MANY}) == 1


def test_one_seed_gives_one_look_and_another_seed_another():
    assert [look(seed=seed) for seed in MANY] == [look(seed=seed) for seed in MANY]
    assert len({look(seed=seed) for seed in MANY}) == len(MANY)


def test_half_of_the_mixed_looks_are_nominal_and_the_others_as_in_randomised():
    mixed = [look(load_profile("mixed"), seed) for seed in range(200)]
    nominal = [seed for seed, each in enumerate(mixed) if each.profile == "nominal"]
    assert 80 < len(nominal) < 120
    assert mixed[nominal[0]] == look(NOMINAL)
    other = next(seed for seed in range(200) if seed not in nominal)
    assert mixed[other] == replace(look(seed=other), profile="mixed")


def test_a_look_takes_nothing_from_the_generators_stream():
    rng = np.random.default_rng(3)
    draw(RANDOMISED, SCENARIO, rng)
    assert rng.random() == np.random.default_rng(3).random()  # layouts stay the same


def test_left_and_right_of_one_seed_look_alike():
    assert look(scenario=load("2box_hori_left")) == look(scenario=load("2box_hori_right"))


@pytest.mark.parametrize("part", [part for part in PARTS if part != "share"])
def test_fixing_one_part_moves_no_other_draw(part):
    fixed = replace(RANDOMISED, **{part: getattr(NOMINAL, part)})
    for seed in MANY[:20]:
        was, now = look(seed=seed).as_json(), look(fixed, seed).as_json()
        key = "sky_rgb" if part == "sky" else part
        assert {each for each in was if was[each] != now[each]} <= {key}


def test_fixing_one_quantity_moves_no_other_of_its_part():
    blurred = replace(RANDOMISED, lens=replace(RANDOMISED.lens, blur_px=(2.0, 2.0)))
    for seed in MANY[:20]:
        assert look(blurred, seed).lens == replace(look(seed=seed).lens, blur_px=2.0)


def test_more_distractors_leave_the_first_ones_where_they_were():
    for seed in MANY[:20]:
        assert look(crowded(8), seed).distractors[:3] == look(crowded(3), seed).distractors


@pytest.mark.parametrize("name", names())
def test_distractors_stand_in_the_room_where_no_robot_may_drive(name):
    scenario = load(name)
    (x0, x1), (y0, y1) = scenario.success.bounds_x_m, scenario.success.bounds_y_m
    for seed in MANY:
        for thing in look(crowded(), seed, scenario).distractors:
            (x, y, z), (length, width, height) = thing.position, thing.size_m
            around = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) / 2 * (length, width)
            cos, sin = math.cos(thing.yaw_rad), math.sin(thing.yaw_rad)
            xs = x + around @ [cos, -sin] if thing.shape == "box" else x + around[:, 0]
            ys = y + around @ [sin, cos] if thing.shape == "box" else y + around[:, 1]
            assert scenario.room.x_m[0] <= min(xs) <= max(xs) <= scenario.room.x_m[1]
            assert scenario.room.y_m[0] <= min(ys) <= max(ys) <= scenario.room.y_m[1]
            gap = ROBOT_MARGIN_M - 1e-9
            assert (min(xs) >= x1 + gap or max(xs) <= x0 - gap
                    or min(ys) >= y1 + gap or max(ys) <= y0 - gap)
            assert z == height / 2  # it stands on the floor


def test_no_distractor_stands_in_another():
    for seed in MANY:
        things = look(crowded(), seed).distractors
        for number, one in enumerate(things):
            for other in things[:number]:
                apart = math.dist(one.position[:2], other.position[:2])
                assert apart > (max(one.size_m[:2]) + max(other.size_m[:2])) / 2


def test_the_cup_stays_red_and_no_distractor_is():
    pure_red = (1.0, 0.0, 0.0)
    for seed in MANY:
        drawn = look(crowded(), seed)
        assert hue_distance(drawn.cup.rgb, pure_red) <= 0.04
        assert colorsys.rgb_to_hsv(*drawn.cup.rgb)[1] >= 0.75
        for thing in drawn.distractors:
            assert hue_distance(thing.surface.rgb, pure_red) >= 0.14 or max(
                thing.surface.rgb) - min(thing.surface.rgb) < 1e-9  # grey has no hue


def test_every_range_of_randomised_is_used_from_end_to_end():
    drawn = [look(seed=seed) for seed in range(1000)]
    exposures = [each.lens.exposure for each in drawn]
    assert 0.8 <= min(exposures) < 0.81
    assert 1.24 < max(exposures) <= 1.25
    assert {each.floor.texture for each in drawn} == {
        "floor", "wood", "carpet", "concrete", "tiles", None}
    assert {len(each.distractors) for each in drawn} == {0, 1, 2, 3, 4}
    elevations = [math.degrees(math.asin(each.light.direction[2])) for each in drawn]
    assert 35 <= min(elevations) < 36
    assert 79 < max(elevations) <= 80


@pytest.mark.parametrize("profile", [NOMINAL, RANDOMISED, crowded()])
def test_a_record_tells_the_whole_look(profile):
    drawn = look(profile)
    text = json.dumps(drawn.as_json(), allow_nan=False)
    assert Appearance.from_json(json.loads(text)) == drawn


def test_a_record_with_a_missing_key_is_refused():
    values = look().as_json()
    del values["lens"]["noise"]
    with pytest.raises(ValueError, match=r"appearance\.lens: missing noise\. Expected exactly"):
        Appearance.from_json(values)


def test_a_room_without_place_for_distractors_says_what_to_change():
    small = replace(SCENARIO, room=replace(SCENARIO.room, x_m=(-1.1, 4.1), y_m=(-2.1, 2.1)))
    with pytest.raises(ValueError, match=r"2box_hori_left: no side of the room has place"):
        look(crowded(1), scenario=small)
    assert look(crowded(0), scenario=small).distractors == ()


def test_one_distractor_too_wide_is_told_by_the_first_look_though_it_draws_none():
    wide = replace(RANDOMISED, distractors=replace(
        RANDOMISED.distractors, count=(0, 1), width_m=(0.12, 0.5)))
    for seed in MANY[:20]:
        with pytest.raises(ValueError, match="no side of the room .* 0.71 m across"):
            look(wide, seed)


def test_more_distractors_than_a_room_holds_are_told_by_the_first_look_though_it_draws_few():
    """One strip, 3.8 m long, of the width of one thing of 0.4 m: it never holds 16 of them."""
    narrow = replace(SCENARIO, room=replace(SCENARIO.room, x_m=(-1.6, 4.1), y_m=(-2.1, 2.1)))
    round_ones = replace(RANDOMISED.distractors, shapes=("cylinder",), width_m=(0.12, 0.4))
    few, many = (replace(RANDOMISED, distractors=replace(round_ones, count=(0, most)))
                 for most in (2, 16))
    for seed in MANY[:20]:
        assert len(look(few, seed, narrow).distractors) <= 2
        with pytest.raises(ValueError, match="too full for 16 distractors up to 0.40 m across"):
            look(many, seed, narrow)


def test_a_light_below_the_floor_and_colours_beyond_one_are_refused():
    with pytest.raises(ValueError, match="direction must have z above 0"):
        Light((1.0, 0.0, 0.0), 0.6, 0.35, (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="rgb must be within 0 and 1, got 2"):
        Surface((2.0, 0.0, 0.0), None, 1.0)
