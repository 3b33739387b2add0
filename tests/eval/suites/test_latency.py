import json
from types import SimpleNamespace

import numpy as np
import pytest

from envs import ROBOTS
from eval.pairing import open_side
from eval.suite import suite
from eval.suites.arm import Arm
from eval.suites.budget import budget
from eval.suites.judging import judged
from eval.suites.latency import SUITE
from eval.suites.options import Config
from tests.eval.stored import finished


def side(won, of=100):
    """So many of a hundred layouts won, always the first ones."""
    return SimpleNamespace(lines=[{"scenario": "a", "seed": seed, "error": None,
                                   "success": seed < won} for seed in range(of)])


def test_the_budget_is_read_from_the_curve_between_what_was_measured():
    found = budget(side(100), [0.1, 0.2, 0.4], [side(100), side(98), side(90)])
    assert found.at == pytest.approx(0.2 + 0.2 * 3 / 8)  # 98 at 0.2, 90 at 0.4: 95 between
    assert found.low < found.at < (found.high or np.inf)
    assert found.said("s").startswith("success falls by 5 points at 0.28 s [")
    assert found.cell("s").startswith("0.28 s [")


def test_the_order_of_arms_does_not_matter_and_a_lucky_arm_does_not_count():
    measured = [side(90), side(97), side(99)]
    found = budget(side(100), [0.4, 0.1, 0.2], measured)  # 97 at 0.1 and 99 at 0.2: 98 at both
    assert found.at == pytest.approx(0.2 + 0.2 * 3 / 8)


def test_a_policy_that_is_never_five_points_worse_has_no_budget_within_what_was_measured():
    found = budget(side(100), [0.1, 0.8], [side(100), side(100)])
    assert (found.at, found.low, found.high) == (None, None, None)
    assert found.said("s") == ("success does not fall by 5 points within 0.8 s "
                               "[beyond 0.8, beyond 0.8]")


def test_who_hardly_ever_wins_has_no_budget_at_all():
    found = budget(side(4), [0.1, 0.8], [side(0), side(0)])
    assert found.at is None
    assert found.said("s") == "undefined: the control's success is below 5 points"
    assert found.cell("s") == "undefined"


@pytest.mark.parametrize(("layouts", "has_interval"), [(1, False), (58, False), (59, True)])
def test_where_nothing_varies_few_layouts_could_not_have_shown_the_fall(layouts, has_interval):
    found = budget(side(layouts, of=layouts), [0.8], [side(layouts, of=layouts)])
    assert found.has_interval == has_interval  # 0.95 ** 59 < 0.05
    assert found.said("s").endswith("[beyond 0.8, beyond 0.8]" if has_interval else
                                    f"(layouts: {layouts}, too few for an interval)")
    json.dumps(found.as_json(), allow_nan=False)


def test_only_layouts_that_all_arms_drove_count():
    broken = side(100)
    broken.lines[0]["error"] = "I do not know."
    found = budget(side(100), [0.1], [broken])
    assert found.at is None


def test_arms_are_any_latencies_and_both_ways_of_holding_where_they_differ(tmp_path):
    trace = tmp_path / "jetson.txt"
    trace.write_text("0.1\n0.3\n")
    arms = SUITE.arms(Config(arms=("0.2", "0.6", f"trace:{trace}")), tmp_path)
    assert [arm.name for arm in arms] == ["0.2 s", "0.6 s zero", "0.6 s last",
                                         f"trace:{trace} zero", f"trace:{trace} last"]
    assert arms[-1].about.endswith("0.2 s on average, at most 0.3")
    assert arms[1].changes == {"latency": "0.6", "hold": "zero"}


def test_what_is_no_more_than_a_decision_is_the_robots_to_say(tmp_path):
    brisk = tmp_path / "brisk.toml"
    brisk.write_text((ROBOTS / "serbot.toml").read_text().replace(
        "decision_s = 0.4", "decision_s = 0.2"))
    arms = SUITE.arms(Config(arms=("0.2", "0.3"), robot=str(brisk)), tmp_path)
    assert [arm.name for arm in arms] == ["0.2 s", "0.3 s zero", "0.3 s last"]


def test_an_arm_of_errors_alone_is_no_point_of_the_curve(tmp_path):
    runs = [finished(tmp_path, lambda _, index, won=won: won, 4) for won in (True, True, None)]
    arms = [Arm("control", ""), Arm("0.1 s", "", strength=0.1), Arm("0.2 s", "", strength=0.2)]
    extra = SUITE.result(judged(
        [(arm, open_side(run.folder)) for arm, run in zip(arms, runs)]))
    assert extra.numbers["budget_s"]["zero"]["most"] == 0.1
    assert "does not fall by 5 points within 0.1 s" in extra.said[0]


def test_the_suite_shows_success_against_latency_and_the_budget(tmp_path):
    found = suite("latency", policy="tests.eval.suites.walkers:Listens", episodes=1, workers=0,
                  scenario="1box_vert_left", arms=("0.2", "0.6"), out=str(tmp_path))
    assert len(found.found.arms) == 3
    assert set(found.content["result"]["budget_s"]) == {"zero", "last"}
    assert found.said[0].startswith("Latency budget, where the robot stands still")
    assert (found.folder / "latency.png").read_bytes().startswith(b"\x89PNG")
    assert "VIRTUAL CLOCK" not in str(found.content["warnings"])  # the control waits
