"""Light and shadows fall where geometry says, in strengths that can be computed by hand."""

import math

import numpy as np
import pytest

from tests.envs.studio import BODY, Studio, box, cylinder, pixel_of, sphere, turned, view

SIZE = (240, 320)
CUBE = box((2.0, 0.0, 0.2), (0.4, 0.4, 0.4))
FROM_BEHIND = (-1.0, 0.0, 1.0)  # 45 degrees up: a thing of 0.4 m throws a shadow of 0.4 m ahead
ABOVE = view((2.0, 0.0, 4.0), (2.3, 0.0, 0.0), (0.3, 0.4))
SIDE = view((1.0, -1.0, 1.2), (2.0, -0.15, 0.3), (0.3, 0.4))
LIT = 255 * (0.5 + 0.4 * math.sqrt(0.5))  # a white floor under the lamp of LAMP
LAMP = {"toward": FROM_BEHIND, "ambient": 0.5, "diffuse": 0.4}


def grey_at(shot, point, seen):
    row, column = pixel_of(point, seen, SIZE)
    return shot.grey[round(row), round(column)]


@pytest.mark.parametrize(("point", "dark"), [
    ((2.4, 0.0, 0), True), ((2.55, 0.0, 0), True), ((2.65, 0.0, 0), False),
    ((2.4, 0.17, 0), True), ((2.4, 0.23, 0), False), ((2.4, -0.23, 0), False),
    ((1.7, 0.0, 0), False),  # towards the lamp
])
def test_the_shadow_of_a_cube_lies_where_it_is_computed_by_hand(point, dark):
    shot = Studio(**LAMP).shoot([CUBE], ABOVE, SIZE)
    expected = 255 * 0.5 if dark else LIT
    assert grey_at(shot, point, ABOVE) == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize("azimuth", np.linspace(-3, 3, 7))
@pytest.mark.parametrize("thing", [
    box((2, 0, 0.2), (0.1, 0.1, 0.4)), cylinder((2, 0, 0.2), 0.1, 0.4),
    cylinder((2, 0, 0.35), 0.1, 0.1, turned(0.4, math.pi / 2)), sphere((2, 0, 0.35), 0.1)],
    ids=["box", "upright cylinder", "lying cylinder", "sphere"])
def test_a_shadow_turns_with_the_lamp(thing, azimuth):
    """The lamp is 45 degrees up: what is 0.35 m high shades the floor 0.35 m away from it."""
    toward = np.array([math.cos(azimuth), math.sin(azimuth), 1.0])
    studio = Studio(toward=tuple(toward), ambient=0.5, diffuse=0.4)
    seen = view((2.001, 0.0, 6.0), (2.0, 0.0, 0.0), (0.3, 0.4))
    shot, at = studio.shoot([thing], seen, SIZE), np.array([2.0, 0.0, 0.35])
    assert grey_at(shot, at - 0.35 * toward, seen) == pytest.approx(255 * 0.5, abs=1.5)
    assert grey_at(shot, at - 0.35 * toward * (-1, -1, 1), seen) == pytest.approx(LIT, abs=1.5)


def test_a_lamp_without_diffuse_light_throws_no_shadow():
    studio = Studio(toward=FROM_BEHIND, ambient=0.5, diffuse=0.0)
    shot = studio.shoot([CUBE], ABOVE, SIZE)
    floor = shot.rgb[shot.ids == 0]
    assert np.unique(floor).tolist() in ([127], [128])


def test_two_shadows_on_one_place_are_no_darker_than_one():
    behind = box((2.5, 0.0, 0.1), (0.1, 0.4, 0.2))
    shot = Studio(**LAMP).shoot([CUBE, behind], ABOVE, SIZE)
    floor = shot.grey[shot.ids == 0]
    assert floor.min() == pytest.approx(255 * 0.5, abs=1.5)


def test_the_shadow_of_a_box_climbs_the_face_of_another():
    """From 1.8 m, 0.4 m high, at 45 degrees: 0.3 m high on the face at 1.9 m."""
    tall = box((2.1, 0.0, 0.5), (0.4, 1.0, 1.0))
    near = box((1.6, 0.0, 0.2), (0.4, 0.4, 0.4))
    shot = Studio(**LAMP).shoot([near, tall], SIDE, SIZE)
    for y, z, dark in ((-0.15, 0.26, True), (-0.15, 0.34, False), (-0.24, 0.2, False)):
        row, column = pixel_of((1.9, y, z), SIDE, SIZE)
        assert shot.ids[round(row), round(column)] == BODY + 1
        expected = 255 * 0.5 if dark else LIT  # floor and face meet the light at the same angle
        assert shot.grey[round(row), round(column)] == pytest.approx(expected, abs=1.5)


def test_a_round_side_in_a_shadow_is_as_dark_as_any():
    can = cylinder((2.5, 0.0, 0.15), 0.3, 0.3)
    seen = view((2.0, -2.0, 0.4), (2.4, 0.0, 0.15), (0.3, 0.4))
    shot = Studio(**LAMP).shoot([CUBE, can], seen, SIZE)
    at = np.array([2.5 - 0.15 * math.sin(0.5), -0.15 * math.cos(0.5), 0.05])  # on the can's side
    row, column = pixel_of(at, seen, SIZE)
    assert shot.ids[round(row), round(column)] == BODY + 1
    assert shot.grey[round(row), round(column)] == pytest.approx(255 * 0.5, abs=1.5)


@pytest.mark.parametrize("degrees", [0, 30, 60, 89, 91, 150])
def test_a_face_is_as_bright_as_its_angle_to_the_lamp(degrees):
    """Ambient + diffuse * cosine; turned away from the lamp only the ambient light is left."""
    angle = math.radians(degrees)
    thing = box((2, 0, 1), (0.5, 0.5, 0.5))
    lamp = (-math.cos(angle), math.sin(angle), 1e-6)
    shot = Studio(toward=lamp, ambient=0.3, diffuse=0.6).shoot(
        [thing], view((0, 0, 1), (1, 0, 1)), SIZE)
    expected = 255 * (0.3 + 0.6 * max(0.0, math.cos(angle)))
    assert shot.grey[120, 160] == pytest.approx(expected, abs=1.5)


@pytest.mark.parametrize("thing", [sphere((2, 0, 1), 0.5), cylinder((2, 0, 1), 0.5, 0.8)])
def test_a_round_side_is_brightest_where_it_faces_the_lamp(thing):
    lamp = (-math.cos(0.6), math.sin(0.6), 1e-6)
    shot = Studio(toward=lamp, ambient=0.2, diffuse=0.6).shoot(
        [thing], view((0, 0, 1), (1, 0, 1)), SIZE)
    brightest = np.array([2, 0, 1]) + 0.25 * np.array(lamp)
    row, column = pixel_of(brightest, view((0, 0, 1), (1, 0, 1)), SIZE)
    assert shot.grey[round(row), round(column)] == pytest.approx(255 * 0.8, abs=1.5)
    assert shot.grey[120].argmax() == pytest.approx(column, abs=6)
    assert shot.grey[120, 160] == pytest.approx(255 * (0.2 + 0.6 * math.cos(0.6)), abs=4)


def test_more_light_than_a_pixel_holds_is_white_and_never_black():
    shot = Studio(ambient=50.0, diffuse=0.0).shoot([CUBE, sphere((2, 1, 1), 1)], ABOVE, SIZE)
    assert shot.rgb.min() == 255
