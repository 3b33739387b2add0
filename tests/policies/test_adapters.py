"""Named adapters between action spaces: nothing is padded or cut without being said."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.adapters import ADAPTERS, SPACES, adapter

names = pytest.mark.parametrize("name", ADAPTERS)


def actions(space: str, rows: int = 5, seed: int = 0) -> np.ndarray:
    limits = np.array(list(SPACES[space].limits.values()))
    return np.random.default_rng(seed).uniform(-limits, limits, (rows, len(limits)))


def test_the_spaces_of_two_three_and_seven_numbers_are_all_there():
    assert {name: len(space.columns) for name, space in SPACES.items()} == {
        "planar": 2, "base": 3, "base_gripper": 3, "calvin": 7, "padded7": 7}


def test_the_forks_padding_has_its_zeros_where_the_fork_has_them():
    padded = adapter("base_to_padded7")(np.array([1.15, -0.5, 0.25]))
    assert padded.tolist() == pytest.approx([1.15, -0.5, 0, 0, 0, 0.25, 0])
    assert adapter("padded7_to_base")(padded).tolist() == pytest.approx([1.15, -0.5, 0.25])


def test_a_normalised_move_is_full_speed_at_1_and_the_gripper_must_be_given_up_by_name():
    moves = np.array([[1.0, -0.5, 1.0]])
    with pytest.raises(ValueError, match=r"drops gripper, which is up to 1 here; give drop="):
        adapter("base_gripper_to_base")(moves)
    commands = adapter("base_gripper_to_base")(moves, drop=("gripper",))
    np.testing.assert_allclose(commands, [[1.15, -0.575, 0.0]])


def test_an_arms_action_is_scaled_from_0_65_and_loses_what_a_base_has_not():
    arm = np.array([0.65, 0.0, 0.1, 0.0, 0.0, -0.325, 1.0])
    with pytest.raises(ValueError, match="drops z"):
        adapter("calvin_to_base")(arm)
    commands = adapter("calvin_to_base")(arm, drop=("z", "roll", "pitch", "gripper"))
    np.testing.assert_allclose(commands, [1.15, 0.0, -0.575])


def test_there_is_no_way_from_a_base_to_an_arm():
    with pytest.raises(ValueError, match="Unknown adapter 'base_to_calvin'"):
        adapter("base_to_calvin")


def test_turning_is_not_lost_in_silence():
    with pytest.raises(ValueError, match="base to planar drops angular_z"):
        adapter("base_to_planar")(np.array([[0, 0, 0.0], [1.0, 0, 0.3]]))
    assert adapter("base_to_planar")(np.array([1.0, 0, 0])).tolist() == [1.0, 0.0]


@names
def test_what_is_dropped_and_filled_is_said_by_name(name):
    found = ADAPTERS[name]
    assert set(found.drops) <= set(found.source.columns)
    assert set(found.fills) <= set(found.target.columns)
    assert len(found.source.columns) - len(found.drops) == len(found.target.columns) - len(
        found.fills)


@names
def test_what_comes_out_is_in_the_target_space_with_zeros_where_filled(name):
    found = ADAPTERS[name]
    result = found(actions(found.source.name), drop=found.drops)
    assert found.target.check(result).dtype == np.float32
    for column in found.fills:
        assert not result[:, found.target.columns.index(column)].any()


@names
def test_there_and_back_gives_the_same_numbers_where_both_ways_exist(name):
    there = ADAPTERS[name]
    back = ADAPTERS.get(f"{there.target.name}_to_{there.source.name}")
    if back is None:
        assert name == "calvin_to_base"
        return
    values = actions(there.source.name).astype(np.float32)
    values[:, [there.source.columns.index(column) for column in there.drops]] = 0.0
    np.testing.assert_allclose(back(there(values)), values, atol=1e-6)


@names
@pytest.mark.parametrize("width", [0, 1, 4, 6, 8])
def test_another_width_is_refused_with_one_sentence(name, width):
    with pytest.raises(ValueError, match=rf"have \d numbers \(.*\), got {width}; choose"):
        ADAPTERS[name](np.zeros((2, width)))


@names
@pytest.mark.parametrize("bad", [np.nan, np.inf, 9.0])
def test_numbers_beyond_the_space_are_refused_by_their_column(name, bad):
    values = np.zeros((2, len(ADAPTERS[name].source.columns)))
    values[1, 0] = bad
    with pytest.raises(ValueError, match="must be (finite|within)"):
        ADAPTERS[name](values)


@pytest.mark.parametrize("values", [1.0, ["a", "b"], np.array(["x", "y"])])
def test_what_is_no_action_is_refused(values):
    with pytest.raises(ValueError, match="Actions of space 'planar'"):
        adapter("planar_to_base")(values)


def test_only_columns_that_would_be_lost_may_be_given_up():
    with pytest.raises(ValueError, match="drops angular_z, not linear_y"):
        adapter("base_to_planar")(np.zeros(3), drop=("linear_y",))


def test_an_unknown_adapter_gets_a_hint():
    with pytest.raises(ValueError, match="Did you mean 'planar_to_base'"):
        adapter("planar_to_bsae")


@given(st.integers(0, 4), st.integers(0, 3))
def test_leading_axes_stay_as_they_are(rows, plan):
    assert adapter("planar_to_base")(np.zeros((rows, plan, 2))).shape == (rows, plan, 3)
