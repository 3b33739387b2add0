import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import motion
from tests.eval.walks import straight, walk


def test_constant_speed_has_no_jerk_and_a_sudden_stop_has():
    assert motion.jerk_m_s3(walk((0, 0), (1, 0), (2, 0), (3, 0), stops=0)) == pytest.approx(0.0)
    stop = walk((0, 0), (0.2, 0), (0.4, 0), stops=1)  # speeds 0.5, 0.5, 0: once -0.5 in 0.4 s
    assert motion.jerk_m_s3(stop) == pytest.approx(0.2 / 0.4 ** 3)


def test_places_on_a_circle_have_the_curvature_of_the_circle():
    angles = np.linspace(0, math.pi, 7)
    circle = walk(*[(2 * math.sin(each), 2 - 2 * math.cos(each)) for each in angles])
    assert motion.curvature_1_m(circle) == pytest.approx(0.5)  # of radius 2 m
    assert motion.angle_over_length_rad_m(circle) == pytest.approx(
        (5 / 6) * math.pi / (6 * 4 * math.sin(math.pi / 12)))  # 5 turns of 30 degrees, 6 chords


def test_a_right_angle_is_as_rough_as_half_and_turns_a_quarter():
    corner = walk((0, 0), (1, 0), (1, 1))
    assert motion.roughness(corner) == pytest.approx(0.5)  # area 1/2, straight distance root of 2
    assert motion.angle_over_length_rad_m(corner) == pytest.approx(math.pi / 2 / 2)


def test_a_straight_way_is_smooth_and_standing_still_turns_nothing():
    for record in (straight(stops=0), straight(stops=5)):
        assert motion.curvature_1_m(record) == motion.roughness(record) == 0.0
        assert motion.angle_over_length_rad_m(record) == 0.0


def test_turning_back_has_no_straight_distance_and_no_roughness():
    back = walk((0, 0), (1, 0), (0, 0))
    assert motion.roughness(back) is None
    assert motion.curvature_1_m(back) == 0.0
    assert motion.angle_over_length_rad_m(back) == pytest.approx(math.pi / 2)


def test_too_short_an_episode_has_no_smoothness():
    never = walk((0, 0), stops=0)
    assert {motion.jerk_m_s3(never), motion.curvature_1_m(never), motion.roughness(never),
            motion.angle_over_length_rad_m(never)} == {None}


def test_the_experts_own_route_is_perfectly_alike():
    assert motion.ndtw(straight()) == pytest.approx(1.0)
    assert motion.ndtw(straight(stops=9)) == pytest.approx(1.0)  # standing at its end costs nothing


def test_never_moving_is_as_unlike_as_the_routes_mean_distance():
    # 21 points every 0.1 m up to 2 m: 1 m away on average, and the circle's radius is 0.5 m.
    assert motion.ndtw(walk((0, 0))) == pytest.approx(math.exp(-2.0))


def test_going_on_beyond_the_goal_costs_likeness():
    beyond = walk((0, 0), (2, 0), (2.5, 0), stops=0)  # 5 points more: 0.1 to 0.5 m away, 1.5 m
    assert motion.ndtw(beyond) == pytest.approx(math.exp(-1.5 / (21 * 0.5)))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 4), st.floats(-2, 2)), min_size=1, max_size=6))
def test_likeness_is_a_share_and_smoothness_is_never_negative(points):
    record = walk((0, 0), *points)
    assert 0.0 < motion.ndtw(record) <= 1.0
    for measure in (motion.jerk_m_s3, motion.curvature_1_m, motion.roughness,
                    motion.angle_over_length_rad_m):
        assert (measure(record) or 0.0) >= 0.0
