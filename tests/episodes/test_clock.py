import numpy as np
import pytest

from episodes.clock import Clock, Latency

TICKS = 8  # of 0.05 s: decisions of 0.4 s
A, B, C = (np.array([each, 0.0, 0.0], np.float32) for each in (1.0, 0.5, 0.25))


def played(latency, plans, decisions, hold="zero"):
    """The first number of each tick's command, and at which decisions the policy looked."""
    clock = Clock(Latency(*latency, hold), seed=0, decisions=decisions, ticks=TICKS)
    driven, looked, plans = [], [], iter(plans)
    for decision in range(decisions):
        if clock.is_free:
            looked.append(decision)
            clock.answer(next(plans))
        driven += clock.play()[:, 0].tolist()
    return driven, looked


def test_without_latency_each_answer_drives_one_decision():
    assert played(("constant", (0.0,)), [[A], [B]], 2) == ([1.0] * 8 + [0.5] * 8, [0, 1])


@pytest.mark.parametrize("hold", ["zero", "last"])
def test_an_answer_that_is_late_leaves_the_one_before_in_force_for_its_decision(hold):
    driven, looked = played(("constant", (0.1,)), [[A], [B], [C]], 3, hold)
    assert driven == [0.0] * 2 + [1.0] * 8 + [0.5] * 8 + [0.25] * 6
    assert looked == [0, 1, 2]


def test_a_latency_takes_whole_ticks():
    assert played(("constant", (0.051,)), [[A]], 1)[0] == [0.0] * 2 + [1.0] * 6
    assert played(("constant", (0.15,)), [[A]], 1)[0] == [0.0] * 3 + [1.0] * 5  # 0.15 / 0.05 > 3


@pytest.mark.parametrize(("hold", "waits"), [("zero", 0.0), ("last", 1.0)])
def test_who_thinks_longer_than_a_decision_misses_pictures(hold, waits):
    driven, looked = played(("constant", (0.6,)), [[A], [B]], 4, hold)
    assert looked == [0, 2]  # at 0.4 s it is still thinking
    assert driven == [0.0] * 12 + [1.0] * 8 + [waits] * 8 + [0.5] * 4


def test_a_plan_covers_the_time_in_which_the_next_one_is_thought_of():
    driven, looked = played(("constant", (0.2,)), [[A, B], [C, C]], 4)
    assert looked == [0, 2]
    assert driven == [0.0] * 4 + [1.0] * 8 + [0.5] * 8 + [0.25] * 12


def test_a_newer_answer_ends_the_plan_before_it():
    driven, _ = played(("trace", (0.4, 0.0)), [[A], [B], [C]], 3)
    late = Latency("trace", (0.4, 0.0)).drawn(0, 3).tolist()
    expected = {(0.4, 0.0, 0.4): [0.0] * 8 + [0.5] * 8 + [0.0] * 8,
                (0.0, 0.4, 0.0): [1.0] * 8 + [0.0] * 8 + [0.25] * 8}
    assert driven == expected[tuple(late)]


@pytest.mark.parametrize(("kind", "values", "mean"), [
    ("constant", (0.2,), 0.2), ("uniform", (0.1, 0.3), 0.2), ("normal", (0.2, 0.05), 0.2),
    ("lognormal", (0.2, 0.5), 0.2 * np.exp(0.125)), ("trace", (0.1, 0.3), 0.2),
])
def test_latencies_are_drawn_by_the_seed_alone(kind, values, mean):
    latency = Latency(kind, values)
    drawn = latency.drawn(7, 4000)
    assert drawn.mean() == pytest.approx(mean, rel=0.05)
    assert drawn.min() >= 0.0
    assert (latency.drawn(7, 4000) == drawn).all()
    others = [latency.drawn(seed, 4000) for seed in range(8, 16)]
    assert kind == "constant" or any((other != drawn).any() for other in others)
    assert (latency.drawn(7, 10) == drawn[:10]).all()  # what comes later changes nothing


def test_a_trace_keeps_its_order_and_begins_again():
    drawn = Latency("trace", (0.1, 0.2, 0.3)).drawn(3, 7).tolist()
    at = (0.1, 0.2, 0.3).index(drawn[0])
    assert drawn == ([0.1, 0.2, 0.3] * 4)[at:at + 7]


@pytest.mark.parametrize(("kind", "values", "hold", "sentence"), [
    ("constant", (-0.1,), "zero", "seconds from 0 up"),
    ("constant", (float("nan"),), "zero", "seconds from 0 up"),
    ("uniform", (0.3, 0.1), "zero", "must rise"),
    ("uniform", (0.3,), "zero", "takes 2 numbers, got 1"),
    ("trace", (), "zero", "takes 1 numbers, got 0"),
    ("poisson", (0.3,), "zero", "Latencies are one of"),
    ("constant", (0.1,), "coast", "hold must be one of zero, last"),
])
def test_what_is_no_latency_is_refused(kind, values, hold, sentence):
    with pytest.raises(ValueError, match=sentence):
        Latency(kind, values, hold)
