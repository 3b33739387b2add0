"""What LeRobot's EnvHub does with `env.py`, as far as it goes without LeRobot.

`tox -e lerobot` does it with LeRobot's own loader.
"""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import gymnasium
import numpy as np
import pytest

import envs
from scenarios import load, names

FILE = Path(envs.__file__).parent / "hub/env.py"


@pytest.fixture(scope="module")
def module():
    """As LeRobot loads it: a file that nobody can import by its name."""
    spec = importlib.util.spec_from_file_location("hub_env_user_repo", FILE)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture
def one(module):
    """Two worlds of one scenario, as `--env.task` asks for."""
    made = module.make_env(n_envs=2, cfg=SimpleNamespace(task="2box_hori_left"))
    yield made["mobile_vla"][0]
    made["mobile_vla"][0].close()


def test_what_the_file_repeats_of_the_scenarios_is_true(module):
    assert sorted(module.SCENARIOS) == sorted(names())
    for name in names():
        world = module.MobileVLA(name)
        assert world.task_description == load(name).instructions.english
        assert world._max_episode_steps == load(name).success.max_decisions
    assert module.COMMAND_LIMIT == envs.interface.COMMAND_LIMIT


def test_every_scenario_is_a_task_and_none_starts_before_its_reset(module):
    made = module.make_env(n_envs=1, use_async_envs=False)
    assert list(made) == ["mobile_vla"]
    assert list(made["mobile_vla"]) == list(range(8))
    for vector in made["mobile_vla"].values():
        assert isinstance(vector, gymnasium.vector.VectorEnv)
        assert vector.envs[0]._world is None
        vector.close()


def test_a_rollout_as_lerobot_does_it(one):
    """Its loop asks for these attributes, observations and infos, and frozen rendering."""
    pixels, info = one.reset(seed=[1, 2])
    assert pixels["pixels"]["front"].shape == (2, 224, 224, 3)
    assert pixels["pixels"]["front"].dtype == np.uint8
    assert info["is_success"].tolist() == [False, False]
    assert one.call("_max_episode_steps") == (40, 40)
    assert one.call("task_description")[0].startswith("Navigate around the obstacle on the left")
    assert one.call("task") == ("2box_hori_left",) * 2
    assert one.unwrapped.metadata["render_fps"] == 3
    assert one.call("render")[0].shape == (360, 640, 3)
    forward = np.tile(np.array([1.15, 0.0, 0.0], np.float32), (2, 1))
    over = np.zeros(2, bool)
    for _ in range(40):
        pixels, reward, terminated, truncated, info = one.step(forward)
        assert reward.shape == (2,)
        over |= terminated | truncated
        if over.any():
            break
    assert over.any()  # straight ahead stands a box
    ended = info["final_info"]["ended_by"][over]
    assert set(ended) == {"contact"}
    assert not info["final_info"]["is_success"][over].any()


def test_the_same_seed_gives_the_same_pictures_as_the_registered_world(module):
    world = module.MobileVLA("1box_vert_right")
    own = gymnasium.make("MobileVLA/1box_vert_right-v0")
    seen, _ = world.reset(seed=11)
    expected, _ = own.reset(seed=11)
    assert np.array_equal(seen["pixels"]["front"], expected["rgb"])
    command = np.array([1.15, 0.5, 0.0], np.float32)
    seen, *_ = world.step(command)
    expected, *_ = own.step(command)
    assert np.array_equal(seen["pixels"]["front"], expected["rgb"])
    assert np.array_equal(seen["agent_pos"], command)  # what an exported data set calls its state
    seen, *_ = world.step(np.array([9.0, 0.0], np.float32))  # beyond the limit; never turns
    assert seen["agent_pos"] == pytest.approx([1.15, 0.0, 0.0])
    world.close()
    own.close()


@pytest.mark.parametrize("action", [np.zeros(7), np.array([np.nan, 0, 0]), np.zeros((1, 3))])
def test_an_action_of_another_robot_is_refused(module, action):
    with pytest.raises(ValueError, match="2 or 3 finite numbers"):
        module.MobileVLA("1box_vert_right").step(action)


def test_a_step_before_the_first_reset_says_so(module):
    with pytest.raises(RuntimeError, match=r"Call reset\(\) before step\(\)"):
        module.MobileVLA("1box_vert_right").step(np.zeros(3))


def test_a_world_that_died_is_missed_once_and_the_next_reset_starts_another(module):
    world = module.MobileVLA("1box_vert_right")
    before, _ = world.reset(seed=3)
    world._world.kill()
    with pytest.raises(RuntimeError, match="The world of 1box_vert_right is gone"):
        world.step(np.zeros(3))
    again, _ = world.reset(seed=3)
    assert np.array_equal(again["pixels"]["front"], before["pixels"]["front"])
    world._world.kill()
    world.close()


def test_wrong_words_get_a_sentence(module):
    with pytest.raises(ValueError, match="task must be one of"):
        module.make_env(cfg=SimpleNamespace(task="3box"))
    with pytest.raises(ValueError, match="n_envs must be at least 1"):
        module.make_env(n_envs=0)


@pytest.mark.parametrize("python", ["/bin/false", "/bin/echo", "/nowhere/python"])
def test_a_python_without_worlds_is_named(module, monkeypatch, python):
    monkeypatch.setenv("MOBILE_VLA_PYTHON", python)
    with pytest.raises(RuntimeError, match=f"{python} must be a Python with"):
        module.MobileVLA("1box_vert_right").reset(seed=1)
    assert "hub_env_user_repo" not in sys.modules
