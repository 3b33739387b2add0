"""How long one decision takes: compare rows of one table, never numbers of two machines.

`tox -e bench` prints one table a group, with each row's ratio to the fastest in brackets.
"""

import numpy as np
import pybullet
import pytest

import envs
import policies
import scenarios
from envs.interface import SUBSTEPS_PER_TICK
from policies.interface import TRUTH
from tests.envs.worlds import STILL

pytestmark = pytest.mark.bench
SCENARIO = "2box_hori_left"
COMMAND = np.array(STILL, np.float32)  # an episode that never ends by itself
ROUNDS = {"warmup_rounds": 5, "rounds": 60}


@pytest.fixture
def world():
    env = envs.make(scenarios.load(SCENARIO), image_size=(224, 224)).unwrapped
    env.reset(seed=0)
    yield env
    env.close()


@pytest.mark.benchmark(group="one decision of the world, 224 x 224")
def test_raw_pybullet_steps_and_one_picture(benchmark, world):
    """The floor: the same scene and camera, PyBullet's own calls and nothing around them."""
    simulator = world._simulator
    view, projection = simulator._camera_view(), simulator._projection
    client = {"physicsClientId": simulator._client}

    def decision():
        for _ in range(world.robot.ticks_per_decision * SUBSTEPS_PER_TICK):
            pybullet.stepSimulation(**client)
        pybullet.getCameraImage(224, 224, view, projection, shadow=0,
                                renderer=pybullet.ER_TINY_RENDERER, **client)

    benchmark.pedantic(decision, **ROUNDS)


@pytest.mark.benchmark(group="one decision of the world, 224 x 224")
def test_our_step(benchmark, world):
    benchmark.pedantic(world.step, args=(COMMAND,), **ROUNDS)


@pytest.mark.benchmark(group="start of an episode")
def test_our_reset(benchmark, world):
    benchmark.pedantic(world.reset, kwargs={"seed": 0}, warmup_rounds=2, rounds=20)


@pytest.mark.benchmark(group="one decision of a policy, one robot, CPU")
@pytest.mark.parametrize("name", ["forward", "expert", "expert_keys", "hybrid"])
def test_a_decision_of(benchmark, world, name):
    policy = policies.make(name)
    observation, info = world.reset(seed=0)
    memory = policy.begin(scenarios.load(SCENARIO).instructions.english, seed=0)
    if TRUTH in policy.spec.needs:
        memory.truth = info["truth"]
    benchmark.extra_info |= {"weights": policy.spec.weights, "hash": policy.spec.weights_hash}
    benchmark.pedantic(policy.act, args=([memory], [observation]), **ROUNDS)
