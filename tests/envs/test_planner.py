"""The planner, against worlds whose shortest way is found with pencil and paper."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs import planner
from envs.interface import BoxTruth, Truth

SQUARE = BoxTruth(2.0, 0.0, 0.0, 2.0, 2.0)  # corners at x 1 and 3, y -1 and 1
EMPTY = Truth(robot=(0.0, 0.0, 0.0), boxes=(), cup=(4.0, 0.0), pass_side="left",
              robot_radius_m=0.17, step_m=0.2, goal_radius_m=0.45, clearance_m=0.10, lead_m=0.0)
POINT_ROBOT = replace(EMPTY, boxes=(SQUARE,), robot_radius_m=0.0, clearance_m=0.0)
CARDBOARD = replace(EMPTY, cup=(2.5, 0.0), boxes=(BoxTruth(1.25, 0.0, 0.0, 0.40, 0.25),))


def gap_m(route: np.ndarray, box: BoxTruth) -> float:
    """From a polyline to an upright box, by walking along it in millimetres."""
    steps = [np.linspace(a, b, 1000) for a, b in zip(route[:-1], route[1:])]
    away = np.abs(np.vstack(steps) - (box.x_m, box.y_m)) - (box.length_m / 2, box.width_m / 2)
    return float(np.linalg.norm(np.maximum(away, 0.0), axis=1).min())


def test_without_boxes_the_way_is_straight_and_ends_at_the_goal_circle():
    assert planner.geodesic_m(EMPTY) == pytest.approx(4.0 - 0.45)
    np.testing.assert_allclose(planner.path(EMPTY), [(0, 0), (4, 0)])


@pytest.mark.parametrize(("side", "sign"), [("left", 1), ("right", -1)])
def test_a_point_goes_round_a_square_by_its_corners(side, sign):
    truth = replace(POINT_ROBOT, pass_side=side)
    length = math.sqrt(2) + 2.0 + math.sqrt(2)  # (0,0) (1,1) (3,1) (4,0)
    assert planner.geodesic_m(truth) == pytest.approx(length - 0.45, abs=1e-5)
    corners = planner.path(truth)[1:-1]
    assert np.all(np.sign(corners[:, 1]) == sign)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_route_keeps_robot_and_clearance_away_from_the_box(side):
    route = planner.path(replace(CARDBOARD, pass_side=side))
    assert gap_m(route, CARDBOARD.boxes[0]) == pytest.approx(0.17 + 0.10, abs=0.02)
    assert gap_m(route, CARDBOARD.boxes[0]) >= 0.17 + 0.10 - 1e-3


def test_the_commanded_side_is_kept_even_where_the_other_is_shorter():
    truth = replace(CARDBOARD, boxes=(BoxTruth(1.25, 0.3, 0.0, 0.40, 0.25),))
    left, right = (planner.geodesic_m(replace(truth, pass_side=s)) for s in ("left", "right"))
    assert left > right + 0.1
    assert np.all(planner.path(truth)[1:-1, 1] > 0.3)


def test_a_robot_past_the_box_on_the_wrong_side_drives_straight_to_the_cup():
    truth = replace(CARDBOARD, robot=(1.6, -0.4, 0.0))
    assert len(planner.path(truth)) == 2


def test_a_cup_inside_a_box_has_no_path():
    truth = replace(CARDBOARD, cup=(1.25, 0.0))
    with pytest.raises(ValueError, match="No path from the robot"):
        planner.geodesic_m(truth)
    with pytest.raises(ValueError, match="No path from the robot to the cup"):
        planner.path(truth)


def test_a_robot_closer_than_its_clearance_still_finds_a_way():
    touching_soon = replace(CARDBOARD, robot=(1.25, 0.125 + 0.17 + 0.02, 0.0))
    assert len(planner.path(touching_soon)) >= 2


def test_the_command_points_along_the_route_and_is_zero_at_the_goal():
    np.testing.assert_allclose(planner.command(EMPTY), [1.15, 0, 0], atol=1e-6)
    turned = replace(EMPTY, robot=(0.0, 0.0, math.pi / 2))  # the cup is to the right now
    np.testing.assert_allclose(planner.command(turned), [0, -1.15, 0], atol=1e-6)
    assert planner.command(replace(EMPTY, robot=(3.6, 0.0, 0.0))).tolist() == [0, 0, 0]
    assert planner.key_command(replace(EMPTY, robot=(3.6, 0.0, 0.0))).tolist() == [0, 0, 0]


def test_a_lead_swings_out_earlier():
    nominal, early = (planner.command(replace(CARDBOARD, lead_m=lead)) for lead in (0.0, 0.15))
    assert early[1] / early[0] > nominal[1] / nominal[0] > 0


WORLDS = st.builds(
    lambda x, y, yaw, box_x, box_y, box_yaw, side: replace(
        CARDBOARD, robot=(x, y, yaw), boxes=(BoxTruth(box_x, box_y, box_yaw, 0.4, 0.25),),
        pass_side=side),
    x=st.floats(-0.3, 0.3), y=st.floats(-0.5, 0.5), yaw=st.floats(-0.5, 0.5),
    box_x=st.floats(1.0, 1.6), box_y=st.floats(-0.2, 0.2), box_yaw=st.floats(-1.6, 1.6),
    side=st.sampled_from(["left", "right"]),
)


def mirrored(truth: Truth) -> Truth:
    """The world in a mirror along x: left becomes right."""
    x, y, yaw = truth.robot
    boxes = tuple(replace(box, y_m=-box.y_m, yaw_rad=-box.yaw_rad) for box in truth.boxes)
    return replace(truth, robot=(x, -y, -yaw), boxes=boxes, cup=(truth.cup[0], -truth.cup[1]),
                   pass_side={"left": "right", "right": "left"}[truth.pass_side])


@settings(max_examples=50, deadline=None)
@given(WORLDS)
def test_a_mirrored_world_has_the_mirrored_command(truth):
    forward, left, turn = planner.command(truth)
    np.testing.assert_allclose(planner.command(mirrored(truth)), [forward, -left, turn], atol=1e-4)
    assert planner.geodesic_m(mirrored(truth)) == pytest.approx(planner.geodesic_m(truth))


@settings(max_examples=50, deadline=None)
@given(WORLDS)
def test_commands_are_full_and_keys_are_keys(truth):
    assert np.abs(planner.command(truth)).max() == pytest.approx(1.15)
    key = planner.key_command(truth)
    assert set(np.abs(key.astype(float)).round(4)) <= {0.0, 1.15}
    assert key[:2].any()
    assert key[2] == 0.0
    assert planner.geodesic_m(truth) >= math.dist(truth.robot[:2], truth.cup) - 0.45 - 1e-9
