"""The world behind `gym.Env`: the contract, the task's ends, the reward."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import envs
import scenarios
from tests.envs.worlds import (
    BACK,
    FORWARD,
    STILL,
    beside,
    repeat,
    to_the_goal,
    without_jitter,
    world,
)

# Gymnasium warns about every action space that is not [-1, 1]. Ours is the laboratory's unit,
# [-1.15, 1.15] on purpose: data, policies, metrics and worlds share it.
OUR_UNIT = ".*we recommend using a symmetric and normalized space"


@pytest.mark.parametrize("name", scenarios.names())
def test_check_env_passes_with_warnings_as_errors(name):
    env = gymnasium.make(f"MobileVLA/{name}-v0")
    assert env.spec.max_episode_steps == 40
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=OUR_UNIT)
        check_env(env.unwrapped)
    env.close()


def test_an_observation_is_picture_and_velocity_and_nothing_else():
    with world("1box_vert_left", image_size=(30, 40)) as env:
        observation, _ = env.reset(seed=0)
        assert set(observation) == {"rgb", "velocity"}
        assert observation["rgb"].shape == (30, 40, 3)
        assert observation["velocity"].tolist() == [0, 0, 0]


def test_the_expert_way_ends_as_success_after_standing_still_for_two_decisions():
    with world("2box_hori_left") as env:
        _, info = env.reset(seed=3)
        info = to_the_goal(env, info)
        assert (info["ended_by"], info["is_success"]) == (None, False)  # inside, but not yet held
        assert repeat(env, STILL, most=1)["ended_by"] is None
        info = repeat(env, STILL, most=1)
        assert (info["ended_by"], info["side_followed"]) == ("goal", "left")
        assert info["is_success"]
        assert info["reward_terms"]["success"] == 1.0


def test_the_wrong_side_is_recorded_and_is_no_success():
    with world("2box_hori_left") as env:
        _, info = env.reset(seed=3)
        to_the_goal(env, info, pass_side="right")
        info = repeat(env, STILL, most=2)
        assert (info["ended_by"], info["side_followed"]) == ("goal", "right")
        assert not info["is_success"]
        assert info["reward_terms"]["success"] == 0.0


@pytest.mark.parametrize("name", scenarios.names())
def test_driving_straight_ahead_ends_at_the_box(name):
    with world(without_jitter(name)) as env:
        env.reset(seed=0, options={"bias": "left"})
        info = repeat(env, FORWARD)
        assert info["ended_by"] == "contact"
        assert set(info["touched"]) <= {"box_0", "box_1"}
        assert info["clearance_m"] <= 0.0
        assert info["reward_terms"]["contact"] == -1.0
        assert not info["is_success"]


def test_touching_the_cup_is_contact_too():
    with world(beside("1box_vert_left", 1.0)) as env:
        env.reset(seed=0)
        info = repeat(env, FORWARD)
        assert (info["ended_by"], set(info["touched"])) == ("contact", {"cup"})


def test_driving_back_leaves_the_bounds():
    with world(without_jitter("1box_vert_left")) as env:
        env.reset(seed=0)
        info = repeat(env, BACK)
        assert info["ended_by"] == "out_of_bounds"
        assert -1.25 < info["truth"].robot[0] < -1.0  # the first decision of 0.2 m beyond


def test_a_robot_that_cannot_move_is_stuck_after_five_commands():
    with world("1box_vert_left", speed_m_s=0.001) as env:
        env.reset(seed=0)
        assert repeat(env, FORWARD, most=4)["ended_by"] is None
        assert repeat(env, FORWARD, most=1)["ended_by"] == "stuck"


def test_a_robot_that_turns_or_waits_is_not_stuck():
    with world("1box_vert_left") as env:
        env.reset(seed=0)
        assert repeat(env, (0, 0, 1.15), most=8)["ended_by"] is None
        assert repeat(env, STILL, most=8)["ended_by"] is None


def test_standing_still_runs_out_of_time_after_forty_decisions():
    with world("1box_vert_left") as env:
        env.reset(seed=0)
        for decision in range(1, 41):
            *_, terminated, truncated, info = env.step(np.zeros(3, np.float32))
            assert not terminated
            assert truncated == (decision == 40)
        assert info["ended_by"] is None


def test_the_reward_is_the_sum_of_its_terms_and_progress_adds_up_to_the_way_covered():
    with world(beside("1box_vert_left", 1.0)) as env:
        env.reset(seed=0)
        steps = [env.step(np.array(FORWARD, np.float32)) for _ in range(5)]
    assert all(reward == sum(info["reward_terms"].values()) for _, reward, _, _, info in steps)
    progress = sum(info["reward_terms"]["progress"] for *_, info in steps)
    assert progress == pytest.approx(1.0, abs=1e-3)  # 5 decisions of 0.2 m straight at the cup
    assert steps[0][1] == pytest.approx(0.2 - 0.01, abs=1e-3)


def test_two_halves_of_a_decision_are_the_decision():
    with world("2box_vert_left", image_size=(32, 32)) as env:
        command = np.array([1.15, 0.6, 0.0], np.float32)
        env.reset(seed=1)
        whole, _, _, _, info = env.step(command)
        env.reset(seed=1)
        env.unwrapped.advance(command, 3)
        halves, _, _, _, info_halves = env.unwrapped.advance(command, 5)
    assert info["truth"] == info_halves["truth"]
    np.testing.assert_array_equal(whole["rgb"], halves["rgb"])


def test_driven_tick_by_tick_an_episode_ends_as_by_decisions():
    with world("1box_vert_left") as env:
        _, info = env.reset(seed=3)
        info = to_the_goal(env, info)
        ticks = 0
        while info["ended_by"] is None:
            *_, info = env.unwrapped.advance(np.zeros(3, np.float32), 1)
            ticks += 1
    assert (info["ended_by"], info["is_success"]) == ("goal", True)
    assert ticks == pytest.approx(2 * 8, abs=1)  # two decisions of eight ticks


@pytest.mark.parametrize("group", ["1box_vert", "1box_hori", "2box_vert", "2box_hori"])
def test_left_and_right_start_from_the_same_layout_even_where_some_are_refused(group):
    started = {}
    for side in ("left", "right"):
        # starts up to 1.5 m ahead or back: many stand in a box and are drawn again
        scenario = without_jitter(f"{group}_{side}", start_jitter_m=(1.5, 0.1))
        with world(scenario) as env:
            infos = [env.reset(seed=seed)[1] for seed in range(10)]
        started[side] = [(info["layout"], info["resampled"]) for info in infos]
        assert all(info["clearance_m"] > 0.0 for info in infos)
        assert sum(info["resampled"] for info in infos) > 0
    assert started["left"] == started["right"]


def test_a_scenario_without_a_free_start_says_so(monkeypatch):
    monkeypatch.setattr("envs.navigation.MAX_RESAMPLES", 3)
    here = {"close": 0.0, "medium": 0.0, "far": 0.0}
    with world(without_jitter("1box_vert_left", obstacle_distance_m=here)) as env:
        with pytest.raises(ValueError, match="1box_vert_left: no valid layout in 3 draws"):
            env.reset(seed=0)


def test_reset_pins_the_named_factors_and_refuses_others():
    with world("1box_vert_left") as env:
        _, info = env.reset(seed=0, options={"distance": "far", "pattern": "variant"})
        assert (info["layout"].variation.distance, info["layout"].variation.pattern) == (
            "far", "variant")
        with pytest.raises(ValueError, match="Unknown factor 'weather'"):
            env.reset(seed=0, options={"weather": "rain"})


@pytest.mark.parametrize("command", [(1, 0), (1, 0, np.nan), (np.inf, 0, 0), (1, 0, 0, 0)])
def test_a_command_that_is_not_three_finite_numbers_is_refused(command):
    with world("1box_vert_left") as env:
        env.reset(seed=0)
        with pytest.raises(ValueError, match="A command is 3 finite numbers"):
            env.unwrapped.step(np.array(command))


def test_stepping_before_reset_is_refused():
    with world("1box_vert_left") as env:
        with pytest.raises(RuntimeError, match=r"Call reset\(\) before step\(\)"):
            env.unwrapped.step(np.zeros(3))


def test_the_overview_is_a_picture_and_unknown_modes_are_refused():
    env = envs.make(scenarios.load("1box_vert_left"), image_size=(8, 8), render_mode="rgb_array")
    env.reset(seed=0)
    picture = env.render()
    env.close()
    env.close()
    assert (picture.shape, picture.dtype) == ((360, 640, 3), np.uint8)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100
    with pytest.raises(ValueError, match="render_mode must be one of"):
        envs.make(scenarios.load("1box_vert_left"), render_mode="ascii")
