"""A driver that slips, so that what follows a mistake is seen."""

import numpy as np

from policies import make
from training.clumsy import Clumsy

SHARE, SLIPS = 0.5, 0.15
DECISIONS = 40
LOOK = {"rgb": np.zeros((8, 8, 3), np.uint8), "velocity": np.zeros(3, np.float32)}


def drive(seed):
    """All commands of one episode [DECISIONS, 3]."""
    policy = Clumsy("forward", SHARE, SLIPS)
    memory = policy.begin("left", seed)
    return np.concatenate([policy.act([memory], [LOOK])[0].commands for _ in range(DECISIONS)])


def test_half_of_the_episodes_are_the_driver_s_own_and_the_others_slip_now_and_then():
    (wanted,) = make("forward").act([None], [LOOK])[0].commands
    slips = np.array([(drive(seed) != wanted).any(axis=1).mean() for seed in range(60)])
    assert abs((slips > 0).mean() - SHARE) < 0.2
    assert abs(slips[slips > 0].mean() - SLIPS) < 0.05


def test_a_slip_is_a_stop_or_a_full_command_in_any_direction():
    driven = np.concatenate([drive(seed) for seed in range(30)])
    slipped = driven[(driven != driven[0]).any(axis=1)]
    still = (slipped == 0).all(axis=1)
    assert 0.3 < still.mean() < 0.7
    np.testing.assert_allclose(np.abs(slipped[~still]).max(axis=1), 1.15, rtol=1e-6)
    assert (slipped[~still].min(axis=0)[:2] < -0.9).all()
    assert (slipped[~still].max(axis=0)[:2] > 0.9).all()


def test_an_episode_slips_the_same_way_again():
    assert np.array_equal(drive(3), drive(3))
