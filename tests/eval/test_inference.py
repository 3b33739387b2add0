import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.inference import detectable, foretold, holm, mcnemar, samples_needed
from eval.resampling import sign_flip


@pytest.mark.parametrize(("first", "second", "p"), [
    (0, 0, 1.0), (3, 3, 1.0), (1, 0, 1.0),
    (5, 0, 2 / 2 ** 5),  # five coins, all heads or all tails
    (10, 2, 2 * (1 + 12 + 66) / 2 ** 12)])
def test_mcnemar_counts_coins(first, second, p):
    assert mcnemar(first, second) == mcnemar(second, first) == pytest.approx(p)


def test_holm_multiplies_the_smallest_by_all_and_the_next_by_the_rest():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5]) == [0.5]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_never_makes_smaller(p_values):
    adjusted = holm(p_values)
    assert all(before <= after <= 1.0 for before, after in zip(p_values, adjusted))
    order = np.argsort(p_values, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0)


def test_the_detectable_difference_is_found_as_often_as_promised():
    pairs, disagreeing = 200, 0.3
    effect = detectable(pairs, disagreeing)
    assert effect == pytest.approx(0.107, abs=0.001)
    rng = np.random.default_rng(0)
    chances = [(disagreeing + effect) / 2, (disagreeing - effect) / 2, 1 - disagreeing]
    counts = rng.multinomial(pairs, chances, size=1000)
    found = np.mean([mcnemar(int(first), int(second)) <= 0.05 for first, second, _ in counts])
    assert 0.74 < found < 0.84  # 80 %; the exact test is a little more careful


def test_more_pairs_find_smaller_differences_and_too_few_find_none():
    effects = [detectable(pairs) for pairs in (50, 200, 800)]
    assert effects == sorted(effects, reverse=True)
    assert effects[1] == pytest.approx(2 * effects[2], rel=0.03)  # four times the pairs
    assert detectable(5) is None
    assert "can show no difference at all (" in foretold(5, 5)
    assert "can show differences of 17 points of success or more (" in foretold(80, 80)


def test_layouts_whose_two_sides_come_out_alike_find_what_so_many_pairs_find():
    """200 pairs on 100 layouts: 15 points, not 11, if left and right of each are one witness."""
    assert ("can show differences of 11 points of success or more where left and right of a layout "
            "are independent, and differences of 15 points of success or more where they come out "
            "alike (") in foretold(200, 100)
    assert "are independent, and no difference at all where they" in foretold(40, 20)
    assert "can show no difference at all (" in foretold(10, 5)
    rng, found = np.random.default_rng(0), {}
    for effect in (0.107, 0.15):
        chances = [(0.3 + effect) / 2, (0.3 - effect) / 2, 0.7]
        layouts = rng.choice([2.0, -2.0, 0.0], p=chances, size=(100, 500))
        found[effect] = np.mean(sign_flip(layouts) <= 0.05)
    assert found[0.107] < 0.6
    assert 0.7 < found[0.15] < 0.86  # 80 %; the test is a little more careful


@pytest.mark.parametrize(("options", "said"), [
    ({"pairs": 0}, "pairs must be 1"), ({"pairs": 9, "disagreeing": 0.0}, "disagreeing must"),
    ({"pairs": 9, "alpha": 1.0}, "alpha must"), ({"pairs": 9, "power": 2.0}, "power must")])
def test_nonsense_has_no_power(options, said):
    with pytest.raises(ValueError, match=said):
        detectable(**options)


def test_samples_needed_are_those_of_the_textbook():
    assert samples_needed(0.5, 1.0) == 32  # (1.96 + 0.84)^2 / 0.25 = 31.4
    assert samples_needed(0.05, 0.0) == 2
