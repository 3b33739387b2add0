import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.sequential import ALIKE, BETTER, WORSE, Bets, Trial, confidence

ALPHA = 0.05


def drawn(rng, trials, disagreeing, difference=0.0, scenarios=1, uneven=0.0):
    """One round: in each scenario +1, -1 or 0 [trials]; half of the scenarios have more by
    `uneven`, half less; left and right of a layout, two by two, come out alike."""
    numbers = []
    for scenario in range(max(1, scenarios // 2)):
        here = difference + (uneven if scenario % 2 else -uneven)
        chances = [(disagreeing + here) / 2, (disagreeing - here) / 2, 1 - disagreeing]
        numbers.append(rng.choice([1.0, -1.0, 0.0], p=chances, size=trials))
    return numbers


def decided(trials, rounds, min_effect=0.05, seed=0, **truth):
    """How many of so many trials came to each first decision, and after how many rounds."""
    rng, trial = np.random.default_rng(seed), Trial(ALPHA, min_effect)
    first = np.full(trials, "", dtype="<U6")
    when = np.full(trials, rounds)
    for number in range(rounds):
        trial.take(*drawn(rng, trials, **truth))
        for name, reached in trial.reached.items():
            now = reached & (first == "")
            first[now], when[now] = name, number + 1
    return {name: int((first == name).sum()) for name in (BETTER, WORSE, ALIKE, "")}, when


@pytest.mark.parametrize(("disagreeing", "scenarios"), [(0.1, 1), (0.5, 1), (1.0, 1), (0.3, 8)])
def test_without_a_difference_false_alarms_are_rarer_than_alpha(disagreeing, scenarios):
    uneven = 0.2 if scenarios > 1 else 0.0
    found, _ = decided(2000, 400, disagreeing=disagreeing, scenarios=scenarios, uneven=uneven)
    assert found[BETTER] + found[WORSE] <= ALPHA * 2000


def test_a_difference_as_large_as_matters_is_rarely_called_none():
    found, _ = decided(2000, 400, min_effect=0.1, disagreeing=0.2, difference=0.1)
    assert found[ALIKE] <= ALPHA * 2000


def test_a_real_difference_is_found_and_a_larger_one_sooner():
    found, when = decided(500, 1000, disagreeing=0.3, difference=0.2)
    assert (found[BETTER], found[WORSE]) == (500, 0)
    _, sooner = decided(500, 1000, disagreeing=0.5, difference=0.4)
    assert np.median(sooner) < np.median(when) < 150


def test_policies_that_are_alike_are_called_so():
    found, when = decided(200, 2000, disagreeing=0.05)
    assert found[ALIKE] >= 190
    assert np.median(when) < 1000


def test_swapping_the_two_swaps_the_decision():
    there, back = Trial(ALPHA, 0.05), Trial(ALPHA, 0.05)
    for number in range(40):
        there.take(1.0 if number % 4 else 0.0)
        back.take(-1.0 if number % 4 else 0.0)
    assert (there.decision, back.decision) == (BETTER, WORSE)
    assert there.e_values[BETTER] == pytest.approx(back.e_values[WORSE])


def test_the_first_bet_is_made_blind_and_the_second_knows_one_number():
    bets = Bets(0.0)
    bets.take(1.0)  # mean 1/2 before anything was seen: no bet on 1/2
    assert (bets.log_above, bets.log_below) == (0.0, 0.0)
    bets.take(1.0)
    # Seen: 1/2 and 1, mean 3/4; variance (1/4 + 1/16) / 2; bet 1/4 / (5/32 + 1/16) = 8/7, at most 1
    assert math.exp(bets.log_above) == pytest.approx(1.0 + 1.0 * 0.5)
    assert bets.log_below == 0.0


def test_a_rounds_numbers_get_the_bet_that_was_made_before_any_was_seen():
    together, one_by_one = Bets(0.0), Bets(0.0)
    together.take(1.0, 1.0)
    for number in (1.0, 1.0):
        one_by_one.take(number)
    assert together.log_above == 0.0 < one_by_one.log_above


def test_nobody_is_ever_ruined():
    bets = Bets(np.array([-1.0, -0.5, 0.0, 0.5, 1.0]))
    for number in (1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0):
        bets.take(number)
    assert np.isfinite(bets.log_above[1:-1]).all()
    assert np.isfinite(bets.log_below[1:-1]).all()


def test_the_confidence_sequence_holds_the_truth_at_all_times():
    rng, missed = np.random.default_rng(3), 0
    for _ in range(100):
        numbers = rng.choice([1.0, 0.0, -1.0], p=[0.25, 0.7, 0.05], size=150)
        low, high = confidence(numbers.reshape(-1, 1).tolist(), ALPHA)
        missed += not low <= 0.2 <= high
    assert missed <= 5


def test_the_confidence_sequence_gets_narrower():
    numbers = [[each] for each in [1.0, 0.0, 0.0, -1.0, 0.0] * 60]
    widths = [np.diff(confidence(numbers[:count], ALPHA))[0] for count in (10, 60, 300)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.3


@pytest.mark.parametrize(("alpha", "min_effect", "said"), [
    (0.0, 0.05, "--alpha must be above 0 and below 1, got 0.0"),
    (0.05, 1.0, "--min-effect must be above 0 and below 1, got 1.0")])
def test_nonsense_is_refused(alpha, min_effect, said):
    with pytest.raises(ValueError, match=said):
        Trial(alpha, min_effect)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-1, 1), max_size=40), st.sampled_from([-0.3, 0.0, 0.3]))
def test_bets_are_fair_where_the_null_is_true(numbers, null):
    """Whatever was seen: a coin of mean `null` changes the capital by 1 on average."""
    bets = Bets(null)
    for number in numbers:
        bets.take(number)
    before = math.exp(bets.log_above), math.exp(bets.log_below)
    after = []
    for outcome in (1.0, -1.0):
        branch = Bets(null)
        for number in (*numbers, outcome):
            branch.take(number)
        after.append((math.exp(branch.log_above), math.exp(branch.log_below)))
    chance = (1.0 + null) / 2.0
    for side in (0, 1):
        mean = chance * after[0][side] + (1.0 - chance) * after[1][side]
        assert mean == pytest.approx(before[side])


@pytest.mark.slow
@pytest.mark.parametrize("scenarios", [1, 8])
@pytest.mark.parametrize("disagreeing", [0.05, 0.1, 0.3, 0.5, 1.0])
def test_error_rates_hold_over_many_more_trials_and_rounds(disagreeing, scenarios):
    truth = {"disagreeing": disagreeing, "scenarios": scenarios,
             "uneven": disagreeing / 2 if scenarios > 1 else 0.0}
    found, _ = decided(10_000, 1000, seed=11, **truth)
    print(f"disagreeing {disagreeing}, scenarios {scenarios}, no difference: {found}")
    assert found[BETTER] + found[WORSE] <= ALPHA * 10_000
    if disagreeing >= 0.3:  # ten points are possible, be they uneven
        found, _ = decided(10_000, 500, min_effect=0.1, seed=12, difference=0.1, **truth)
        print(f"disagreeing {disagreeing}, scenarios {scenarios}, ten points: {found}")
        assert found[ALIKE] <= ALPHA * 10_000
