"""Ten thousand ends of commands and other events on a virtual clock: the robot always stands."""

import random

import pytest

from hardware.safety import FRAME_AGE_S, SILENT_S, STOP_S, SURE_TICKS, Watch
from tests.hardware.virtual import TICK_S, Bench, speed

EVENTS = 10_000
LATEST_S = STOP_S + TICK_S + 1e-9


def moving_bench(rng):
    """A robot under way, at a random moment of a tick, of a picture and of its command."""
    bench = Bench()
    bench.now_s += rng.uniform(0.0, TICK_S)
    angle = rng.choice(((0.5, 0.0, 0.0), (0.0, -0.5, 0.0), (-0.35, 0.35, 1.0), (0.0, 0.0, -1.0)))
    bench.say(angle)
    bench.run(rng.uniform(0.2, 0.38))
    bench.say(angle)
    bench.run(rng.uniform(0.02, 0.3))
    return bench


def test_ten_thousand_commands_end_and_the_robot_stands_in_time():
    rng = random.Random(0)
    bench = Bench()
    for _ in range(EVENTS):
        bench.said.clear()
        at_s = bench.now_s + rng.uniform(-0.15, 0.0)
        if at_s < bench.gate._armed_s:
            at_s = bench.now_s
        bench.say((rng.uniform(-0.5, 0.5), rng.uniform(-0.5, 0.5), rng.uniform(-1, 1)),
                  decided_s=at_s)
        assert bench.stands_after_s(at_s + 0.4, most_s=0.8) <= LATEST_S


@pytest.mark.parametrize("event", ["camera", "watchdog", "disarm", "stop", "policy"])
def test_a_thousand_of_each_event_and_the_robot_stands_in_time(event):
    rng = random.Random(1)
    for _ in range(1000):
        bench = moving_bench(rng)
        since_s = bench.now_s
        if event in ("camera", "watchdog"):
            setattr(bench, event, False)  # its last sign is up to two ticks old
        elif event == "disarm":
            bench.gate.disarm()
        elif event == "stop":
            bench.gate.stop("test")
        else:  # the policy dies: its last command ends by itself
            since_s = bench.gate._held["policy"].until_s
        assert bench.stands_after_s(since_s, most_s=1.0) <= LATEST_S


def test_a_camera_that_counts_on_but_shows_the_same_stops_the_robot_until_it_shows_more():
    bench = moving_bench(random.Random(4))
    since_s, bench.frozen = bench.now_s, True
    while bench.now_s < since_s + 1.0:
        if bench.gate.armed:
            bench.say()
        bench.run(0.1)
    moving = [at_s for at_s, velocity in bench.said if at_s > since_s and velocity != (0, 0, 0)]
    assert moving[-1] - since_s <= LATEST_S
    assert bench.gate.why == "frozen camera"
    assert not bench.gate.is_live(bench.now_s)
    bench.frozen = False
    bench.run(0.4)
    bench.say()
    bench.run(0.1)
    assert bench.gate.why == ""
    assert speed(bench.gate.velocity) > 0.0


def test_a_robot_that_stands_may_see_the_same_for_ever():
    bench = Bench()
    bench.frozen = True
    bench.run(2.0)
    assert bench.gate.is_live(bench.now_s)
    bench.say()
    bench.run(0.1)
    assert speed(bench.gate.velocity) > 0.0


def test_ticks_that_come_late_do_not_keep_the_robot_going():
    rng = random.Random(2)
    for _ in range(1000):
        bench = moving_bench(rng)
        until_s = bench.gate._held["policy"].until_s
        while bench.now_s < until_s + STOP_S + 0.05:
            bench.run(1e-9 + (late := TICK_S * rng.randint(1, 5)), late)
        assert bench.gate.velocity == (0.0, 0.0, 0.0)


def test_a_pause_of_the_whole_process_ends_in_standing_still():
    bench = Bench()
    bench.say()
    bench.run(0.2)
    bench.now_s += 0.3
    assert bench.gate.tick(bench.now_s) == (0.0, 0.0, 0.0)
    assert bench.gate._held == {}


def test_a_thousand_steps_of_the_clock_miss_no_stop():
    rng = random.Random(3)
    for _ in range(1000):
        bench = moving_bench(rng)
        bench.now_s += rng.uniform(-2.0, 2.0)
        since_s = bench.now_s
        bench.run(0.02)
        bench.said.clear()
        assert bench.stands_after_s(since_s, most_s=1.5) <= 0.4 + LATEST_S
        assert speed(bench.gate.velocity) == 0.0


def test_a_clock_that_goes_back_drops_what_was_held():
    bench = Bench()
    bench.say()
    bench.run(0.2)
    bench.now_s -= 1.0
    assert bench.gate.tick(bench.now_s) == (0.0, 0.0, 0.0)
    assert bench.gate._held == {}


def test_the_watch_lets_whoever_gives_signs_of_life_drive():
    watch = Watch()
    assert not watch.tick(0.0)
    for number in range(100):
        watch.heard(number, number * TICK_S)
        assert not watch.tick(number * TICK_S + 0.01)
    assert watch.why == ""


def test_the_watch_stops_the_wheels_when_signs_of_life_end_or_repeat():
    watch = Watch()
    watch.heard(5, 1.0)
    watch.heard(5, 1.1)
    watch.heard(4, 1.1)
    assert not watch.tick(1.0 + SILENT_S - 0.001)
    assert watch.tick(1.0 + SILENT_S + 0.001)
    assert watch.why == ""
    for number in range(1, SURE_TICKS):
        assert watch.tick(1.0 + SILENT_S + number * TICK_S)
    assert watch.why == "silent"
    watch.heard(6, 1.3)
    assert watch.tick(1.3)  # who was silent for so long is not trusted again


def test_a_pause_of_the_whole_machine_stops_the_wheels_and_condemns_nobody():
    """The watchdog wakes first: nobody else can have given a sign of life."""
    watch = Watch()
    watch.heard(1, 1.0)
    assert watch.tick(1.5)
    watch.heard(2, 1.52)
    assert not watch.tick(1.52)
    assert watch.why == ""


def test_the_watch_stops_the_wheels_when_the_driver_is_gone():
    watch = Watch()
    watch.lost()
    assert watch.tick(0.0)
    watch.lost()
    assert watch.why == "gone"


def test_every_limit_of_time_leaves_room_for_the_stop():
    assert SILENT_S + TICK_S <= STOP_S
    assert FRAME_AGE_S + TICK_S <= STOP_S
