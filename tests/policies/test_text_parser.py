"""Words to actions, in English and Korean: what a user of the laboratory's parser would type."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from envs import load_robot
from envs.interface import COMMAND_LIMIT
from policies.robot_action import ActionType, RobotAction, to_command
from policies.text_parser import named_side, parse_output, parse_text

K = ActionType


@pytest.mark.parametrize(("text", "kind", "speeds"), [
    ("Move forward", K.MOVE, (0.3, 0, 0)),
    ("go straight ahead", K.MOVE, (0.3, 0, 0)),
    ("앞으로 이동하세요", K.MOVE, (0.3, 0, 0)),
    ("Move backward", K.MOVE, (-0.3, 0, 0)),
    ("뒤로 움직여", K.MOVE, (-0.3, 0, 0)),
    ("Move left", K.MOVE, (0, 0, 0.5)),  # left and right turn, as in the laboratory's parser
    ("strafe left", K.MOVE, (0, 0.3, 0)),
    ("오른쪽 옆으로 움직여", K.MOVE, (0, -0.3, 0)),
    ("left", K.MOVE, (0, 0, 0.5)),
    ("Turn left", K.TURN, (0, 0, 0.5)),
    ("오른쪽으로 회전", K.TURN, (0, 0, -0.5)),
    ("우회전하세요", K.TURN, (0, 0, -0.5)),
    ("turn", K.TURN, (0, 0, 0)),  # nobody said whither
    ("STOP!", K.STOP, (0, 0, 0)),
    ("멈춰", K.STOP, (0, 0, 0)),
    ("Navigate to the cup", K.NAVIGATE, (0.2, 0, 0)),
    ("컵까지 가세요", K.NAVIGATE, (0.2, 0, 0)),
    ("avoid the box on the left", K.AVOID, (0, 0, 0.3)),
    ("장애물을 피해", K.AVOID, (-0.1, 0, 0)),
    ("grab the cup", K.GRAB, (0, 0, 0)),
    ("컵을 잡아", K.GRAB, (0, 0, 0)),
    ("put it down", K.RELEASE, (0, 0, 0)),
    ("컵을 놓아", K.RELEASE, (0, 0, 0)),
    ("point at the box", K.POINT, (0, 0, 0)),
    ("look left", K.LOOK, (0, 0, 0)),
    ("박스를 바라봐", K.LOOK, (0, 0, 0)),
])
def test_words_ask_for_a_kind_of_action_and_its_speeds(text, kind, speeds):
    action = parse_text(text)
    assert action.type is kind
    assert (action.linear_x, action.linear_y, action.angular_z) == pytest.approx(speeds)


@pytest.mark.parametrize(("text", "linear_x"), [
    ("move forward slowly", 0.15), ("천천히 앞으로 이동", 0.15), ("move forward quickly", 0.45),
    ("빠르게 앞으로 이동", 0.45), ("carefully move forward", 0.09),
    ("조심스럽게 앞으로 이동", 0.09),
    ("move forward fast but carefully", 0.09),  # the slowest word counts
])
def test_modifiers_change_the_speed(text, linear_x):
    assert parse_text(text).linear_x == pytest.approx(linear_x)


@pytest.mark.parametrize(("text", "confidence"), [
    ("go", 0.75),  # 0.5 + 1 keyword 0.2 + 1 word 0.05
    ("move forward", 0.8),  # 0.5 + 0.2 + 2 words 0.1
    ("navigate and find and reach it", 1.0),  # 3 keywords count 0.4, words 0.1
    ("stop", 0.9),
    ("colourless green ideas", 0.0), ("", 0.0), ("안녕", 0.0),
])
def test_confidence_follows_the_laboratorys_formula_and_is_0_where_nothing_is_understood(
    text, confidence
):
    assert parse_text(text).confidence == pytest.approx(confidence)


@pytest.mark.parametrize("text", [
    "do not move", "Don't go forward", "never turn left", "움직이지 마세요", "회전하지 마",
    "do not stop",  # forbidding a stop is no order to drive
])
def test_what_is_forbidden_is_not_done(text):
    action = parse_text(text)
    assert (action.type, action.confidence) == (K.UNKNOWN, 0.0)
    assert not to_command(action).any()


def test_a_forbidden_turn_leaves_what_else_was_asked():
    action = parse_text("do not turn left, move forward")
    assert (action.type, action.linear_x, action.angular_z) == (K.MOVE, 0.3, 0.0)


def test_words_inside_other_words_do_not_count():
    assert parse_text("the leftover gopher unstoppable").type is K.UNKNOWN
    assert parse_text("a bright cupboard").target_object is None


def test_the_target_is_the_object_named_last():
    assert parse_text("drive around the box to the cup").target_object == "cup"
    assert parse_text("박스를 돌아 컵까지 가세요").target_object == "cup"
    assert parse_text("avoid the obstacle").target_object == "obstacle"
    assert parse_text("turn left").target_object is None


@pytest.mark.parametrize("name", scenarios.names())
def test_every_wording_of_every_scenario_names_its_side_and_sets_out(name):
    scenario = scenarios.load(name)
    for text in scenario.instructions.all():
        assert named_side(text) == scenario.pass_side, text
        action = parse_text(text)
        assert action.type in (K.NAVIGATE, K.AVOID, K.MOVE, K.GRAB, K.TURN), text
        assert action.type is not K.STOP, text
        assert action.confidence >= 0.75, text


@pytest.mark.parametrize("text", [*scenarios.SIDELESS, "left or right, as you like"])
def test_words_without_a_side_name_none(text):
    assert named_side(text) is None


@pytest.mark.parametrize(("text", "side"), [
    ("박스를 오른쪽에 두고 컵까지 가세요", "left"), ("keep the cup on your left", "right"),
    ("왼쪽으로", "left"), ("우측으로 돌아", "right"),
])
def test_what_is_kept_on_one_side_is_passed_on_the_other(text, side):
    assert named_side(text) == side


@given(st.text(max_size=200))
def test_any_text_becomes_an_action_that_a_robot_may_be_given(text):
    for action in (parse_text(text), parse_output(text, 224, 224)):
        assert 0.0 <= action.confidence <= 1.0
        assert np.abs(to_command(action)).max() <= np.float32(COMMAND_LIMIT)


@given(st.lists(st.sampled_from([
    "stop", "go", "left", "right", "do", "not", "천천히", "멈춰", "돌아", "컵까지", "cup",
    "<loc0100>", "<patch_index_0033>", "carefully", "navigate", "avoid",
]), max_size=12))
def test_any_mixture_of_known_words_becomes_an_action(words):
    action = parse_output(" ".join(words), 640, 480)
    assert np.isfinite(list(action.twist()["linear"].values())).all()


def test_speeds_become_commands_as_shares_of_full_speed():
    np.testing.assert_allclose(to_command(RobotAction(K.MOVE, 0.5, -0.25, 1.0)),
                               [1.15, -0.575, 1.15])
    np.testing.assert_allclose(to_command(RobotAction(K.MOVE, 9.0)), [1.15, 0, 0])  # cut


def test_a_proportional_robot_drives_the_speeds_that_the_words_ask_for():
    from dataclasses import replace

    robot = replace(load_robot(), drive="proportional")
    action = parse_text("move forward slowly")
    np.testing.assert_allclose(robot.velocity(to_command(action)), [0.15, 0, 0], atol=1e-6)


def test_the_laboratorys_robot_command_has_its_own_units():
    assert parse_text("turn right").twist() == {"linear": {"x": 0.0, "y": 0.0},
                                                "angular": {"z": -0.5}}


@pytest.mark.parametrize(("field", "value"), [("linear_x", float("nan")), ("confidence", 1.5)])
def test_an_impossible_action_is_refused(field, value):
    with pytest.raises(ValueError, match="finite|confidence"):
        RobotAction(K.MOVE, **{field: value})


def test_an_action_can_be_stored():
    assert parse_text("stop").as_json()["type"] == "stop"
