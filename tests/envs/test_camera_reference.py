"""Both cameras look at the same world: `fast` against `tiny`, PyBullet's own."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import ndimage

import envs
import scenarios
from envs.appearance import draw, load_profile
from envs.camera import Camera, Look, View, camera_view
from envs.raycast.camera import FastCamera
from envs.simulator import Simulator
from envs.tiny import TinyCamera
from tests.envs.worlds import FORWARD, beside, without_jitter

ROBOT = envs.load_robot()
SQUARE = np.ones((3, 3))
LEAST_SHARE = 0.02  # of the picture that boxes and cup cover together
CAMERA_GAP_M = 0.05  # from the camera to any body


class Pair(NamedTuple):
    """One world and both of its cameras."""

    simulator: Simulator
    fast: Camera
    tiny: Camera
    lens: Any

    def view(self, pose: tuple[float, float, float]) -> View:
        return camera_view(pose, ROBOT.camera, self.lens)


@contextmanager
def pair(scenario: scenarios.Scenario) -> Iterator[Pair]:
    """A world that is built by `simulator.build`."""
    simulator = Simulator(scenario, ROBOT)
    look = draw(load_profile("nominal"), scenario, np.random.default_rng(0))
    cameras = (FastCamera(simulator, scenario, ROBOT),
               TinyCamera(simulator, ROBOT))
    for camera in cameras:
        camera.dress(look, 0)
    yield Pair(simulator, *cameras, look.lens)
    simulator.close()


def objects(look: Look) -> np.ndarray:
    """Where boxes and cup are seen, [H, W] bool."""
    return np.isin(look.ids, [number for name, number in look.names.items()
                              if name == "cup" or name.startswith("box_")])


def edge(mask: np.ndarray) -> np.ndarray:
    """Pixels within one pixel of a mask's edge."""
    return ndimage.binary_dilation(mask, SQUARE) & ~ndimage.binary_erosion(
        mask, SQUARE, border_value=1)


def iou(fast: Look, tiny: Look) -> float:
    """Of both masks of boxes and cup, without the pixels at the reference's edge."""
    one, other = objects(fast), objects(tiny)
    keep = ~edge(other)
    return (one & other & keep).sum() / max(1, ((one | other) & keep).sum())


def looks(name: str, count: int, size: tuple[int, int], seed: int) -> Iterator[tuple[Look, Look]]:
    """What both cameras see from random poses with the objects in view, a new layout each time."""
    scenario, rng = scenarios.load(name), np.random.default_rng(seed)
    with pair(scenario) as (simulator, fast, tiny, lens):
        while count:
            simulator.build(scenarios.sample_layout(scenario, rng, {}))
            pose = (*rng.uniform((-0.5, -1.2), (2.8, 1.2)), rng.uniform(-math.pi, math.pi))
            simulator.place(pose)
            gaps = simulator.clearances()
            if min(gaps.values()) + ROBOT.radius_m < CAMERA_GAP_M:
                continue
            view = camera_view(pose, ROBOT.camera, lens)
            seen = fast.look(view, size)
            if objects(seen).mean() >= LEAST_SHARE:
                count -= 1
                yield seen, tiny.look(view, size)


def compare(count: int, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """IoU of every pose, and how far depths are apart, relatively, at the pixels of all objects."""
    shares, apart = [], []
    for number, name in enumerate(scenarios.names()):
        for fast, tiny in looks(name, count // 8, size, number):
            shares.append(iou(fast, tiny))
            both = objects(fast) & objects(tiny) & ~edge(objects(tiny))
            apart.append(np.abs(fast.depth_m[both] / tiny.depth_m[both] - 1))
    return np.array(shares), np.concatenate(apart)


def test_boxes_and_cup_are_seen_where_the_reference_sees_them():
    shares, apart = compare(24, (360, 640))
    assert shares.mean() >= 0.995
    assert shares.min() >= 0.97
    assert np.median(apart) < 0.003
    assert np.quantile(apart, 0.99) < 0.03


@pytest.mark.slow
def test_on_a_thousand_poses_at_720p_boxes_and_cup_are_where_the_reference_sees_them():
    shares, apart = compare(1000, (720, 1280))
    print(f"\nIoU of boxes and cup on {len(shares)} poses: mean {shares.mean():.5f}, "
          f"min {shares.min():.5f}; depth apart: median {np.median(apart):.2e}, "
          f"99 % {np.quantile(apart, 0.99):.2e}, most {apart.max():.2e}")
    assert len(shares) == 1000
    assert shares.mean() >= 0.995
    assert shares.min() >= 0.97


@pytest.mark.parametrize("name", ["floor", "wall_0", "box_0", "cup"])
def test_every_body_has_its_own_mask(name):
    scenario = without_jitter("1box_vert_left")
    with pair(scenario) as (simulator, fast, tiny, lens):
        simulator.build(scenarios.sample_layout(scenario, np.random.default_rng(0), {}))
        view = camera_view((0.0, 0.5, -0.1), ROBOT.camera, lens)
        masks = [look.ids == look.names[name] for look in (camera.look(view, (360, 640))
                                                           for camera in (fast, tiny))]
    keep = ~edge(masks[1])
    assert (masks[1] & keep).sum() > 50
    assert (masks[0] & masks[1] & keep).sum() / ((masks[0] | masks[1]) & keep).sum() > 0.995


def test_a_cup_and_a_box_that_were_knocked_about_are_seen_as_they_lie():
    for scenario, name in ((beside("1box_vert_left", 1.9), "cup"),
                           (without_jitter("1box_vert_left"), "box_0")):
        with pair(scenario) as (simulator, fast, tiny, lens):
            simulator.build(scenarios.sample_layout(scenario, np.random.default_rng(0),
                                                    {"bias": "center"}))
            for _ in range(150):  # after a contact each call drives one tick
                simulator.advance(np.array(FORWARD), 1)
            assert name in simulator.touched
            x, y, _ = simulator.pose(name)
            view = camera_view((x - 0.7, y + 0.2, -0.3), ROBOT.camera, lens)
            seen = [camera.look(view, (360, 640)) for camera in (fast, tiny)]
        masks = [look.ids == look.names[name] for look in seen]
        keep = ~edge(masks[1])
        assert (masks[1] & keep).sum() > 500
        assert (masks[0] & masks[1] & keep).sum() / ((masks[0] | masks[1]) & keep).sum() > 0.99


def test_both_pictures_are_of_the_same_brightness_and_colours():
    """TinyRenderer's own strengths are nominal, so mean colours agree, shadows apart."""
    scenario = scenarios.load("2box_hori_left")
    with pair(scenario) as (simulator, fast, tiny, lens):
        simulator.build(scenarios.sample_layout(scenario, np.random.default_rng(1), {}))
        view = camera_view((0.0, 0.0, 0.0), ROBOT.camera, lens)
        one, other = (camera.look(view, (360, 640)) for camera in (fast, tiny))
    for name in ("wall_0", "box_0", "cup"):
        colours = [look.rgb[look.ids == look.names[name]].mean(axis=0) for look in (one, other)]
        np.testing.assert_allclose(*colours, atol=12)
