"""Textures: where they lie, that they repeat, and that they keep their colour far away."""

import numpy as np
import pytest
from PIL import Image

from envs.look import texture_names, texture_path
from tests.envs.studio import BODY, FLOOR, Studio, box, cylinder, pixel_of, sphere, turned, view

SIZE = (240, 320)
AHEAD = view((0, 0, 1), (1, 0, 1), (0.75, 1.0))
PLAIN = {"ambient": 1.0, "diffuse": 0.0}
RED, BLUE = (200, 20, 10), (10, 20, 200)


@pytest.fixture
def halves(tmp_path):
    """A PNG of 64 x 64: the left half red, the right half blue."""
    pixels = np.full((64, 64, 3), RED, np.uint8)
    pixels[:, 32:] = BLUE
    return saved(tmp_path / "halves.png", pixels)


def saved(path, pixels):
    Image.fromarray(pixels).save(path)
    return str(path)


def wall_of(texture, texture_m=0.5):
    """A face at 2 m, square to the axis; its texture begins at its middle."""
    return box((2.5, 0, 1), (1.0, 3.0, 2.0), texture=texture, texture_m=texture_m)


@pytest.mark.parametrize("repetition", [-2, -1, 0, 1, 2])
def test_a_texture_is_repeated_at_its_length(halves, repetition):
    shot = Studio(**PLAIN).shoot([wall_of(halves)], AHEAD, SIZE)
    for share, colour in ((0.25, RED), (0.75, BLUE)):
        row, column = pixel_of((2.0, -(repetition + share) * 0.5, 1.1), AHEAD, SIZE)
        np.testing.assert_allclose(shot.rgb[round(row), round(column)], colour, atol=2)


def test_an_edge_in_a_texture_is_where_it_is_drawn(halves):
    """Red to blue half a metre to the right: a column in which neither has won."""
    shot = Studio(**PLAIN).shoot([wall_of(halves, texture_m=1.0)], AHEAD, SIZE)
    row, column = pixel_of((2.0, -0.5, 1.0), AHEAD, SIZE)
    red = shot.rgb[round(row), :, 0].astype(int)
    crossing = np.flatnonzero((red[:-1] >= 105) & (red[1:] < 105))
    assert np.abs(crossing + 0.5 - column).min() <= 1.0


@pytest.mark.parametrize("yaw", [0.0, 0.5 * np.pi, np.pi, 1.5 * np.pi])
@pytest.mark.parametrize("make", [box, cylinder], ids=["box", "cylinder"])
def test_a_picture_on_a_body_is_upright_and_not_mirrored_from_every_side(tmp_path, yaw, make):
    """Four quarters of 0.5 m, those above bright, those to the right blue."""
    quarters = np.zeros((64, 64, 3), np.uint8)
    quarters[:32] = 100
    quarters[:, 32:, 2] += 100
    skin = {"texture": saved(tmp_path / "quarters.png", quarters), "texture_m": 1.0}
    turn = turned(yaw)
    body = (box((2.5, 0, 1), (1, 1, 1), turn, **skin) if make is box else
            cylinder((2.5, 0, 1), 1.0, 1.0, turned(np.pi), **skin))
    shot = Studio(**PLAIN).shoot([body], AHEAD, SIZE)
    for y, z, bright, blue in ((-0.2, 0.25, False, False), (-0.2, -0.25, True, False),
                               (0.2, 0.25, False, True), (0.2, -0.25, True, True)):
        depth = 2.0 if make is box else 2.5 - np.sqrt(0.25 - y * y)
        row, column = pixel_of((depth, y, 1 + z), AHEAD, SIZE)
        red, _, blues = shot.rgb[round(row), round(column)].astype(int)
        assert (red > 50, blues - red > 50) == (bright, blue)


def test_a_surfaces_colour_multiplies_its_texture(halves):
    tinted = box((2.5, 0, 1), (1, 3, 2), texture=halves, texture_m=0.5, rgb=(0.5, 1.0, 0.25))
    shot = Studio(**PLAIN).shoot([tinted], AHEAD, SIZE)
    row, column = pixel_of((2.0, -0.125, 1.1), AHEAD, SIZE)
    np.testing.assert_allclose(shot.rgb[round(row), round(column)],
                               np.array(RED) * (0.5, 1.0, 0.25), atol=2)


@pytest.mark.parametrize("thing", [
    lambda skin: box((2.5, 0, 1), (1, 2, 1), **skin),
    lambda skin: cylinder((2.5, 0, 1), 1, 1, **skin), lambda skin: sphere((2.5, 0, 1), 1, **skin)],
    ids=["box", "cylinder", "sphere"])
def test_one_colour_as_a_texture_is_one_colour_without_seams(tmp_path, thing):
    texture = saved(tmp_path / "one.png", np.full((64, 64, 3), (90, 160, 220), np.uint8))
    shot = Studio(**PLAIN).shoot([thing({"texture": texture, "texture_m": 0.07})], AHEAD, SIZE)
    inside = shot.ids == BODY
    inside &= np.roll(inside, 2, 0) & np.roll(inside, -2, 0) & np.roll(inside, 2, 1) & np.roll(
        inside, -2, 1)
    assert inside.sum() > 1000
    assert np.abs(shot.rgb[inside].astype(int) - (90, 160, 220)).max() <= 2


@pytest.mark.parametrize("pitch", [0.05, 0.3, 0.8])
def test_a_fine_pattern_far_away_has_its_mean_colour(tmp_path, pitch):
    """Black and white squares of 3 mm: half of the light, whatever is smaller than a pixel."""
    rows, columns = np.mgrid[:64, :64]
    squares = np.where((rows // 8 + columns // 8) % 2 == 0, 255, 0).astype(np.uint8)
    texture = saved(tmp_path / "squares.png", np.repeat(squares[..., None], 3, axis=2))
    studio = Studio(floor_texture=texture, floor_m=0.024, **PLAIN)
    shot = studio.shoot([], view((-9, 0, 2), (-9 + np.cos(pitch), 0, 2 - np.sin(pitch))), SIZE)
    floor = shot.grey[shot.ids == FLOOR]
    assert floor.mean() == pytest.approx(127.5, abs=2)
    far = shot.grey[(shot.ids == FLOOR) & (shot.depth > 6)]
    assert far.size == 0 or far.std() < 6  # neither moire nor flicker


@pytest.mark.parametrize("name", texture_names())
def test_the_floor_is_as_bright_as_its_texture(name):
    mean = np.asarray(Image.open(texture_path(name)).convert("RGB"), float).mean(axis=(0, 1))
    studio = Studio(floor_texture=name, floor_m=1.0, **PLAIN)
    shot = studio.shoot([], view((-9, 0, 1), (0, 0, -2)), SIZE)
    floor = shot.rgb[(shot.ids == FLOOR) & (shot.depth > 3)]
    np.testing.assert_allclose(floor.mean(axis=0), mean, atol=4)


def test_a_picture_of_any_size_becomes_a_texture(tmp_path):
    pixels = np.zeros((37, 90, 3), np.uint8)
    pixels[:, :45] = RED
    pixels[:, 45:] = BLUE
    shot = Studio(**PLAIN).shoot([wall_of(saved(tmp_path / "odd.png", pixels))], AHEAD, SIZE)
    row, column = pixel_of((2.0, -0.125, 1.1), AHEAD, SIZE)
    np.testing.assert_allclose(shot.rgb[round(row), round(column)], RED, atol=3)


def test_the_level_floors_quick_way_gives_the_same_texture(tmp_path):
    """Along a row the floor has one depth; the top of a slab that leans by 20 microrad has not."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    texture, level = saved(tmp_path / "noise.png", noise), view((0, 0, 0.5), (1, 0, 0.3))
    floor = Studio(floor_texture=texture, floor_m=3.0, **PLAIN).shoot([], level, SIZE)
    upside_down = saved(tmp_path / "turned.png", noise[::-1])  # rows run along y on the floor
    slab = box((5, -1, -0.5), (10, 18, 1), turned(0, 0, 2e-5), texture=upside_down, texture_m=3.0)
    top = Studio(**PLAIN).shoot([slab], level, SIZE)  # whole repetitions from the floor's corner
    both = (floor.ids == FLOOR) & (top.ids == BODY) & (floor.depth < 3)
    assert both.sum() > 10_000
    assert np.abs(floor.rgb[both].astype(int) - top.rgb[both]).mean() < 1.0
