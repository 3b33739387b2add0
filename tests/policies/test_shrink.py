"""Camera frames become the policy's picture by matrices as they do by pillow, but for rounding."""

import numpy as np
import pytest
import torch

from policies.picture import CLIP_STD, squeeze
from policies.pixels import normalise, pixels
from policies.shrink import can_shrink, shrink

CPU = torch.device("cpu")
SIDES = [(720, 1280), (480, 640), (1080, 1920), (360, 640), (600, 800)]


@pytest.fixture
def with_matrices(monkeypatch):
    """Also on processors that would leave it to pillow: the numbers are the same."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


def levels_apart(one, other):
    """By how many levels of 255 two normalised pictures differ, at most and in the mean."""
    off = (one - other).abs() * 255.0 * torch.tensor(CLIP_STD).view(3, 1, 1)
    return float(off.max()), float(off.mean())


def by_pillow(frame):
    return normalise(torch.from_numpy(squeeze(frame, (224, 224)).copy())[None])[0]


@pytest.mark.usefixtures("with_matrices")
@pytest.mark.parametrize("sides", SIDES)
def test_noise_differs_from_pillows_picture_by_one_level_at_most(sides):
    frame = np.random.default_rng(0).integers(0, 256, (*sides, 3), dtype=np.uint8)
    assert can_shrink(*sides, 224, CPU)
    most, mean = levels_apart(shrink(frame, 224, CPU), by_pillow(frame))
    assert most <= 1.001
    assert mean <= 0.4


@pytest.mark.usefixtures("with_matrices")
@pytest.mark.parametrize("color", [(255, 0, 0), (0, 255, 0), (10, 20, 255), (0, 0, 0)])
def test_a_frame_of_one_colour_is_that_colour(color):
    frame = np.empty((720, 1280, 3), np.uint8)
    frame[:] = color
    most, _ = levels_apart(shrink(frame, 224, CPU), by_pillow(frame))
    assert most < 1e-3


@pytest.mark.usefixtures("with_matrices")
def test_a_frame_is_the_same_bits_in_any_company():
    rng = np.random.default_rng(1)
    one, other = rng.integers(0, 256, (2, 720, 1280, 3), dtype=np.uint8)
    both = pixels([other, one], 224, CPU)
    assert torch.equal(both[1], pixels([one], 224, CPU)[0])
    small = other[:224, :224]
    assert torch.equal(pixels([small, one], 224, CPU)[1], both[1])


@pytest.mark.parametrize("sides", [(224, 224), (100, 1280), (1280, 223), (719, 1279)])
def test_what_is_no_smaller_or_falls_into_no_groups_is_left_to_pillow(sides):
    assert not can_shrink(*sides, 224, CPU)
    frame = np.random.default_rng(2).integers(0, 256, (*sides, 3), dtype=np.uint8)
    assert torch.equal(pixels([frame], 224, CPU)[0], by_pillow(frame))


def test_a_slow_processor_leaves_it_to_pillow(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert not can_shrink(720, 1280, 224, CPU)


def test_what_is_no_picture_is_refused():
    with pytest.raises(ValueError, match=r"\[H, W, 3\] uint8, got \(720, 1280, 4\) uint8"):
        pixels([np.zeros((720, 1280, 4), np.uint8)], 224, CPU)
