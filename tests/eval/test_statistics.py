import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.statistics import Mean, mean, rate, wilson


@pytest.mark.parametrize(("k", "n", "low", "high"), [  # published examples of Wilson's interval
    (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (8, 10, 0.4902, 0.9433)])
def test_wilson_gives_the_known_intervals(k, n, low, high):
    found = wilson(k, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    assert (found.k, found.n, found.share) == (k, n, k / n)


def test_nothing_counted_says_nothing():
    empty = rate([])
    assert (empty.low, empty.high, empty.share) == (0.0, 1.0, None)
    assert mean([]).value is None


def test_a_rate_counts_what_is_true():
    assert (rate([True, False, True, True]).k, rate([True, False]).n) == (3, 2)


def test_more_successes_than_trials_are_refused():
    with pytest.raises(ValueError, match="k = 3 and n = 2"):
        wilson(3, 2)


def test_nan_in_a_mean_is_an_error():
    with pytest.raises(ValueError, match="finite"):
        mean([1.0, math.nan])


def test_a_mean_carries_a_bootstrap_interval_whatever_the_order():
    found = mean([0.0, 1.0] * 10)
    assert found.value == 0.5
    assert (found.low, found.high) == pytest.approx((0.3, 0.7), abs=0.06)  # 0.5 -+ 1.96 * 0.112
    assert mean([1.0] * 10 + [0.0] * 10) == found


def test_the_interval_of_two_values_reaches_from_one_to_the_other():
    assert (mean([1.0, 3.0]).low, mean([1.0, 3.0]).high) == (1.0, 3.0)


def test_equal_values_have_an_exact_interval_and_one_value_has_none():
    assert mean([0.1] * 3) == Mean(0.1, 3, 0.1, 0.1)
    assert mean([0.1]) == Mean(0.1, 1, None, None)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_mirrors(counted):
    k, n = counted
    found, mirrored = wilson(k, n), wilson(n - k, n)
    assert 0.0 <= found.low <= k / n + 1e-12
    assert k / n - 1e-12 <= found.high <= 1.0
    assert found.low == pytest.approx(1.0 - mirrored.high, abs=1e-9)
