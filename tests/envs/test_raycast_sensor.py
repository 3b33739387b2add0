"""The sensor's faults are what a profile asks for: noise, blur, exposure."""

from dataclasses import replace

import numpy as np
import pytest

import envs
import scenarios
from envs.appearance import draw, load_profile
from envs.camera import camera_view
from envs.raycast.camera import FastCamera
from envs.raycast.sensor import sense
from envs.simulator import Simulator

GREY = np.full((224, 224, 3), 128, np.uint8)
SCENARIO, ROBOT = scenarios.load("2box_hori_left"), envs.load_robot()
SIZE = (120, 160)
NOMINAL = draw(load_profile("nominal"), SCENARIO, np.random.default_rng(0))


def noisy(picture=GREY, noise=4.0, seed=0, moment=0):
    picture = picture.copy()
    sense(picture, 0.0, 16 / 9, noise, seed, moment)
    return picture


def blurred(picture, blur_px, aspect=1.0):
    picture = picture.copy()
    sense(picture, blur_px, aspect, 0.0, 0, 0)
    return picture


@pytest.fixture(scope="module")
def camera():
    """The fast camera in a world that stands still, and what it sees from the start."""
    simulator = Simulator(SCENARIO, ROBOT)
    simulator.build(scenarios.sample_layout(SCENARIO, np.random.default_rng(0), {}))
    yield FastCamera(simulator, SCENARIO, ROBOT)
    simulator.close()


def picture(camera, seed=0, moment=0, **lens):
    appearance = replace(NOMINAL, lens=replace(NOMINAL.lens, **lens))
    camera.dress(appearance, seed)
    return camera.picture(camera_view((0, 0, 0), ROBOT.camera, appearance.lens), SIZE, moment)


@pytest.mark.parametrize("noise", [1.0, 3.0, 8.0])
def test_noise_has_the_standard_deviation_that_was_asked_for_and_no_mean(noise):
    off = noisy(noise=noise).astype(float) - 128
    assert off.std() == pytest.approx(noise, rel=0.03, abs=0.1)  # 0.1: bytes are whole
    assert abs(off.mean()) < 0.1


def test_noise_follows_from_seed_and_moment_alone():
    np.testing.assert_array_equal(noisy(seed=3, moment=5), noisy(seed=3, moment=5))
    pictures = [noisy(seed=seed, moment=moment) for seed in (0, 1, 2 ** 62) for moment in (0, 1, 8)]
    for number, one in enumerate(pictures):
        for other in pictures[:number]:
            correlation = np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1]
            assert abs(correlation) < 0.02


def test_noise_of_neighbours_and_of_channels_is_unrelated():
    off = noisy(noise=8.0).astype(float) - 128
    for one, other in ((off[:, 1:], off[:, :-1]), (off[1:], off[:-1]),
                       (off[..., 0], off[..., 1]), (off[..., 1], off[..., 2])):
        assert abs((one * other).mean() / off.var()) < 0.02


@pytest.mark.parametrize("level", [0, 255])
def test_noise_stays_within_a_byte(level):
    off = np.abs(noisy(np.full_like(GREY, level), noise=5.0).astype(int) - level)
    assert off.max() < 30  # never round from black to white


def test_blur_leaves_one_colour_as_it_is():
    np.testing.assert_array_equal(blurred(GREY, 2.0), GREY)


@pytest.mark.parametrize("blur_px", [0.5, 1.0, 2.0])
def test_blur_spreads_a_point_as_a_gaussian_of_its_width_and_keeps_its_light(blur_px):
    point = np.zeros((224, 224, 3), np.uint8)
    point[108:117, 108:117] = 252  # 9 x 9 pixels, so that bytes are fine enough
    spread = blurred(point, blur_px)[..., 0].astype(float)
    assert spread.sum() == pytest.approx(81 * 252, rel=0.02)
    columns = np.arange(224) - 112
    variance = (spread.sum(axis=0) * columns ** 2).sum() / spread.sum()
    assert variance == pytest.approx((9 ** 2 - 1) / 12 + blur_px ** 2, rel=0.05)


def test_blur_means_the_same_in_a_picture_of_any_size():
    """Its width counts pixels of a picture 224 wide: 448 wide it is twice as many."""
    half = np.zeros((224, 224, 3), np.uint8)
    half[:, 112:] = 250
    large = half.repeat(2, axis=0).repeat(2, axis=1)
    small = blurred(half, 2.0)[112, :, 0].astype(float)
    again = blurred(large, 2.0)[224, :, 0].reshape(224, 2).mean(axis=1)
    assert np.abs(small - again).max() < 4


def test_a_picture_without_faults_is_exact(camera):
    np.testing.assert_array_equal(picture(camera, seed=1, moment=3), picture(camera))


def test_a_cameras_noise_is_that_of_its_seed_and_moment(camera):
    one = picture(camera, seed=5, moment=2, noise=4.0)
    np.testing.assert_array_equal(one, picture(camera, seed=5, moment=2, noise=4.0))
    assert (one != picture(camera, seed=5, moment=3, noise=4.0)).mean() > 0.5
    assert (one != picture(camera, seed=6, moment=2, noise=4.0)).mean() > 0.5
    # the sky is white already: its noise only darkens
    assert one.mean() == pytest.approx(picture(camera).mean(), abs=1.0)


def test_blur_keeps_the_brightness_of_a_picture(camera):
    sharp, soft = picture(camera).astype(float), picture(camera, blur_px=2.0).astype(float)
    assert soft.mean() == pytest.approx(sharp.mean(), abs=0.5)
    assert np.abs(np.diff(soft, axis=1)).mean() < 0.7 * np.abs(np.diff(sharp, axis=1)).mean()


def test_exposure_multiplies_until_a_pixel_is_full(camera):
    once, less = picture(camera).astype(float), picture(camera, exposure=0.5).astype(float)
    assert np.abs(less - once / 2).max() <= 2
    more = picture(camera, exposure=1.25).astype(int)
    assert (more >= once - 1).all()  # nothing runs over from white to black
    assert np.abs(more - np.minimum(255, 1.25 * once)).mean() < 1.5
    assert picture(camera, exposure=1000.0)[0].min() == 255  # the uppermost row: sky and walls
