import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import metrics
from tests.eval.walks import BESIDE, straight, walk

LEFT_BOX = (1.0, 0.6, 0.0, 0.2, 0.2)


def test_the_shortest_way_has_an_spl_of_one():
    assert metrics.shortest_m(straight()) == pytest.approx(2.0)
    assert metrics.spl(straight()) == pytest.approx(1.0)


def test_detour_of_twice_the_length_halves_spl():
    detour = walk((0, 0), (-1, 0), (2, 0))
    assert metrics.path_length_m(detour) == pytest.approx(4.0)
    assert metrics.success(detour)
    assert metrics.spl(detour) == pytest.approx(0.5)


def test_stopping_half_way_gives_half_the_soft_spl_and_no_spl():
    half = walk((0, 0), (1, 0))
    assert metrics.remaining_m(half) == pytest.approx(1.0)
    assert metrics.soft_spl(half) == pytest.approx(0.5)
    assert metrics.spl(half) == 0.0


def test_driving_away_gives_no_negative_soft_spl():
    assert metrics.soft_spl(walk((0, 0), (-1, 0))) == 0.0


def test_at_the_goal_on_the_wrong_side_is_no_success():
    wrong = straight(boxes=(LEFT_BOX,))
    assert metrics.at_goal(wrong, "hold")
    assert metrics.side_followed(wrong) == "right"
    assert metrics.side_compliant(wrong) is False
    assert not metrics.success(wrong)
    assert metrics.spl(wrong) == 0.0


def test_one_box_on_each_side_is_mixed_and_not_compliant():
    between = straight(boxes=(BESIDE, LEFT_BOX))
    assert metrics.side_followed(between) == "mixed"
    assert metrics.side_compliant(between) is False


def test_a_box_that_was_not_passed_has_no_side():
    early = walk((0, 0), (0.5, 0))
    assert metrics.side_followed(early) is None
    assert metrics.side_compliant(early) is None
    assert not metrics.success(early)


def test_touching_something_at_the_goal_is_no_success():
    touched = straight(touched={"cup": 1.5})
    assert metrics.contact(touched)
    assert metrics.at_goal(touched, "hold")
    assert not metrics.success(touched)


@pytest.mark.parametrize(("stops", "reach", "stop", "hold"), [
    (0, True, False, False), (1, True, True, False), (2, True, True, True)])
def test_the_three_modes_ask_for_more_and_more(stops, reach, stop, hold):
    record = straight(stops=stops)
    assert [metrics.success(record, mode) for mode in metrics.MODES] == [reach, stop, hold]


def test_passing_through_the_circle_between_two_decisions_is_reach_alone():
    through = walk((0, 0), (1, 0), (4, 0))
    assert metrics.at_goal(through, "reach")
    assert not metrics.at_goal(through, "stop")


def test_standing_still_outside_the_circle_is_not_at_the_goal():
    assert not metrics.at_goal(walk((0, 0), (1.9, 0), stops=5), "reach")


def test_an_unknown_mode_is_refused():
    with pytest.raises(ValueError, match="reach, stop, hold, got 'teleport'"):
        metrics.at_goal(straight(), "teleport")


def test_time_counts_ticks_of_a_twentieth_second():
    assert metrics.time_s(straight(stops=0)) == pytest.approx(2 * 8 * 0.05)


def test_clearance_is_the_smallest_and_must_be_a_number():
    record = straight()
    assert metrics.min_clearance_m(replace(record, clearance_m=np.array([0.4, 0.1, 0.3]))) == 0.1
    with pytest.raises(ValueError, match="seed 7: min_clearance_m is nan, expected a finite"):
        metrics.judge(replace(record, clearance_m=np.array([0.4, np.nan])))


def test_a_start_inside_the_goal_circle_is_no_task():
    with pytest.raises(ValueError, match="longer than 0 m"):
        metrics.shortest_m(walk((2.2, 0), (2.4, 0)))


def test_a_robot_that_touches_a_box_still_has_a_way_left():
    ahead = (1.2, 0.0, 0.0, 0.4, 0.2)
    stuck = walk((0, 0), (0.8, 0), boxes=(ahead,), touched={"box_0": 0.4})
    assert 1.2 < metrics.remaining_m(stuck) < 1.5  # 1.2 m straight on, and some way round
    assert 0.0 < metrics.soft_spl(stuck) < 1.0


def test_an_episode_without_a_decision_is_judged_too():
    never = walk((0, 0), stops=0, ended_by="policy_error", error="no answer")
    judged = metrics.judge(never)
    assert not judged["success"]
    assert judged["metrics"]["path_length_m"] == judged["metrics"]["time_s"] == 0.0


def test_wall_clock_times_change_no_judgement():
    slow = straight(latency_s=np.full(4, 9.0))
    assert json.dumps(metrics.judge(slow)) == json.dumps(metrics.judge(straight()))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 4), st.floats(-2, 2)), min_size=1, max_size=6),
       st.integers(0, 3))
def test_whatever_is_driven_metrics_stay_in_their_ranges(points, stops):
    record = walk((0, 0), *points, stops=stops)
    judged = metrics.judge(record)
    numbers = judged["metrics"]
    assert 0.0 <= numbers["spl"] <= numbers["success_hold"]
    assert 0.0 <= numbers["soft_spl"] <= 1.0
    assert numbers["success_hold"] <= numbers["success_stop"] <= numbers["success_reach"]
    json.dumps(judged, allow_nan=False)


def test_way_behind_the_robot_is_progress_and_away_from_the_goal_is_negative():
    assert metrics.progress(walk((0, 0), (1, 0))) == pytest.approx(0.5)
    assert metrics.progress(walk((0, 0), (-1, 0))) == pytest.approx(-0.5)


def test_barn_is_a_half_up_to_twice_the_ideal_time_and_falls_with_more():
    quick, slow = straight(), straight(stops=38)  # ideal: 2 m at 0.5 m/s, so 4 s
    assert (metrics.time_s(quick), metrics.time_s(slow)) == pytest.approx((1.6, 16.0))
    assert (metrics.barn(quick), metrics.barn(slow)) == pytest.approx((0.5, 0.25))
    assert metrics.barn(straight(touched={"cup": 1.0})) == 0.0


def test_gaps_to_boxes_are_taken_at_every_tick_from_rim_to_rim():
    gaps = metrics.box_gaps_m(straight())  # the box reaches to y = -0.5, the robot to y = -0.2
    assert gaps.min() == pytest.approx(0.3)
    assert len(gaps) == len(straight().path)
    between = walk((0, 0), (2, 0), boxes=((1.0, -0.6, 0.0, 0.2, 0.2),))
    assert metrics.box_gaps_m(between).min() == pytest.approx(0.3)  # no decision was beside it


def test_inside_a_box_that_is_turned_a_quarter_the_gap_is_negative():
    turned = (0.5, 0.0, np.pi / 2, 0.2, 1.0)  # 1 m along x, 0.2 m across
    stand = walk((0.5, 0), boxes=(turned,))
    assert metrics.box_gaps_m(stand)[0] == pytest.approx(-0.1 - 0.2)


def test_time_near_a_box_counts_ticks_below_the_margin():
    near = walk((0, 0), (1, 0), (2, 0), boxes=((1.0, -0.34, 0.0, 0.2, 0.2),), stops=0)
    below = (metrics.box_gaps_m(near)[1:] < metrics.SAFETY_MARGIN_M).sum()
    assert metrics.near_box_s(near) == pytest.approx(below * 0.05)
    assert metrics.near_box_s(near) == pytest.approx(0.15)  # at x = 0.875, 1 and 1.125
    assert metrics.near_box_s(straight()) == 0.0


def test_the_first_contact_has_a_time_and_a_speed_and_none_has_none():
    hit = straight(touched={"cup": 0.7, "box_0": 0.4})  # 1 m in 8 ticks of 0.05 s: 2.5 m/s
    assert metrics.judge(hit)["metrics"]["contacts"] == 2
    assert metrics.first_contact_s(hit) == 0.4
    assert metrics.impact_speed_m_s(hit) == pytest.approx(2.5)
    assert metrics.first_contact_s(straight()) is metrics.impact_speed_m_s(straight()) is None


def test_success_weights_the_likeness_of_ways():
    assert metrics.judge(straight())["metrics"]["sdtw"] == pytest.approx(1.0)
    assert metrics.judge(straight(stops=0))["metrics"]["sdtw"] == 0.0


def test_every_mean_is_measured_and_says_over_which_episodes():
    assert set(metrics.MEANS) <= set(metrics.judge(straight())["metrics"])
    assert all(each.startswith("episodes without errors") for each in metrics.MEANS.values())
