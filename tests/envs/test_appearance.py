"""An episode's look comes from its profile and its seed, and is told in full."""

import colorsys
import json
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from envs.appearance import (
    PARTS,
    ROBOT_MARGIN_M,
    Appearance,
    Surface,
    draw,
    load_profile,
    profile_names,
    texture_path,
)
from envs.look import TEXTURES, Light, texture_names
from envs.profile import PROFILES
from scenarios import load, names

SCENARIO = load("2box_hori_left")
NOMINAL, RANDOMISED = load_profile("nominal"), load_profile("randomised")
WOOD = (TEXTURES / "wood.png").read_bytes()
MANY = range(200)


def look(profile=RANDOMISED, seed=0, scenario=SCENARIO) -> Appearance:
    return draw(profile, scenario, np.random.default_rng(seed))


def crowded(count=8):
    return replace(RANDOMISED, distractors=replace(RANDOMISED.distractors, count=(count, count)))


def own_profile(folder: Path, change=lambda text: text, source="randomised") -> str:
    """The path of a copy of a shipped profile, changed, called `own`."""
    text = (PROFILES / f"{source}.toml").read_text(encoding="utf-8")
    text = text.replace(f'name = "{source}"', 'name = "own"')
    (folder / "own.toml").write_text(change(text), encoding="utf-8")
    return str(folder / "own.toml")


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


@pytest.mark.parametrize("name", sorted(set(texture_names()) - {"floor"}))  # the room's own, large
def test_a_texture_is_small_and_light_and_its_edges_meet(name):
    pixels = np.asarray(Image.open(texture_path(name)).convert("RGB"), float)
    assert texture_path(name).stat().st_size < 400_000
    assert pixels.shape == (512, 512, 3)
    assert 0.74 <= pixels.mean() / 255 <= 1.0
    inside = [np.abs(np.diff(pixels, axis=axis)).mean(axis=(1 - axis, 2)) for axis in (0, 1)]
    seams = [np.abs(pixels[0] - pixels[-1]).mean(), np.abs(pixels[:, 0] - pixels[:, -1]).mean()]
    assert seams[0] <= inside[0].max() + 1  # no jump that the picture does not have inside too
    assert seams[1] <= inside[1].max() + 1


def test_every_shipped_texture_is_used_by_a_shipped_profile():
    used = set()
    for profile in map(load_profile, profile_names()):
        for surface in (profile.floor, profile.wall, profile.box, profile.cup,
                        profile.distractors.surface):
            used |= set(surface.textures)
    assert used - {"none"} == set(texture_names())


def test_profiles_with_other_values_have_other_hashes():
    dimmer = replace(RANDOMISED, light=replace(RANDOMISED.light, ambient=(0.2, 0.3)))
    assert len({NOMINAL.hash(), RANDOMISED.hash(), dimmer.hash(), crowded().hash()}) == 4
    assert load_profile("randomised").hash() == RANDOMISED.hash()


def test_a_profile_of_ones_own_may_bring_a_texture(tmp_path):
    (tmp_path / "mine.png").write_bytes(WOOD)
    own = load_profile(own_profile(
        tmp_path, lambda text: text.replace('textures = ["floor"]', 'textures = ["mine.png"]'),
        source="nominal"))
    assert look(own).profile == "own"
    assert texture_path(look(own).floor.texture) == tmp_path / "mine.png"


def test_a_hash_knows_a_texture_by_its_bytes_and_not_by_its_place(tmp_path):
    hashes = []
    for folder, source in (("a", "wood"), ("b", "wood"), ("c", "tiles")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.png").write_bytes((TEXTURES / f"{source}.png").read_bytes())
        hashes.append(load_profile(own_profile(
            tmp_path / folder, lambda text: text.replace('"floor"', '"mine.png"'))).hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_number_means_a_range_without_width(tmp_path):
    own = load_profile(own_profile(
        tmp_path, lambda text: text.replace("exposure = [0.8, 1.25]", "exposure = 2")))
    assert own.lens.exposure == (2.0, 2.0)


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ('"wood"', '"wod"', r"own\.toml\.floor: Unknown texture 'wod'\. Did you mean 'wood'\? "
                        r"Expected one of .*, 'none' or a PNG file\."),
    ('"wood"', '"mine.png"', r"mine\.png: there is no such texture file"),
    ('"wood"', '"own.toml.png"', r"own\.toml\.png: there is no such texture file"),
    ('["none", "cardboard", "carton"]', "[]", r"own\.toml\.box: textures must name at least one"),
    ("rgb = [1.0, 0.0, 0.0], hue = [0.0, 1.0], saturation = [0.0, 0.18], value = [0.5, 1.0]",
     "rgb = [1.5, 0.0, 0.0], hue = 0.0, saturation = 1.0, value = 1.0",
     r"own\.toml\.wall\.colour: rgb must be within 0 and 1, got 1\.5, 0\.0, 0\.0\."),
    ("exposure = [0.8, 1.25]", "exposure = [1.25, 0.8]",
     r"own\.toml\.lens: exposure must rise from its first to its second number, got 1\.25, 0\.8"),
    ("noise = [0.0, 5.0]", "noise = [-1.0, 5.0]", r"noise must be within 0 and 100, got -1\.0 to"),
    ("noise = [0.0, 5.0]", 'noise = "some"',
     r"own\.toml\.lens\.noise: expected a number or a range \[low, high\], got 'some'\."),
    ("noise = [0.0, 5.0]", "noise = nan", r"own\.toml\.lens\.noise\[0\]: expected a finite number"),
    ("noise = [0.0, 5.0]", "", r"own\.toml\.lens: missing noise\. Expected exactly the keys"),
    ("noise = [0.0, 5.0]", "noise = 1.0\nnoize = 2.0", r"own\.toml\.lens: unknown noize\."),
    ("count = [0, 4]", "count = [0, 99]", r"count must be within 0 and 16, got 0 to 99\."),
    ("count = [0, 4]", "count = [0.5, 4]", r"count\[0\]: expected int, got 0\.5\."),
    ('"sphere"', '"spere"', r"shapes must be among box, cylinder, sphere, got 'spere'\. Did you"),
    ("hue = [0.15, 0.8]", "hue = [0.0, 0.8]", r"a distractor must not pass for the cup"),
    ("hue = [-0.03, 0.03], saturation = [0.85, 1.1]", "hue = 0.3, saturation = 1.0",
     r"cup\.colour must have rgb 'scenario' and hue within -0\.05 and 0\.05 turns"),
    ('rgb = [1.0, 0.0, 0.0]\nhue = [0.5, 0.7]', 'rgb = "scenario"\nhue = [0.5, 0.7]',
     r"sky: scenarios say no colour of the sky; rgb must be three numbers"),
    ('rgb = [1.0, 0.0, 0.0]\nhue = [0.5, 0.7]', 'rgb = [1.0]\nhue = [0.5, 0.7]',
     r"own\.toml\.sky: rgb must be 'scenario' or three numbers, got \(1\.0,\)\."),
    ('name = "own"', 'name = "other"', r"own\.toml: name must be 'own' like the file, got 'other'"),
    ("[lens]", "[lens", r"own\.toml: is not valid TOML"),
])
def test_a_file_that_does_not_fit_gets_one_sentence(tmp_path, old, new, sentence):
    path = own_profile(tmp_path, lambda text: text.replace(old, new))
    with pytest.raises(ValueError, match=sentence) as caught:
        load_profile(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("content", "sentence"), [
    (b"no picture", "is no PNG file"), (WOOD[:8] + b"noise", "cannot be read as a PNG"),
    (WOOD[:len(WOOD) // 2], "cannot be read as a PNG")])
def test_a_texture_that_is_no_whole_png_is_refused(tmp_path, content, sentence):
    (tmp_path / "mine.png").write_bytes(content)
    with pytest.raises(ValueError, match=rf"mine\.png: {sentence}"):
        load_profile(own_profile(tmp_path, lambda text: text.replace('"wood"', '"mine.png"')))


def test_an_unknown_profile_is_answered_with_the_nearest():
    with pytest.raises(ValueError, match=r"Did you mean 'randomised'\? Expected one of mixed"):
        load_profile("randomized")
    with pytest.raises(ValueError, match=r"nowhere\.toml: cannot be read"):
        load_profile("nowhere.toml")


def test_a_profile_of_ones_own_has_a_name_of_its_own(tmp_path):
    (tmp_path / "nominal.toml").write_bytes((PROFILES / "nominal.toml").read_bytes())
    with pytest.raises(ValueError, match=r"nominal\.toml: 'nominal' is a shipped profile's name"):
        load_profile(str(tmp_path / "nominal.toml"))
    assert load_profile(str(PROFILES / "nominal.toml")) == NOMINAL


def test_a_room_without_place_for_distractors_says_what_to_change():
    small = replace(SCENARIO, room=replace(SCENARIO.room, x_m=(-1.1, 4.1), y_m=(-2.1, 2.1)))
    with pytest.raises(ValueError, match=r"2box_hori_left: no side of the room has place"):
        look(crowded(1), scenario=small)
    assert look(crowded(0), scenario=small).distractors == ()


def test_a_light_below_the_floor_and_colours_beyond_one_are_refused():
    with pytest.raises(ValueError, match="direction must have z above 0"):
        Light((1.0, 0.0, 0.0), 0.6, 0.35, (1.0, 1.0, 1.0))
    with pytest.raises(ValueError, match="rgb must be within 0 and 1, got 2"):
        Surface((2.0, 0.0, 0.0), None, 1.0)
