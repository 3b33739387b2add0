"""Whatever is said to the gate, in whatever order: no velocity beyond the limits."""

import math

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hardware.safety import Command, RefusedError
from tests.hardware.virtual import LIMITS, TICK_S, Bench, speed

FEW, MANY = 300, 1_000_000
PER_EXAMPLE = 20  # actions

numbers = st.one_of(st.floats(), st.integers(), st.floats(-0.6, 0.6), st.booleans(), st.none(),
                    st.sampled_from((5e-324, -5e-324, 1e308, -1e308, 10 ** 400, "0.5", b"1", 1j)))
velocities = st.one_of(st.lists(numbers, max_size=5), st.tuples(numbers, numbers, numbers),
                       st.tuples(*[st.floats(-0.8, 0.8)] * 3), st.text(max_size=3), st.none(),
                       st.dictionaries(st.text(max_size=2), numbers, max_size=3), numbers)
actions = st.builds(
    Command, source=st.one_of(st.sampled_from(("policy", "operator")), numbers),
    number=st.one_of(st.integers(-3, 60), numbers),
    decided_s=st.one_of(st.floats(-0.5, 0.5), st.just(0.0), numbers),  # seconds before now
    velocity=velocities, confidence=st.one_of(st.none(), st.floats(0.0, 1.0), numbers),
    seen_s=st.one_of(st.none(), numbers))


def play(bench, action, ticks):
    """Offer an action and let some ticks pass; everything that is told is within the limits."""
    decided = action.decided_s
    if type(decided) is float and abs(decided) < 1.0:
        decided = bench.now_s - decided
    try:
        bench.gate.offer(Command(action.source, action.number, decided, action.velocity,
                                 action.confidence, action.seen_s), bench.now_s)
    except RefusedError as refused:
        assert bench.gate.refused[refused.reason] > 0
    for _ in range(ticks):
        before = bench.gate.velocity
        now = bench.run(TICK_S)
        assert all(type(part) is float and math.isfinite(part) for part in now)
        assert speed(now) <= LIMITS.speed_m_s + 1e-12
        assert abs(now[2]) <= LIMITS.turn_rate_rad_s + 1e-12
        if now != (0.0, 0.0, 0.0):
            assert math.dist(before[:2], now[:2]) <= LIMITS.acceleration_m_s2 * TICK_S + 1e-9
            assert abs(before[2] - now[2]) <= LIMITS.turn_acceleration_rad_s2 * TICK_S + 1e-9


def attack(mode, sequence):
    bench = Bench(mode)
    for action, ticks in sequence:
        play(bench, action, ticks)
    bench.gate.disarm()
    assert bench.run(TICK_S) == (0.0, 0.0, 0.0)  # the next tick tells the wheels
    for action, ticks in sequence:  # never a motion after the stop
        play(bench, action, ticks)
        assert bench.gate.velocity == (0.0, 0.0, 0.0)


sequences = st.lists(st.tuples(actions, st.integers(0, 3)), min_size=1, max_size=PER_EXAMPLE)
modes = st.sampled_from(("manual", "vla", "shared"))


SPUN_AND_NOT_TICKED = [(Command(1, None, None, "", None), 0),
                       (Command("operator", 0, 0.0, (0.0, 0.0, 0.5), None), 1)]


@settings(max_examples=FEW, deadline=None, suppress_health_check=list(HealthCheck))
@example("manual", SPUN_AND_NOT_TICKED)
@given(modes, sequences)
def test_no_hostile_action_moves_the_robot_beyond_its_limits(mode, sequence):
    attack(mode, sequence)


@pytest.mark.slow
def test_a_million_hostile_actions_and_none_beyond_the_limits():
    played = 0

    @settings(max_examples=MANY // PER_EXAMPLE, deadline=None, database=None,
              suppress_health_check=list(HealthCheck))
    @given(modes, st.lists(st.tuples(actions, st.integers(0, 1)), min_size=PER_EXAMPLE,
                           max_size=PER_EXAMPLE))
    def storm(mode, sequence):
        nonlocal played
        played += len(sequence)
        attack(mode, sequence)

    storm()
    assert played >= MANY
