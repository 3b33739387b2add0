"""How fast both cameras are, and how they share cores.

`tox -e bench` prints the ratios under each test's name and writes them into `.tox/bench.json`.
"""

import multiprocessing
import os
import time

import numpy as np
import pytest

import envs
import scenarios
from envs.camera import View
from envs.tiny import LIGHT_DIRECTION
from tests.bench.ratios import alternating, report

pytestmark = pytest.mark.bench
SCENARIO = "2box_hori_left"
SIZES = {"224 x 224": (224, 224), "720 x 1280": (720, 1280)}
TIMES_FASTER = 20.0  # than raw getCameraImage of the same scene, with shadows in both
TWO_PROCESSES = 1.86  # times as many pictures as one
SHARE_S, SHARE_ROUNDS = 0.2, 30
ROUNDS = {"224 x 224": 60, "720 x 1280": 12}


@pytest.fixture
def world():
    env = envs.make(scenarios.load(SCENARIO)).unwrapped
    env.reset(seed=0)
    yield env
    env.close()


def raw_picture(world, view: View, size: tuple[int, int], shadow: int = 1):
    """PyBullet's own call, all of its arguments made before."""
    client, spec = world._simulator.client, world.robot.camera
    seen = client.computeViewMatrix(view.eye, view.eye + view.forward, (0, 0, 1))
    high, wide = (spec.near_m * tangent for tangent in view.tangents)
    lens = client.computeProjectionMatrix(-wide, wide, -high, high, spec.near_m, spec.far_m)
    return lambda: client.getCameraImage(
        size[1], size[0], seen, lens, lightDirection=LIGHT_DIRECTION, shadow=shadow,
        renderer=client.ER_TINY_RENDERER)


@pytest.mark.benchmark(group="one picture with shadows, one core")
@pytest.mark.parametrize("size", SIZES)
def test_the_fast_camera_against_raw_get_camera_image(benchmark, world, size):
    view, pixels = world._view(), SIZES[size]
    slow_s, fast_s = alternating(raw_picture(world, view, pixels),
                                 lambda: world._camera.picture(view, pixels), ROUNDS[size], 5)
    benchmark.extra_info["getCameraImage_ms"] = 1000 * slow_s
    benchmark.pedantic(world._camera.picture, args=(view, pixels), warmup_rounds=2,
                       rounds=ROUNDS[size])
    report(benchmark, f"times getCameraImage's frames per second at {size}", slow_s / fast_s,
           TIMES_FASTER)


@pytest.mark.benchmark(group="one picture with shadows, one core")
@pytest.mark.parametrize("size", SIZES)
def test_raw_get_camera_image(benchmark, world, size):
    benchmark.pedantic(raw_picture(world, world._view(), SIZES[size]), warmup_rounds=1,
                       rounds=ROUNDS[size])


@pytest.mark.benchmark(group="a picture with other things on request, 224 x 224")
@pytest.mark.parametrize("what", ["picture", "depth and mask", "randomised"])
def test_what_else_a_picture_costs(benchmark, what):
    env = envs.make(scenarios.load(SCENARIO),
                    appearance="randomised" if what == "randomised" else "nominal").unwrapped
    env.reset(seed=0)
    work = env._camera.look if what == "depth and mask" else env._camera.picture
    benchmark.pedantic(work, args=(env._view(), (224, 224)), warmup_rounds=5, rounds=100)
    env.close()


def draw_by_turns(alone: bool, ready, counts) -> None:
    """In a process of its own: every other round both draw, in the others only the first."""
    env = envs.make(scenarios.load(SCENARIO)).unwrapped
    env.reset(seed=0)
    for number in range(2 * SHARE_ROUNDS):
        ready.wait()
        drawn, core, end = 0, time.process_time(), time.perf_counter() + SHARE_S
        while time.perf_counter() < end:
            if number % 2 or alone:
                env._camera.picture(env._view(), (224, 224))
                drawn += 1
            else:
                time.sleep(SHARE_S)
        counts.put((number, drawn, drawn and drawn / (time.process_time() - core)))
    env.close()


def most_drawn() -> list[float]:
    """The best of all rounds: pictures of one process alone, and of two together.

    Returns:
        How many are drawn in a round, alone and together, and how many in a second of the
        processor, alone and together.
    """
    context = multiprocessing.get_context("spawn")
    ready, counts = context.Barrier(2), context.Queue()
    workers = [context.Process(target=draw_by_turns, args=(first, ready, counts))
               for first in (True, False)]
    for worker in workers:
        worker.start()
    rounds = np.zeros((2, 2 * SHARE_ROUNDS))
    for _ in range(2 * rounds.shape[1]):
        number, *found = counts.get(timeout=120)
        rounds[:, number] += found
    for worker in workers:
        worker.join()
    return [each[start::2].max() for each in rounds for start in (0, 1)]


@pytest.mark.benchmark(group="two processes draw")
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_processes_draw_nearly_twice_as_much(benchmark):
    """The best of short rounds: whatever else runs on the machine is nobody's fault here."""
    one, two, one_rate, two_rate = benchmark.pedantic(most_drawn, rounds=1)
    report(benchmark, "the same by processor time, on a busy machine", two_rate / one_rate)
    report(benchmark, "times the pictures of one process", two / one, TWO_PROCESSES)
