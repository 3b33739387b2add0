"""What the gate lets through, what it refuses, and who comes first."""

import dataclasses
import math

import pytest

from hardware.safety import Gate, Limits, RefusedError
from tests.hardware.virtual import AHEAD, LIMITS, Bench, speed

ZERO = (0.0, 0.0, 0.0)


def refused(bench, *arguments, **named):
    with pytest.raises(RefusedError) as caught:
        bench.say(*arguments, **named)
    return caught.value.reason


def test_an_accepted_command_is_reached_and_held_until_it_ends():
    bench = Bench()
    bench.say()
    assert bench.run(0.3) == AHEAD
    assert bench.gate.why == ""


def test_a_command_ends_after_its_time_however_often_the_gate_ticks():
    bench = Bench()
    bench.say()
    bench.run(0.38)
    assert bench.gate.velocity == AHEAD
    assert speed(bench.run(0.04)) < 0.5
    assert bench.run(0.25) == ZERO
    assert bench.gate.why == "no command"


def test_the_age_of_a_command_counts_from_its_decision_not_from_its_arrival():
    bench = Bench()
    bench.say(decided_s=bench.now_s)
    early = Bench()
    late = early.command()
    early.run(0.1)
    held = early.gate.offer(late, early.now_s)
    assert held.until_s == pytest.approx(late.decided_s + 0.4)


def test_speed_grows_and_falls_no_faster_than_the_limit():
    bench = Bench()
    bench.say()
    bench.run(0.2)
    bench.say((-0.5, 0.0, 1.0))
    bench.run(0.8)
    for (_, one), (_, other) in zip(bench.said, bench.said[1:]):
        assert math.dist(one[:2], other[:2]) <= 2.5 * 0.02 + 1e-9
        assert abs(one[2] - other[2]) <= 5.0 * 0.02 + 1e-9


def test_a_command_that_is_too_fast_is_slowed_down_in_its_direction():
    bench = Bench()
    held = bench.say((2.0, 2.0, 0.0))
    assert held.velocity == pytest.approx((0.5 / math.sqrt(2), 0.5 / math.sqrt(2), 0.0))
    assert held.scale == pytest.approx(0.25 / math.sqrt(2))


@pytest.mark.parametrize(("velocity", "reason"), [
    ((math.nan, 0.0, 0.0), "not finite"), ((0.0, math.inf, 0.0), "not finite"),
    ((0.0, 0.0, -math.inf), "not finite"), (("0.5", 0.0, 0.0), "not finite"),
    ((True, 0.0, 0.0), "not finite"), ((None, 0.0, 0.0), "not finite"),
    ((1e308, 0.0, 0.0), "absurd"), ((0.0, 0.0, 10 ** 400), "absurd"),
    ((0.5, 0.0), "shape"), ((0.5, 0.0, 0.0, 0.0), "shape"), ("fast", "shape"), (None, "shape"),
    (0.5, "shape"), ({"x": 1, "y": 2, "z": 3}, "shape"),
])
def test_what_is_no_velocity_is_refused_and_counted(velocity, reason):
    bench = Bench()
    assert refused(bench, velocity) == reason
    assert bench.gate.refused == {reason: 1}
    assert bench.run(0.4) == ZERO


def test_a_refused_command_does_not_lengthen_the_one_before():
    bench = Bench()
    bench.say()
    bench.run(0.3)
    refused(bench, (math.nan, 0.0, 0.0))
    bench.run(0.1)
    assert bench.run(0.26) == ZERO


def test_late_duplicated_overtaken_and_future_commands_are_refused():
    bench = Bench()
    old = bench.command()
    bench.say(number=10)
    assert refused(bench, number=10) == "duplicated"
    assert refused(bench, number=9) == "out of order"
    bench.run(0.3)
    with pytest.raises(RefusedError, match=r"Decided 0\.300 s ago"):
        bench.gate.offer(old, bench.now_s)
    assert refused(bench, number=11, decided_s=bench.now_s + 1.0) == "late"
    assert refused(bench, number=12, decided_s=10 ** 400) == "late"
    assert refused(bench, number=13, decided_s=math.nan) == "shape"
    assert refused(bench, number=1.5) == "shape"


@pytest.mark.parametrize(("confidence", "reason"), [
    (0.29, "confidence"), (math.nan, "not finite"), (1.5, "not finite"), ("sure", "not finite")])
def test_an_unsure_policy_does_not_drive(confidence, reason):
    assert refused(Bench(), confidence=confidence) == reason


def test_a_policy_that_is_sure_enough_drives():
    bench = Bench()
    bench.say(confidence=0.3)
    assert bench.run(0.3) == AHEAD


def test_a_decision_on_a_picture_that_is_gone_is_refused_however_fresh_the_decision_is():
    bench = Bench()
    bench.say(seen_s=bench.now_s - 1.99)
    assert bench.run(0.3) == AHEAD
    for seen_s in (bench.now_s - 2.01, bench.now_s + 0.1, -math.inf, math.nan, "now", 10 ** 400):
        assert refused(bench, seen_s=seen_s) == "old picture"
    with pytest.raises(RefusedError, match=r"10\.0 s old, expected at most 2 \(picture_age_s"):
        bench.say(seen_s=bench.now_s - 10.0)
    assert bench.gate.refused == {"old picture": 7}
    assert bench.run(0.4) == ZERO


def test_commands_of_nobody_are_refused():
    assert refused(Bench(), source="stranger") == "source"


def test_nothing_moves_before_arming_and_arming_wants_live_pictures_and_a_watchdog():
    bench = Bench(armed=False)
    with pytest.raises(RefusedError, match="no live pictures"):
        bench.gate.arm(bench.now_s)
    bench.watchdog = False
    bench.run(0.4)
    with pytest.raises(RefusedError, match="no sign of life"):
        bench.gate.arm(bench.now_s)
    bench.watchdog = True
    bench.run(0.1)
    assert refused(bench) == "disarmed"
    before = bench.command()
    bench.run(0.02)
    bench.gate.arm(bench.now_s)
    with pytest.raises(RefusedError, match="not armed, or was not"):
        bench.gate.offer(before, bench.now_s)
    bench.say()
    assert bench.run(0.24) == AHEAD


def test_a_few_pictures_are_no_stream():
    bench = Bench(armed=False)
    bench.run(0.16)  # four pictures
    with pytest.raises(RefusedError):
        bench.gate.arm(bench.now_s)
    bench.run(0.04)
    bench.gate.arm(bench.now_s)


def test_pictures_that_come_again_or_back_to_front_are_no_stream():
    gate = Gate(LIMITS)
    for _ in range(20):
        gate.saw_frame(7, 1.0)
    assert not gate.is_live(1.0)
    for number in range(8, 20):
        gate.saw_frame(number, 0.5)
    assert not gate.is_live(1.0)


def test_before_the_first_motion_and_after_a_confirmed_stop_nothing_is_said():
    bench = Bench(armed=False)
    bench.run(0.4)
    assert not bench.gate.speaks
    bench.gate.arm(bench.now_s)
    assert bench.gate.speaks
    bench.say()
    bench.run(0.2)
    bench.gate.disarm()
    assert bench.run(0.02) == ZERO
    told = 1
    while bench.gate.speaks:
        bench.run(0.02)
        told += 1
    assert told == 26


def test_the_emergency_stop_holds_until_released_and_then_wants_arming():
    bench = Bench()
    bench.say()
    bench.run(0.2)
    bench.gate.stop("key")
    bench.gate.stop("again")
    assert bench.run(0.02) == ZERO
    assert bench.gate.why == "e-stop: key"
    with pytest.raises(RefusedError, match="holds \\(key\\)"):
        bench.gate.arm(bench.now_s)
    bench.gate.release()
    assert refused(bench) == "disarmed"
    bench.gate.arm(bench.now_s)
    bench.say()
    assert bench.run(0.24) == AHEAD


def test_an_emergency_stop_without_a_reason_holds_too():
    bench = Bench()
    bench.gate.stop("")
    with pytest.raises(RefusedError):
        bench.gate.arm(bench.now_s)


def test_after_a_frozen_camera_the_old_decision_is_not_taken_up_again():
    bench = Bench()
    bench.say()
    bench.run(0.1)
    bench.camera = False
    bench.run(0.2)
    bench.camera = True
    bench.run(0.02)
    assert bench.gate.why == "camera"
    bench.run(0.3)
    assert bench.gate.velocity == ZERO
    bench.say()
    assert bench.run(0.24) == AHEAD


def test_the_operator_drives_home_without_a_camera():
    bench = Bench()
    bench.camera = False
    bench.run(0.3)
    bench.say((-0.5, 0.0, 0.0), source="operator")
    assert bench.run(0.3) == (-0.5, 0.0, 0.0)


def test_in_vla_the_operator_takes_over_for_good():
    bench = Bench("vla")
    bench.say()
    bench.run(0.1)
    bench.say((0.0, 0.5, 0.0), source="operator")
    assert bench.gate.mode == "manual"
    assert bench.run(0.3) == (0.0, 0.5, 0.0)
    bench.run(5.0)
    assert refused(bench) == "operator"


def test_in_shared_the_policy_drives_again_a_second_after_the_operator():
    bench = Bench("hybrid")
    assert bench.gate.mode == "shared"
    bench.say()
    bench.run(0.1)
    bench.say(ZERO, source="operator")
    bench.run(0.9)
    assert bench.gate.velocity == ZERO
    assert refused(bench) == "operator"
    bench.run(0.12)
    bench.say()
    assert bench.run(0.24) == AHEAD


def test_in_manual_the_policy_never_drives():
    bench = Bench("manual")
    assert refused(bench) == "operator"


def test_an_unknown_mode_is_refused():
    with pytest.raises(RefusedError, match="manual, vla, shared"):
        Gate(LIMITS, "autonomous")


def test_what_was_in_force_last_is_known_by_source():
    bench = Bench()
    held = bench.say()
    bench.run(0.02)
    assert bench.gate.driven == {"policy": held}


@pytest.mark.parametrize(("field", "value"), [
    ("speed_m_s", -1.0), ("speed_m_s", math.inf), ("turn_rate_rad_s", math.nan),
    ("acceleration_m_s2", "2"), ("acceleration_m_s2", 1.9), ("turn_acceleration_rad_s2", 3.9),
    ("confidence", 1.1), ("speed_m_s", True), ("picture_age_s", math.inf)])
def test_limits_under_which_no_robot_could_stop_are_refused(field, value):
    with pytest.raises(ValueError, match=field):
        dataclasses.replace(LIMITS, **{field: value})


def test_a_robot_that_may_not_move_does_not():
    still = Limits(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    bench = Bench()
    bench.gate.limits = still
    assert refused(bench) == "absurd"
    bench.say(ZERO)
    assert bench.run(0.1) == ZERO
