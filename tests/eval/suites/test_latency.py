from types import SimpleNamespace

import numpy as np
import pytest

from eval.suite import suite
from eval.suites.budget import budget
from eval.suites.latency import SUITE
from eval.suites.options import Config


def side(won, of=100):
    """So many of a hundred layouts won, always the first ones."""
    return SimpleNamespace(lines=[{"scenario": "a", "seed": seed, "error": None,
                                   "success": seed < won} for seed in range(of)])


def test_the_budget_is_read_from_the_curve_between_what_was_measured():
    found = budget(side(100), [0.1, 0.2, 0.4], [side(100), side(98), side(90)])
    assert found.at == pytest.approx(0.2 + 0.2 * 3 / 8)  # 98 at 0.2, 90 at 0.4: 95 between
    assert found.low < found.at < (found.high or np.inf)
    assert found.said("s").startswith("at 0.28 s [")


def test_the_order_of_arms_does_not_matter_and_a_lucky_arm_does_not_count():
    measured = [side(90), side(97), side(99)]
    found = budget(side(100), [0.4, 0.1, 0.2], measured)  # 97 at 0.1 and 99 at 0.2: 98 at both
    assert found.at == pytest.approx(0.2 + 0.2 * 3 / 8)


def test_a_policy_that_is_never_five_points_worse_has_no_budget_within_what_was_measured():
    found = budget(side(100), [0.1, 0.8], [side(100), side(100)])
    assert (found.at, found.low, found.high) == (None, None, None)
    assert found.said("s") == "not within 0.8 s [beyond 0.8, beyond 0.8]"


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


def test_the_suite_shows_success_against_latency_and_the_budget(tmp_path):
    found = suite("latency", policy="tests.eval.suites.walkers:Listens", episodes=1, workers=0,
                  scenario="1box_vert_left", arms=("0.2", "0.6"), out=str(tmp_path))
    assert len(found.found.arms) == 3
    assert set(found.content["result"]["budget_s"]) == {"zero", "last"}
    assert found.said[0].startswith("Latency budget, where the robot stands still")
    assert (found.folder / "latency.png").read_bytes().startswith(b"\x89PNG")
    assert "VIRTUAL CLOCK" not in str(found.content["warnings"])  # the control waits
