"""How long one decision takes: compare rows of one table, never numbers of two machines.

`tox -e bench` prints one table a group, with each row's ratio to the fastest in brackets.
"""

import numpy as np
import pytest

import envs
import policies
import scenarios
from envs.camera import RENDERERS
from envs.interface import SUBSTEPS_PER_TICK
from policies.interface import TRUTH
from tests.bench.ratios import alternating, report
from tests.bench.test_cameras import raw_picture
from tests.envs.worlds import STILL

pytestmark = pytest.mark.bench
SCENARIO = "2box_hori_left"
COMMAND = np.array(STILL, np.float32)  # an episode that never ends by itself
ROUNDS = {"warmup_rounds": 5, "rounds": 60}


@pytest.fixture
def opened():
    """Opens worlds that have begun an episode, and closes them."""
    worlds = []

    def open_one(renderer="fast"):
        worlds.append(envs.make(scenarios.load(SCENARIO), renderer=renderer).unwrapped)
        worlds[-1].reset(seed=0)
        return worlds[-1]

    yield open_one
    for each in worlds:
        each.close()


@pytest.fixture
def world(opened):
    return opened()


def raw_decision(world, shadow: int):
    """PyBullet's own calls and nothing around them: the same scene, steps and camera."""
    client, picture = world._simulator.client, raw_picture(world, world._view(), (224, 224), shadow)

    def decision():
        for _ in range(world.robot.ticks_per_decision * SUBSTEPS_PER_TICK):
            client.stepSimulation()
        picture()

    return decision


@pytest.mark.benchmark(group="one decision of the world, 224 x 224")
@pytest.mark.parametrize("shadow", [0, 1], ids=["without shadows", "with shadows"])
def test_raw_pybullet_steps_and_one_picture(benchmark, world, shadow):
    benchmark.pedantic(raw_decision(world, shadow), **ROUNDS)


@pytest.mark.benchmark(group="one decision of the world, 224 x 224")
@pytest.mark.parametrize("renderer", RENDERERS)
def test_our_step(benchmark, opened, renderer):
    world = opened(renderer)
    raw_s, ours_s = alternating(raw_decision(opened(), 1), lambda: world.step(COMMAND), 20)
    benchmark.pedantic(world.step, args=(COMMAND,), **ROUNDS)
    report(benchmark, f"times the decisions of a raw PyBullet loop, {renderer}", raw_s / ours_s)


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
