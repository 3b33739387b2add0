"""Anti-aliasing: a pixel is as bright as the share of it that is covered."""

import itertools
import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import ConvexHull

from tests.envs.studio import BODY, Studio, box, cylinder, pixel_of, sphere, turned, view

SIZE = (120, 160)
AHEAD = view((0, 0, 0.5), (1, 0, 0.5), (0.75, 1.0))
DARK = Studio(floor=(0, 0, 0), ambient=1.0, diffuse=0.0)  # whatever is bright is a body
ANGLES = [(0.3, 0, 0), (0.1, 0.2, 0.3), (0.7, 0.6, -0.4), (1.5, 0.05, 0.02), (2.9, -0.7, 1.1)]
HALVES = list(itertools.product((-0.5, 0.5), repeat=3))


def outline_area(body):
    """Pixels that a box covers: the area of its corners' convex hull in the picture."""
    corners = [np.array(body.position) + body.rotation @ (np.array(half) * body.size)
               for half in HALVES]
    return ConvexHull([pixel_of(corner, AHEAD, SIZE) for corner in corners]).volume  # in 2D: area


@pytest.mark.parametrize("angles", ANGLES)
@pytest.mark.parametrize("place", [(2, 0.3, 0.6), (2.5, -0.7, 0.3), (6, 0.02, 0.51)])
def test_a_box_is_as_bright_in_all_as_the_area_that_it_covers(angles, place):
    body = box(place, (0.4, 0.3, 0.5), turned(*angles))
    shot = DARK.shoot([body], AHEAD, SIZE)
    assert shot.grey.sum() / 255 == pytest.approx(outline_area(body), rel=0.015, abs=1.3)


@pytest.mark.parametrize("slant", np.linspace(0.02, 1.5, 9))
def test_a_slanted_edge_covers_each_row_as_far_as_it_reaches(slant):
    """A wide plate, turned in the picture's plane: in every row the mean is the covered share."""
    turn = turned(0, 0, slant)  # about the optical axis
    normal = turn @ (0, 1, 0)
    plate = box(np.array([2.0, 0, 0.5]) + 20 * normal, (0.01, 40.0, 40.0), turn)
    shot = Studio(floor=(0, 0, 0), ambient=1.0, diffuse=0.0, x_m=(-50, 50), y_m=(-50, 50)).shoot(
        [plate], AHEAD, SIZE)
    rows = np.arange(SIZE[0])
    up, left = (59.5 - rows)[:, None], 79.5 - np.arange(SIZE[1])[None]
    subpixel = (np.arange(16) + 0.5) / 16 - 0.5
    inside = np.mean([((left + x) * normal[1] + (up + y) * normal[2]) > 0
                      for x in subpixel for y in subpixel], axis=0)
    np.testing.assert_allclose((shot.grey / 255).mean(axis=1), inside.mean(axis=1), atol=0.005)
    assert np.abs(shot.grey / 255 - inside).max() < 0.1


@pytest.mark.parametrize("angles", ANGLES)
def test_no_background_shines_through_the_seams_of_a_box(angles):
    shot = DARK.shoot([box((2, 0.2, 0.6), (0.6, 0.6, 0.6), turned(*angles))], AHEAD, SIZE)
    inside = ndimage.binary_erosion(shot.ids == BODY, iterations=2)
    assert inside.sum() > 300
    assert shot.rgb[inside].min() >= 250  # of 255


@pytest.mark.parametrize(("tilt", "yaw"), [(0.001, 0.0), (0.004, 0.3), (-0.003, 0.8)])
def test_a_face_that_is_seen_edge_on_leaves_no_streak(tilt, yaw):
    """Its top is a sliver far thinner than a pixel; nothing may show beyond the box's outline."""
    body = box((3, 0, 0.3), (0.5, 0.5, 0.4), turned(yaw, tilt))
    shot = DARK.shoot([body], AHEAD, SIZE)
    outside = ~ndimage.binary_dilation(shot.ids == BODY, np.ones((3, 3)))
    assert shot.rgb[outside].max() == 0
    assert shot.grey.sum() / 255 == pytest.approx(outline_area(body), rel=0.01)


def test_where_floor_and_walls_meet_no_sky_is_seen():
    studio = Studio(x_m=(-2, 3), y_m=(-2, 2), sky=(1, 0, 0), wall=(0, 1, 0), floor=(0, 1, 0),
                    wall_m=5.0, ambient=1.0, diffuse=0.0)
    for yaw in np.linspace(0, 6, 25):
        ahead = (math.cos(yaw), math.sin(yaw), 0.8)
        assert studio.shoot([], view((0, 0, 1), ahead), SIZE).rgb[..., 0].max() <= 2


@pytest.mark.parametrize("distance", [1.0, 2.0, 5.0])
def test_a_ball_covers_the_area_of_its_cone(distance):
    """Straight ahead its outline is a circle: tangent of asin(r / d)."""
    radius = 80 * math.tan(math.asin(0.2 / distance))
    shot = DARK.shoot([sphere((distance, 0, 0.5), 0.4)], AHEAD, SIZE)
    assert shot.grey.sum() / 255 == pytest.approx(math.pi * radius ** 2, rel=0.015)


def test_a_can_covers_its_rectangle():
    """4 m away its curved rim is flat: 0.4 m wide by 0.6 m high, from its nearest line on."""
    shot = DARK.shoot([cylinder((8, 0, 0.5), 0.4, 0.6)], AHEAD, SIZE)
    wide, high = 80 * 2 * math.tan(math.asin(0.2 / 8)), 80 * 0.6 / 7.8
    assert shot.grey.sum() / 255 == pytest.approx(wide * high, rel=0.02)
