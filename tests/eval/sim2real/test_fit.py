"""Camera and drive from sightings that were computed, so that the truth is known exactly."""

import numpy as np
import pytest

from eval.sim2real.fit import fit
from eval.sim2real.geometry import Guess, driven_m, seen_at
from eval.sim2real.tracks import Track

ASPECT, CUP = 16 / 9, (0.09, 0.12)
TRUE = Guess(wide=0.8, height_m=0.25, tilt_rad=0.06, step_m=0.17, delay=0.3)
NOMINAL = Guess(wide=1.0, height_m=0.20, tilt_rad=0.0, step_m=0.2, delay=0.0)
AHEAD, LEFT, RIGHT = (1.0, 0.0), (0.7071, 0.7071), (0.7071, -0.7071)
ROUTES = ([LEFT] * 4 + [AHEAD] * 3 + [RIGHT] * 4, [RIGHT] * 3 + [AHEAD] * 4 + [LEFT] * 4,
          [AHEAD] * 3 + [LEFT] * 4 + [RIGHT] * 4, [LEFT] * 2 + [RIGHT] * 5 + [AHEAD] * 4)


def tracks(routes, noise_px=0.1, true=TRUE):
    rng = np.random.default_rng(0)
    made = []
    for number, route in enumerate(routes):
        directions = np.array(route)
        cup = np.array([2.6 + 0.05 * number, 0.1 * (number - 1)])
        seen = seen_at(cup - driven_m(directions, true), true, ASPECT, CUP)
        seen += noise_px * rng.normal(size=seen.shape) / [160, 90, 90]
        sightings = np.column_stack([seen, np.zeros(len(seen))])
        made.append(Track(f"{number}", "simulated", directions, np.arange(len(route)), sightings,
                          len(route), (180, 320)))
    return made


def test_camera_and_drive_are_found_within_their_intervals():
    found = fit(tracks(ROUTES), NOMINAL, ASPECT, CUP)
    for name, each in found.numbers.items():
        assert abs(each.value - getattr(TRUE, name)) <= each.half, name
        assert each.told, name
    assert all(miss == pytest.approx(0.1, rel=0.5) for miss in found.residual_px.values())
    assert (found.episodes, found.sightings) == (4, 44)


def test_a_sighting_that_is_wrong_moves_little():
    made = tracks(ROUTES)
    made[0].sightings[3, 0] += 0.2  # 32 pixels
    found = fit(made, NOMINAL, ASPECT, CUP)
    assert found.numbers["wide"].value == pytest.approx(TRUE.wide, rel=0.02)
    assert 0.0 < found.outliers < 0.2


def test_who_only_drives_ahead_cannot_tell_speed_from_field_of_view():
    found = fit(tracks([[AHEAD] * 11] * 6), NOMINAL, ASPECT, CUP)
    assert not found.numbers["step_m"].told
    assert not found.numbers["wide"].told
    assert ("wide", "step_m") in {pair[:2] for pair in found.tied}


def test_too_few_sightings_are_refused():
    with pytest.raises(ValueError, match="seen in 4 or more pictures of 2 episodes, expected 4"):
        fit(tracks(ROUTES[:2]), NOMINAL, ASPECT, CUP)
