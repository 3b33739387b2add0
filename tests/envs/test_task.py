"""Sides, goal and stillness as pure functions of poses."""

import numpy as np
import pytest

from envs.task import goal_distance_m, side_followed, side_passed, stood_still


def straight(y_m: float, to_x_m: float = 3.0) -> np.ndarray:
    """A path along x at this y, from x = 0."""
    return np.array([(x, y_m) for x in np.linspace(0, to_x_m, 50)])


def test_passing_with_y_above_the_box_is_left():
    assert side_passed(straight(+0.5), (1.5, 0.0)) == "left"
    assert side_passed(straight(-0.5), (1.5, 0.0)) == "right"


def test_a_box_ahead_is_not_passed():
    assert side_passed(straight(0.5, to_x_m=1.0), (1.5, 0.0)) is None


@pytest.mark.parametrize(("boxes", "side"), [
    ([(1.0, 0.0), (2.0, 0.0)], "left"),
    ([(1.0, 0.0), (2.0, 1.0)], "mixed"),  # between the boxes
    ([(1.0, 0.0), (9.0, 0.0)], None),
    ([(1.0, 1.0), (2.0, 1.0)], "right"),
])
def test_a_side_is_followed_only_if_every_box_was_passed_on_it(boxes, side):
    assert side_followed(straight(0.5), boxes) == side


def test_driving_round_a_box_and_back_does_not_count_as_passed():
    there = straight(0.5)
    assert side_passed(np.vstack([there, there[::-1]]), (1.5, 0.0)) is None


def test_stillness_needs_every_one_of_the_last_decisions():
    poses = np.array([(0, 0, 0), (0.2, 0, 0), (0.2, 0, 0), (0.21, 0, 0)], float)
    assert stood_still(poses, decisions=2, still_m=0.02)
    assert not stood_still(poses, decisions=3, still_m=0.02)
    assert not stood_still(poses[:2], decisions=2, still_m=0.02)


def test_goal_distance_is_from_centre_to_centre():
    assert goal_distance_m((1.0, 2.0, 0.3), (4.0, 6.0)) == 5.0
