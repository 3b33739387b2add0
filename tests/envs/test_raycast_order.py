"""What stands before hides what stands behind, however the bodies are numbered."""

import itertools

import numpy as np
import pytest

import envs
import scenarios
from envs.camera import overview
from tests.envs.studio import BODY, Studio, box, cylinder, pixel_of, sphere, turned, view

SIZE = (120, 160)
AHEAD = view((0, 0, 0.5), (1, 0, 0.5), (0.75, 1.0))
ROW = {  # in a row along the axis, the nearest first; each smaller than what is behind it
    "box": box((1.0, 0, 0.5), (0.2, 0.1, 0.1), rgb=(1, 0, 0)),
    "ball": sphere((2.0, 0, 0.5), 0.5, rgb=(0, 1, 0)),
    "can": cylinder((3.0, 0, 0.5), 1.0, 0.9, turned(0.3), rgb=(0, 0, 1)),
    "slab": box((4.5, 0, 0.6), (0.5, 4.0, 1.2), turned(0.1), rgb=(1, 1, 0)),
}


def test_a_row_of_bodies_is_seen_from_near_to_far_in_every_order():
    for order in itertools.permutations(ROW):
        shot = Studio(ambient=1.0).shoot([ROW[name] for name in order], AHEAD, SIZE)
        numbers = {name: BODY + k for k, name in enumerate(order)}
        assert shot.ids[60, 80] == numbers["box"]
        seen = [np.count_nonzero(shot.ids == numbers[name]) for name in ROW]
        assert seen[0] == 8 * 8  # 0.1 m at 0.9 m, 80 pixels a unit of tangent
        assert min(seen[1:]) > 200  # each shows round the one before it


def test_pictures_do_not_depend_on_the_order_of_bodies():
    studio = Studio(ambient=0.5, diffuse=0.5, toward=(-1, 1, 2))
    expected = studio.shoot(list(ROW.values()), AHEAD, SIZE)
    for order in itertools.permutations(ROW):
        shot = studio.shoot([ROW[name] for name in order], AHEAD, SIZE)
        np.testing.assert_array_equal(shot.rgb, expected.rgb)


@pytest.mark.parametrize("flipped", [False, True])
def test_a_long_wall_hides_what_is_behind_it_even_if_its_middle_is_farther(flipped):
    """Sorting by distance of the middles would get this wrong."""
    wall = box((1.0, 3.0, 0.5), (0.1, 8.0, 1.0), rgb=(1, 0, 0))
    behind = box((1.6, 0.0, 0.5), (0.3, 0.3, 0.3), rgb=(0, 1, 0))
    bodies = [behind, wall] if flipped else [wall, behind]
    shot = Studio(ambient=1.0).shoot(bodies, AHEAD, SIZE)
    assert shot.ids[60, 80] == BODY + bodies.index(wall)
    assert BODY + bodies.index(behind) not in shot.ids


@pytest.mark.parametrize("gap_m", [0.0, -1e-5, 0.01])
@pytest.mark.parametrize("yaw", [0.0, 0.4, 1.2, -0.8])
def test_boxes_that_touch_hide_each_other_as_if_they_were_apart(gap_m, yaw):
    turn = turned(yaw)
    near, far = (box(np.array([2, 0, 0.2]) + turn @ (x, 0.1, 0), (0.4, 0.3, 0.4), turn, rgb=rgb)
                 for x, rgb in ((-0.2 - gap_m / 2, (1, 0, 0)), (0.2 + gap_m / 2, (0, 1, 0))))
    shots = [Studio(ambient=1.0).shoot(bodies, AHEAD, SIZE).ids
             for bodies in ([near, far], [far, near])]
    row, column = (round(part) for part in pixel_of(
        np.array(near.position) + turn @ (-0.2, 0, 0), AHEAD, SIZE))
    assert (shots[0][row, column], shots[1][row, column]) == (BODY, BODY + 1)
    flipped = np.where(shots[1] >= BODY, 2 * BODY + 1 - shots[1], shots[1])
    np.testing.assert_array_equal(shots[0], flipped)


def test_a_box_on_a_box_and_a_ball_on_top_are_all_seen():
    tower = [box((2, 0, 0.15), (0.4, 0.4, 0.3)), box((2, 0, 0.4), (0.3, 0.3, 0.2), turned(0.5)),
             sphere((2, 0, 0.6), 0.2)]
    for order in itertools.permutations(range(3)):
        shot = Studio(ambient=1.0).shoot([tower[k] for k in order], AHEAD, SIZE)
        for k, height in enumerate((0.15, 0.4, 0.6)):
            row, column = pixel_of((2, 0, height), AHEAD, SIZE)
            assert shot.ids[round(row), round(column)] == BODY + order.index(k)


def test_the_robot_is_seen_from_above_and_hides_the_floor_under_it():
    env = envs.make(scenarios.load("2box_vert_left"), image_size=(8, 8), render_mode="rgb_array")
    _, info = env.reset(seed=0)
    picture = env.render()
    env.close()
    size = picture.shape[:2]
    row, column = pixel_of((*info["truth"].robot[:2], 0.09), overview(size), size)
    red, _, blue = picture[round(row), round(column)].astype(int)
    assert blue > 2 * red
