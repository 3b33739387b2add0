"""Statistics of pictures and commands that can be checked in the head."""

import numpy as np
import pytest

from eval.sim2real.contents import COMMANDS, PICTURES, apart, command_numbers, picture_numbers
from eval.sim2real.exposure import exposure


def test_a_plain_picture_has_its_colour_and_nothing_else():
    found = picture_numbers(np.full((10, 20, 3), (10, 20, 250), np.uint8))
    assert [found[name] for name in ("red", "green", "blue")] == [10, 20, 250]
    assert found["contrast"] == pytest.approx(0.0, abs=1e-4)
    assert (found["saturated"], found["sharpness"]) == (1.0, 0.0)


def test_commands_are_counted():
    found = command_numbers(np.array([[1.15, 0, 0], [1.15, 1.15, 0], [1.15, 1.15, 0], [0, 0, 0]]))
    assert found == pytest.approx({"decisions": 4, "forward": 0.75, "sideways": 0.5, "turning": 0.0,
                                   "still": 0.25, "size": 0.8625, "changes": 2 / 3,
                                   "at_limit": 0.75})


def test_sides_are_apart_by_their_spread():
    rows = [dict.fromkeys((*PICTURES, *COMMANDS), value) for value in (1.0, 3.0)]
    found = apart([{**row, "red": row["red"] + 4.0} for row in rows], rows)
    assert found["red"] == (6.0, 2.0, 4.0)
    assert found["blue"] == (2.0, 2.0, 0.0)
    assert apart(rows[:1], rows[:1])["red"] == (1.0, 1.0, None)


def test_exposure_is_what_all_grey_levels_are_multiplied_by():
    rng = np.random.default_rng(0)
    nominal = rng.integers(20, 160, (40, 40, 3)).astype(np.float64)
    value, spread = exposure([(1.3 * nominal).astype(np.uint8)], [nominal.astype(np.uint8)])
    assert value == pytest.approx(1.3, abs=0.02)
    assert spread < 0.02
    assert exposure([np.full((4, 4, 3), 255, np.uint8)], [nominal.astype(np.uint8)]) is None
