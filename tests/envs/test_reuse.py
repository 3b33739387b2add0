"""One world drives many episodes: nothing of one is left in the next, whatever was knocked over."""

import itertools

import numpy as np
import pybullet
import pytest

import envs
import scenarios
from envs import simulator as simulator_module
from envs.clearance import Disc, Rectangle
from envs.simulator import Simulator
from tests.envs.worlds import FORWARD

ROUTES = {  # what is driven, whatever stands in the way: a command and its number of ticks
    "into the box": [(FORWARD, 80)],
    "round and round": [((1.15, 1.15, 0), 16), ((0, 0, 1.15), 9), ((1.15, -0.4, 0), 30)],
    "standing": [((0, 0, 0), 8)],
    "back into the wall": [((-1.15, 0.3, 0), 90)],
}


def opened(name: str = "2box_vert_left") -> Simulator:
    return Simulator(scenarios.load(name), envs.load_robot())


def layout_of(name: str, seed: int) -> scenarios.Layout:
    return scenarios.sample_layout(scenarios.load(name), np.random.default_rng(seed),
                                   {"bias": "center"})


def driven(simulator: Simulator, layout: scenarios.Layout, route: str) -> list:
    """Everything that one episode shows: path, contacts, gaps, every body, a camera's frames."""
    simulator.build(layout)
    for command, ticks in ROUTES[route]:
        for _ in range(ticks):  # one by one, on beyond the first contact
            simulator.advance(np.array(command), 1)
    everything = [pybullet.getBasePositionAndOrientation(number, physicsClientId=simulator._client)
                  for _, number in sorted(simulator._bodies.items())]
    frames = [part.tobytes() for part in simulator.frames(["robot", "box_0", "cup"])]
    return [simulator.path.tobytes(), simulator.touched, simulator.clearances(), everything,
            simulator.velocity().tobytes(), simulator.time_s, frames]


@pytest.mark.parametrize("name", ["1box_hori_left", "2box_vert_left"])
def test_an_episode_in_a_used_world_is_the_one_in_a_new_world(name):
    alone = {}
    for seed, route in enumerate(ROUTES):
        fresh = opened(name)
        alone[route] = driven(fresh, layout_of(name, seed), route)
        fresh.close()
    assert alone["into the box"][1].keys() >= {"box_0"}
    assert alone["back into the wall"][1].keys() == {"wall_1"}
    used, numbers = opened(name), dict(zip(ROUTES, itertools.count()))
    for before, after in itertools.product(ROUTES, repeat=2):
        driven(used, layout_of(name, 9), before)
        assert driven(used, layout_of(name, numbers[after]), after) == alone[after], (before, after)
    used.close()


def test_the_same_box_in_the_same_place_is_hit_the_same_way_again_and_again():
    """What PyBullet remembers of a contact would show here first."""
    simulator, layout = opened(), layout_of("2box_vert_left", 0)
    first = driven(simulator, layout, "into the box")
    assert all(driven(simulator, layout, "into the box") == first for _ in range(20))
    simulator.close()


def test_gliding_is_what_pybullet_does_with_a_robot_that_touches_nothing(monkeypatch):
    layout = layout_of("2box_vert_left", 1)
    paths, velocities = [], []
    for near_m in (simulator_module.NEAR_M, 100.0):  # then PyBullet steps everywhere
        monkeypatch.setattr(simulator_module, "NEAR_M", near_m)
        simulator = opened()
        simulator.build(layout)
        for command in [(1.15, 0.7, 0), (0, 0, 1.15), (1.15, 0, 0), (0, 0, -0.9), (0, 0, 0)]:
            simulator.advance(np.array(command), 6)
            velocities.append(simulator.velocity())
        paths.append(simulator.path)
        assert simulator.touched == {}
        simulator.close()
    np.testing.assert_allclose(paths[0], paths[1], atol=1e-12)
    np.testing.assert_allclose(velocities[:5], velocities[5:], atol=1e-6)


def test_nothing_moves_before_it_is_touched():
    simulator, layout = opened(), layout_of("2box_vert_left", 2)
    driven(simulator, layout, "standing")
    assert [simulator.pose(f"box_{k}") for k in range(2)] == list(layout.boxes)
    assert simulator.pose("cup")[:2] == layout.cup
    simulator.close()


def test_a_gap_is_the_distance_to_the_nearest_point_of_the_footprint():
    box = Rectangle((1.0, 1.0, np.pi / 2), (0.2, 0.1))  # turned: 0.1 along x, 0.2 along y
    assert box.gap_m(1.0, 2.0) == pytest.approx(0.8)
    assert box.gap_m(2.0, 1.0) == pytest.approx(0.9)
    assert box.gap_m(1.1 + 0.3, 1.2 + 0.4) == pytest.approx(0.5)  # 3-4-5 from the corner
    assert box.gap_m(1.0, 1.0) == pytest.approx(-0.1)
    assert Disc((0.0, 0.0), 0.05).gap_m(0.0, 2.0) == pytest.approx(1.95)


def test_the_gaps_are_pybullets_own():
    simulator = opened()
    simulator.build(layout_of("2box_vert_left", 3))
    rng = np.random.default_rng(0)
    for _ in range(200):
        simulator.place((*rng.uniform((-1, -2), (4, 2)), 0.3))
        gaps = simulator.clearances()
        for name, gap_m in gaps.items():
            points = pybullet.getClosestPoints(
                simulator._bodies["robot"], simulator._bodies[name], 20.0,
                physicsClientId=simulator._client)
            if gap_m > 0:
                assert gap_m == pytest.approx(min(point[8] for point in points), abs=1e-3)
    simulator.close()


CLOSE_BY = {  # seeds, and commands that pass boxes by less than NEAR_M without a touch
    1134850803076957311: [(1.01, -1.12), (0.83, -1.15), (1.07, -1.13), (1.15, -0.16), (1.15, 0.02),
                          (1.15, 0.04), (1.15, 0.09), (1.15, 0.13), (1.15, 0.41), (1.15, 0.58)],
    2294219146542423572: [(0.86, -1.15), (0.86, -1.15), (1.15, -0.55), (1.15, -0.02), (1.15, 0.0),
                          (1.15, -0.01), (1.15, 0.03), (1.15, 0.08), (1.15, 0.35), (1.15, 0.35)],
}


def test_a_world_does_not_remember_whose_turn_it_was_to_be_looked_at():
    """PyBullet looks at a few pairs a step: who comes next decides when a box falls asleep."""
    def passed(env, seed):
        env.reset(seed=seed)
        for x, y in CLOSE_BY[seed]:
            env.step(np.array((x, y, 0.0), np.float32))
        simulator = env._simulator
        assert simulator._stepped
        assert simulator.touched == {}
        return [simulator.pose(name) for name in ("box_0", "box_1", "cup")]

    scenario = scenarios.load("2box_vert_right")
    used = envs.make(scenario).unwrapped
    for first, second in itertools.product(CLOSE_BY, repeat=2):
        fresh = envs.make(scenario).unwrapped
        passed(used, first)
        assert passed(used, second) == passed(fresh, second)
        fresh.close()
    used.close()


def test_pybullets_camera_sees_the_same_floor_in_a_used_world():
    env = envs.make(scenarios.load("1box_hori_left"), renderer="tiny").unwrapped
    first, _ = env.reset(seed=3)
    for _ in range(12):
        env.step(FORWARD)
    assert env._simulator.touched
    again, _ = env.reset(seed=3)
    assert again["rgb"][-40:].std() > 2.0  # it is no plain white
    np.testing.assert_array_equal(first["rgb"], again["rgb"])
    env.close()
