import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.layouts import Layouts, table
from eval.resampling import FLIPS, interval, sign_flip


def test_half_and_half_has_the_interval_of_the_binomial():
    low, high = interval(np.array([0.0, 1.0] * 50))
    assert (low, high) == pytest.approx((0.402, 0.598), abs=0.02)  # 0.5 -+ 1.96 * 0.05


def test_rows_that_count_more_weigh_more():
    low, high = interval(np.array([9.0, 0.0]), np.array([9.0, 1.0]))  # a 1 counted 9 times, a 0
    assert (low, high) == (0.0, 1.0)
    low, high = interval(np.array([2.0, 6.0]), np.array([1.0, 3.0]))  # twos, however drawn
    assert (low, high) == (2.0, 2.0)


def test_within_groups_that_are_all_alike_nothing_varies_but_the_groups():
    sums = np.array([0.0] * 10 + [1.0] * 10)
    low, high = interval(sums, sizes=(10, 10))
    assert (low, high) == (0.5, 0.5)
    low, high = interval(sums, sizes=(10, 10), across=True)
    assert (low, high) == (0.0, 1.0)  # both times the same group: a chance of a quarter each


def test_a_single_group_says_nothing_of_groups_like_it():
    ends = interval(np.array([[0.0, 1.0], [1.0, 0.0]]), sizes=(2,), across=True)
    assert np.isnan(ends).all()
    assert np.shape(ends) == (2, 2)


@pytest.mark.parametrize(("layouts", "least"), [(2, 0.92), (4, 0.93), (5, 0.93), (25, 0.92)])
def test_few_layouts_a_group_are_covered_as_often_as_promised(layouts, least):
    rng = np.random.default_rng(1)  # outcomes of 500 comparisons in 4 groups, on average alike
    shares = rng.choice([1.0, -1.0, 0.0], p=[0.15, 0.15, 0.7], size=(4 * layouts, 500))
    low, high = interval(shares, sizes=(layouts,) * 4)
    assert least <= np.mean((low <= 0.0) & (high >= 0.0)) <= 0.98


def test_a_layout_alone_in_its_group_says_nothing_of_how_layouts_vary():
    low, high = interval(np.array([1.0, 0.0, 1.0]), sizes=(2, 1))
    assert np.isnan(low)
    assert np.isnan(high)
    low, high = interval(np.array([1.0, 0.0, 1.0]), sizes=(1, 1, 1), across=True)
    assert (low, high) == (0.0, 1.0)  # but groups may be drawn anew


def test_one_group_says_nothing_of_how_groups_vary():
    low, high = interval(np.array([1.0, 0.0, 1.0]), across=True)
    assert np.isnan([low, high]).all()


def test_resamples_without_the_number_are_left_out():
    sums = np.array([[0.0]] * 34 + [[-1.0]] * 6)
    low, high = interval(sums, (sums != 0.0).astype(float), sizes=(40,))
    assert (low[0], high[0]) == (-1.0, -1.0)
    low, high = interval(sums, np.zeros_like(sums))
    assert np.isnan([low[0], high[0]]).all()


def test_several_sums_have_the_intervals_that_each_has_alone():
    values = np.random.default_rng(1).normal(size=(30, 3))
    low, high = interval(values, sizes=(10, 20))
    for column in range(3):
        assert (low[column], high[column]) == pytest.approx(
            interval(values[:, column], sizes=(10, 20)))


@pytest.mark.parametrize(("rows", "p"), [
    ([1.0] * 5, 2 / 2 ** 5),  # all signs equal: two patterns of 32
    ([1.0, -1.0], 1.0), ([0.0, 0.0], 1.0), ([], 1.0), ([3.0, 1.0, 0.0], 0.5)])
def test_few_rows_have_an_exact_p(rows, p):
    assert sign_flip(np.array(rows).reshape(-1, 1)) == pytest.approx([p])


def test_many_equal_signs_have_the_smallest_p_that_can_be_drawn():
    assert sign_flip(np.ones((40, 1))) == pytest.approx([1 / (FLIPS + 1)])


def test_drawn_signs_give_the_p_of_the_binomial():
    rows = np.array([1.0] * 32 + [-1.0] * 18).reshape(-1, 1)  # 32 of 50: p = 0.0649 by binomtest
    assert sign_flip(rows) == pytest.approx([0.0649], abs=0.01)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30))
def test_p_is_a_chance_and_does_not_know_the_sign(values):
    rows = np.array(values).reshape(-1, 1)
    p = sign_flip(rows)
    assert 0.0 < p[0] <= 1.0
    assert sign_flip(-rows) == pytest.approx(p, abs=0.02)


def test_scenarios_that_share_seeds_are_one_group_and_a_layout_is_one_row():
    layouts = Layouts.of(["a_left", "a_right", "a_left", "b"], [1, 1, 2, 3],
                         np.array([[1.0], [0.0], [1.0], [math.nan]]))
    assert layouts.sizes == (2, 1)
    assert layouts.sums.tolist() == [[1.0], [1.0], [0.0]]
    assert layouts.counted.tolist() == [[2.0], [1.0], [0.0]]
    assert layouts.means == pytest.approx([2 / 3])


def test_groups_grow_together_whatever_the_order():
    layouts = Layouts.of(["c", "a", "b", "c"], [1, 2, 2, 2], np.ones((4, 1)))
    assert layouts.sizes == (2,)


def test_numbers_of_lines_come_from_where_they_stand():
    line = {"success": True, "side_compliant": None, "metrics": {"spl": 0.5}}
    found = table([line], ["success", "side_compliant", "spl"])
    assert found[0, 0] == 1.0
    assert math.isnan(found[0, 1])
    assert found[0, 2] == 0.5
