import numpy as np
import pytest

import envs
from envs.dynamics import Drive, Faults, parse
from scenarios import load

ROBOT = envs.load_robot()
AHEAD = np.array([1.15, 0.0, 0.0], np.float32)
ASIDE = np.array([0.0, 1.15, 0.0], np.float32)
SPEED = 0.5  # m/s
SCENARIO = load("1box_vert_left")


def driven(faults, *commands, seed=0):
    """Velocities [ticks, 3] of decisions of 8 ticks, one command each."""
    drive = Drive(faults, ROBOT, np.random.default_rng(seed))
    return np.concatenate([drive.velocities(np.repeat(each[None], 8, axis=0))
                           for each in commands])


def path(faults, decisions=4, seed=0):
    """Where the robot goes when it is told to go ahead."""
    world = envs.make(SCENARIO, ROBOT, image_size=(16, 16), dynamics=faults)
    world.reset(seed=seed)
    for _ in range(decisions):
        *_, info = world.step(AHEAD)
    world.close()
    return np.array(info["path"])


def test_an_ideal_drive_does_what_it_is_told():
    assert driven(Faults(), AHEAD)[:, 0] == pytest.approx([SPEED] * 8)
    assert (path("nominal") == path("slip=0")).all()


def test_speed_is_off_by_its_share_and_slip_takes_some_of_the_way():
    assert driven(Faults(speed=-0.2), AHEAD)[:, 0] == pytest.approx([0.4] * 8)
    slipped = driven(Faults(slip=0.2), *[AHEAD] * 200)[:, 0]
    assert slipped.min() >= SPEED * 0.6 - 1e-9
    assert slipped.max() <= SPEED
    assert slipped.mean() == pytest.approx(SPEED * 0.8, rel=0.02)


def test_a_delay_shifts_what_is_driven_by_ticks():
    sideways = driven(Faults(delay_s=0.1), AHEAD, ASIDE)
    assert not sideways[:2].any()
    assert sideways[2:10, 0] == pytest.approx([SPEED] * 8)
    assert sideways[10:, 1] == pytest.approx([SPEED] * 6)


def test_drift_goes_aside_while_it_moves_and_the_seed_says_to_which_side():
    still = np.zeros(3, np.float32)
    sides = {float(np.sign(driven(Faults(drift_m_s=0.1), AHEAD, still, seed=seed)[0, 1]))
             for seed in range(12)}
    assert sides == {1.0, -1.0}
    assert not driven(Faults(drift_m_s=0.1), AHEAD, still)[8:].any()


def test_dropped_decisions_stand_and_repeated_ones_drive_the_one_before():
    assert not driven(Faults(drop=1.0), AHEAD, ASIDE).any()
    again = driven(Faults(repeat=1.0), AHEAD, ASIDE)
    assert not again.any()
    share = np.mean([driven(Faults(drop=0.3), *[AHEAD] * 20, seed=seed)[::8, 0] == 0.0
                     for seed in range(50)])
    assert share == pytest.approx(0.3, abs=0.05)


def test_a_push_moves_it_so_far_aside_once():
    pushed = driven(Faults(push_m=0.1), *[AHEAD] * 20)
    assert abs(pushed[:, 1].sum() * 0.05) == pytest.approx(0.1)
    assert (pushed[:, 1] != 0.0).sum() == 4
    assert 1.0 <= np.flatnonzero(pushed[:, 1])[0] * 0.05 <= 4.0


def test_the_world_moves_as_the_drive_does_and_the_seed_repeats_it():
    ideal, slow = path("nominal"), path("speed=-0.5")
    assert np.linalg.norm(slow[-1] - slow[0]) == pytest.approx(
        np.linalg.norm(ideal[-1] - ideal[0]) / 2)
    assert (path("slip=0.3") == path("slip=0.3")).all()
    assert (slow[0] == ideal[0]).all()  # the layout is the same


@pytest.mark.parametrize(("words", "sentence"), [
    ("slipp=0.1", "Unknown fault 'slipp'. Did you mean 'slip'"), ("slip=a", "must be a number"),
    ("slip=0.9", "slip must be from 0 to 0.5, got 0.9"), ("drop=nan", "drop must be from 0 to 1"),
])
def test_what_is_no_fault_is_refused(words, sentence):
    with pytest.raises(ValueError, match=sentence):
        parse(words)
