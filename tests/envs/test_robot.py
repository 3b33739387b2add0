"""`RobotSpec` alone knows what a command means in m/s."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import envs
from envs.interface import COMMAND_LIMIT, full_command, world_to_body

SERBOT = envs.load_robot()
UNITS = st.floats(-COMMAND_LIMIT, COMMAND_LIMIT)


def test_throttle_knows_directions_only():
    assert SERBOT.drive == "throttle"
    for strength in (0.2, 0.6, 1.15):
        np.testing.assert_allclose(SERBOT.velocity(np.array([strength, 0, 0])), [0.5, 0, 0])
    np.testing.assert_allclose(SERBOT.velocity(np.array([0.3, 0.4, 0])), [0.3, 0.4, 0])  # 3-4-5


def test_throttle_turns_before_it_drives():
    np.testing.assert_allclose(SERBOT.velocity(np.array([1.15, 0, -1.15])), [0, 0, -1])


def test_proportional_grows_with_each_component():
    robot = replace(SERBOT, drive="proportional")
    np.testing.assert_allclose(robot.velocity(np.array([0.575, -1.15, 0.575])), [0.25, -0.5, 0.5])
    np.testing.assert_allclose(robot.velocity(np.array([0.1, 1.15, 0.05])), [0, 0.5, 0])


@given(UNITS, UNITS, UNITS, st.sampled_from(["throttle", "proportional"]))
def test_no_command_is_faster_than_the_robot(x, y, turn, drive):
    vx, vy, wz = replace(SERBOT, drive=drive).velocity(np.array([x, y, turn]))
    assert max(abs(vx), abs(vy)) <= 0.5 + 1e-9
    assert abs(wz) <= 1.0 + 1e-9


def test_commands_beyond_the_range_are_clipped():
    robot = replace(SERBOT, drive="proportional")
    np.testing.assert_allclose(robot.velocity(np.array([9.0, 0, 0])), [0.5, 0, 0])


def test_a_command_moves_the_robot_only_beyond_the_dead_band():
    assert not SERBOT.is_motion(np.array([0.1, -0.1, 0.0]))
    assert SERBOT.is_motion(np.array([0.0, 0.0, -0.11]))


def test_one_decision_is_eight_ticks_and_20_cm():
    assert (SERBOT.ticks_per_decision, SERBOT.step_m) == (8, pytest.approx(0.2))


def test_full_commands_have_a_largest_component_of_1_15():
    np.testing.assert_allclose(full_command(np.array([2.0, -1.0])), [1.15, -0.575, 0])
    assert full_command(np.zeros(2)).tolist() == [0, 0, 0]


def test_the_body_frame_is_the_world_turned_back():
    np.testing.assert_allclose(world_to_body(np.array([0.0, 1.0]), np.pi / 2), [1, 0], atol=1e-12)


@pytest.mark.parametrize(("change", "said"), [
    ({"drive": "tank"}, "drive must be one of throttle, proportional, got 'tank'"),
    ({"decision_s": 0.42}, "decision_s must be a multiple of 0.05, got 0.42"),
    ({"radius_m": 0.0}, "must be above 0"),
])
def test_a_robot_that_cannot_be_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        replace(SERBOT, **change)


def test_a_robot_of_ones_own_comes_from_its_file(tmp_path):
    text = (Path(envs.__file__).parent / "robots" / "serbot.toml").read_text(encoding="utf-8")
    own = tmp_path / "mine.toml"
    own.write_text(text.replace("speed_m_s = 0.5", "speed_m_s = 0.25"), encoding="utf-8")
    assert envs.load_robot(str(own)).step_m == pytest.approx(0.1)
    own.write_text(text.replace("speed_m_s", "speed"), encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine\.toml: missing speed_m_s; unknown speed\."):
        envs.load_robot(str(own))
    with pytest.raises(ValueError, match=r"Unknown robot 'serbott'\. Did you mean 'serbot'\?"):
        envs.load_robot("serbott")
