"""What PyBullet does for us: motion, contact with bodies that move, and the camera."""

import math

import numpy as np
import pytest

import envs
import scenarios
from envs.simulator import Simulator
from tests.envs.worlds import FORWARD, beside, repeat, without_jitter, world


@pytest.mark.parametrize(("command", "moved"), [
    ((1.15, 0, 0), (0.2, 0, 0)),  # 0.5 m/s for 0.4 s
    ((0, 1.15, 0), (0, 0.2, 0)),  # y is left
    ((1.15, -1.15, 0), (0.2 / np.sqrt(2), -0.2 / np.sqrt(2), 0)),  # throttle: no faster diagonally
    ((0, 0, 1.15), (0, 0, 0.4)),  # 1 rad/s, counter-clockwise
    ((0.05, 0, 0), (0, 0, 0)),  # inside the dead band
])
def test_one_decision_moves_the_robot_as_commanded(command, moved):
    with world(without_jitter("1box_vert_left")) as env:
        env.reset(seed=0)
        pose = repeat(env, command, most=1)["truth"].robot
    np.testing.assert_allclose(pose, moved, atol=1e-4)


def test_directions_are_the_bodys_and_so_is_the_measured_velocity():
    with world(without_jitter("1box_vert_left")) as env:
        env.reset(seed=0)
        yaw = repeat(env, (0, 0, 1.15), most=1)["truth"].robot[2]
        observation, *_, info = env.step(np.array(FORWARD, np.float32))
    np.testing.assert_allclose(info["truth"].robot[:2], 0.2 * np.array([np.cos(yaw), np.sin(yaw)]),
                               atol=1e-4)
    np.testing.assert_allclose(observation["velocity"], [0.5, 0, 0], atol=1e-4)


def test_a_box_that_is_pushed_moves_and_what_is_not_touched_does_not():
    scenario = without_jitter("1box_vert_left")
    layout = scenarios.sample_layout(scenario, np.random.default_rng(0), {"bias": "center"})
    simulator = Simulator(scenario, envs.load_robot())
    simulator.build(layout)
    box, cup = simulator.pose("box_0"), simulator.pose("cup")
    for _ in range(60):  # after a contact each call drives one tick of 0.025 m
        simulator.advance(np.array(FORWARD), 1)
    moved = simulator.pose("box_0")[0] - box[0]
    touched, cup_after = simulator.touched, simulator.pose("cup")
    simulator.close()
    assert moved > 0.2
    assert touched["box_0"] == pytest.approx((box[0] - 0.2 - 0.17) / 0.5, abs=0.02)  # rim to face
    assert cup_after == pytest.approx(cup, abs=1e-3)


def test_clearance_is_measured_from_the_rim_to_the_nearest_body():
    with world(without_jitter("1box_vert_left")) as env:
        _, info = env.reset(seed=0, options={"distance": "medium", "bias": "center"})
    # box face at 1.25 - 0.20 m, robot's rim at 0.17 m
    assert info["clearance_m"] == pytest.approx(1.25 - 0.20 - 0.17, abs=2e-3)


def columns_of(name: str, yaw_rad: float) -> np.ndarray:
    """The picture's columns in which a body is seen by a robot that is turned by `yaw_rad`."""
    with world(beside("1box_vert_left", 1.9), image_size=(224, 224)) as env:
        _, info = env.reset(seed=0)
        turn = math.atan2(info["truth"].cup[1], info["truth"].cup[0])  # the cup is jittered
        look = env.unwrapped.look_from((0.0, 0.0, yaw_rad + turn))
    return np.flatnonzero((look.ids == look.names[name]).any(axis=0))


def test_the_cup_stands_where_a_camera_of_90_degrees_sees_it():
    assert columns_of("cup", 0.0).mean() == pytest.approx(111.5, abs=1)
    # half a tangent to the left of the axis: a quarter of the picture from the left edge
    assert columns_of("cup", -np.arctan(0.5)).mean() == pytest.approx(55.5, abs=1)
    assert columns_of("cup", np.arctan(0.5)).mean() == pytest.approx(167.5, abs=1)


def test_the_picture_is_upright_and_rgb():
    with world(beside("1box_vert_left", 1.9), image_size=(224, 224)) as env:
        observation, info = env.reset(seed=0)
        rgb, _, numbers, names = env.unwrapped.look_from(info["truth"].robot)
    np.testing.assert_array_equal(rgb, observation["rgb"])
    red, green, blue = rgb[numbers == names["cup"]].mean(axis=0)
    assert red > 2 * max(green, blue)
    rows = {name: np.flatnonzero((numbers == number).any(axis=1)) for name, number in names.items()}
    assert rows["floor"].max() == 223
    assert rows["floor"].min() > rows["wall_0"].min()


def test_the_same_view_at_720p_shows_the_same_scene():
    """Squeezing a 16:9 frame gives the policy's picture: one field of view, whatever the size."""
    pictures = []
    for size in ((224, 224), (720, 1280)):
        with world("2box_vert_left", image_size=size) as env:
            pictures.append(env.reset(seed=2)[0]["rgb"].astype(float))
    small = pictures[0].reshape(16, 14, 16, 14, 3).mean(axis=(1, 3))
    large = pictures[1].reshape(16, 45, 16, 80, 3).mean(axis=(1, 3))
    assert np.abs(small - large).mean() < 3  # of 255


def test_looking_from_elsewhere_moves_nothing():
    env = envs.make(scenarios.load("1box_vert_left"), image_size=(16, 16))
    env.reset(seed=0)
    env.step(np.array([1.15, 0.0, 0.0]))
    before = env.unwrapped.truth()
    env.unwrapped.look_from((0.5, 0.5, 0.1))
    assert env.unwrapped.truth() == before


@pytest.mark.parametrize("pose", [(0.0, 0.0), (0.0, float("nan"), 0.0)])
def test_a_view_from_nowhere_is_refused(pose):
    env = envs.make(scenarios.load("1box_vert_left"), image_size=(16, 16))
    with pytest.raises(RuntimeError, match="reset"):
        env.unwrapped.look_from(pose)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="three finite numbers"):
        env.unwrapped.look_from(pose)


@pytest.mark.parametrize("size", [(0, 5), (224,), (10.5, 20)])
def test_a_picture_of_no_size_is_refused(size):
    with pytest.raises(ValueError, match="height and width in whole pixels"):
        envs.make(scenarios.load("1box_vert_left"), image_size=size)
