"""What the way to a policy elsewhere costs a decision: the network of this machine, both sides."""

import numpy as np
import pytest

import policies
from policies.interface import Observation
from tests.hardware.serving import command, served

pytestmark = pytest.mark.bench
LEFT = "Navigate around the obstacle on the left side and reach the cup"
ROUNDS = {"warmup_rounds": 5, "rounds": 60}


def asking(policy: policies.Policy, rows: int):
    """One decision of so many robots, each with a picture of its own."""
    rng = np.random.default_rng(0)
    seen = [Observation(rgb=rng.integers(0, 256, (224, 224, 3), dtype=np.uint8),
                        velocity=np.zeros(3, np.float32)) for _ in range(rows)]
    memories = [policy.begin(LEFT, seed) for seed in range(rows)]
    return lambda: policy.act(memories, seen)


@pytest.mark.benchmark(group="one decision of `forward`: nothing but the way")
@pytest.mark.parametrize("rows", [1, 8])
def test_the_way_to_a_policy_elsewhere(benchmark, rows):
    with served(policies.make("forward"), batch=rows) as address:
        benchmark.pedantic(asking(policies.make(address), rows), **ROUNDS)


@pytest.mark.benchmark(group="one decision of `hybrid`, 8 robots, one thread")
def test_hybrid_here(benchmark):
    from policies.threads import computing_with

    policy = policies.make("hybrid")
    with computing_with(1):
        benchmark.pedantic(asking(policy, 8), **ROUNDS)


@pytest.mark.benchmark(group="one decision of `hybrid`, 8 robots, one thread")
def test_hybrid_in_another_process(benchmark):
    with command("--policy", "hybrid") as (_, address):
        benchmark.pedantic(asking(policies.make(address), 8), **ROUNDS)
