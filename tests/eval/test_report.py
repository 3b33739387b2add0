import json
from dataclasses import replace

import numpy as np
import pytest

from eval.provenance import described, git_revision, provenance, warnings
from eval.report import write_report
from eval.results import Run, add_record, load_record
from eval.statistics import mean
from eval.summary import closed_row
from eval.table import latency_cell, number_cell, rate_cell
from eval.timing import Spent, ages_s, write_timing
from policies import PolicySpec
from policies.interface import LABEL, TRUTH
from tests.eval.walks import run_facts, straight, walk

LEFT_BOX = (1.0, 0.6, 0.0, 0.2, 0.2)


@pytest.fixture
def run(tmp_path) -> Run:
    """Four episodes: straight, a detour, the wrong side, an error."""
    run = Run.create(tmp_path, "by_hand", run_facts())
    wrong = walk((0, 0), stops=0, ended_by="policy_error", error="No | answer.")
    for index, record in enumerate((straight(), walk((0, 0), (-1, 0), (2, 0)),
                                    straight(boxes=(LEFT_BOX,)), wrong)):
        add_record(run, index, record, {})
    return run


def reported(run: Run) -> dict:
    return write_report(run, run.lines())


def timed(run: Run, spent: Spent | None = None) -> dict:
    return write_timing(run, run.lines(), spent)


def latency(run: Run) -> dict:
    total = timed(run)["total"]
    return {name: total[name] for name in ("p50", "p95", "p99", "n")}


def test_the_summary_counts_what_was_driven(run):
    total = reported(run)["total"]
    assert (total["episodes"], total["errors"]) == (4, 1)
    assert total["success"] == {"k": 2, "n": 3, "rate": 0.666667, "low": 0.20766,
                                "high": 0.938508}
    assert total["side_compliance"]["k"] == 2
    assert total["spl"] == {"mean": 0.5, "n": 3, "low": 0.0, "high": 1.0}  # 1, 1/2 and 0
    assert total["path_length_m"]["mean"] == pytest.approx(8 / 3, abs=1e-6)
    assert total["ends"] == {"goal": 3, "policy_error": 1}


def test_errors_are_said_loudly(run):
    assert reported(run)["warnings"] == [
        "ERRORS: 1 of 4 episodes ended by an error of the policy; they are in no number."]


def test_latency_stands_apart_from_all_that_follows_from_the_seed(run):
    assert latency(run) == {"p50": 20.0, "p95": 20.0, "p99": 20.0, "n": 12}
    assert "latency" not in json.dumps(reported(run))
    assert "| 1box_vert_left | 20 / 20 | 12 | 0/12 = 0 %" in (run.folder / "timing.md").read_text()


def test_a_resumed_run_says_what_each_of_its_parts_took(run):
    first = Spent(start_s=2.0, workers=1, drive_s=3.0, environment_s=2.0, inference_s=0.5,
                  episodes=3)
    timed(run, first)
    sessions = timed(run, replace(first, drive_s=1.0, episodes=1))["sessions"]
    assert [(each["episodes"], each["ratio"]) for each in sessions] == [(3, 1.2), (1, 0.4)]
    assert timed(run)["sessions"] == sessions  # judging anew drives nothing


def test_report_and_summary_do_not_know_folder_time_and_order(run, tmp_path):
    other = Run.create(tmp_path / "elsewhere", "another_name", run.facts)
    for line in reversed(run.lines()):
        add_record(other, line["index"], load_record(run, line), {})
    for each in (run, other):
        reported(each)
    for name in ("summary.json", "report.md"):
        assert (run.folder / name).read_bytes() == (other.folder / name).read_bytes()


def test_the_report_says_rates_with_n_and_interval_and_where_they_come_from(run):
    reported(run)
    report = (run.folder / "report.md").read_text(encoding="utf-8")
    assert "| 1box_vert_left | 2/3 = 67 % [21, 94] |" in report
    assert "side compliance: episodes without errors in which every box was passed" in report
    assert "| 1box_vert_left | 3 | 0.500 [0.00, 1.00] | 0.833 [" in report
    assert "| scenario | reach | stop | hold |" in report
    assert "- first contact s: episodes without errors in which something was touched" in report
    assert "1 x No | answer." in report
    assert "weights trained, hash abc" in report
    assert "0123456789abcdef" in report


def test_summary_and_report_are_the_same_bytes_whenever_they_are_written(run):
    names = ("summary.json", "report.md")
    reported(run)
    before = [(run.folder / name).read_bytes() for name in names]
    reported(Run(run.folder))
    assert [(run.folder / name).read_bytes() for name in names] == before


def test_no_episodes_give_empty_rates_and_no_numbers():
    row = closed_row([])
    assert row["success"]["n"] == 0
    assert row["spl"] == {"mean": None, "n": 0, "low": None, "high": None}


def test_a_mean_over_fewer_episodes_says_how_many(run):
    add_record(run, 4, straight(touched={"cup": 0.8}), {})
    reported(run)
    contacts = (run.folder / "report.md").read_text().split("## Contacts")[1].split("##")[0]
    assert "| 1box_vert_left | 4 | 0.25 [0.00, 0.67] | 0.8 (n = 1) | 2.50 (n = 1) |" in contacts


def test_left_and_right_of_a_layout_are_one_witness_over_all_scenarios(tmp_path):
    names = ("1box_vert_left", "1box_vert_right")
    both = Run.create(tmp_path, "both", run_facts(scenarios=dict.fromkeys(names, "0" * 16)))
    for index in range(8):  # even layouts are won on both sides, odd ones on none
        for name in names:
            record = straight(stops=2 * (index % 2 == 0), scenario=name, seed=100 + index)
            add_record(both, index, record, {})
    success = reported(both)["across_scenarios"]["success"]
    alone = mean([1.0, 0.0] * 4)
    assert success["value"] == 0.5
    assert success["these"] == [round(alone.low, 6), round(alone.high, 6)]
    assert success["like_these"] is None  # one group of layouts says nothing of others
    assert "| success | 0.500 | [0.1" in (both.folder / "report.md").read_text()


@pytest.mark.parametrize(("spec", "said"), [
    (PolicySpec("a", needs=frozenset({TRUTH})), ["PRIVILEGED POLICY"]),
    (PolicySpec("a", needs=frozenset({LABEL})), ["TOLD THE LABEL"]),
    (PolicySpec("a", weights="random"), ["RANDOM WEIGHTS"]),
    (PolicySpec("a", weights="trained"), []), (PolicySpec("a"), []),
])
def test_what_must_be_said_about_a_policy_is_said(spec, said):
    assert [each.split(":")[0] for each in warnings(described(spec))] == said


@pytest.mark.parametrize(("words", "said"), [
    ("default", []), ("none", ["NO INSTRUCTION"]), ("", ["NO INSTRUCTION"]),
    ("Go to the cup", ["OWN WORDS"])])
def test_other_words_than_the_default_are_said_loudly(words, said):
    policy = described(PolicySpec("a"))
    assert [each.split(":")[0] for each in warnings(policy, words)] == said


def test_answers_of_an_episode_that_ended_by_an_error_are_in_no_latency(run):
    slow = walk((0, 0), (0.5, 0), stops=0, latency_s=np.array([9.0]), ended_by="policy_error",
                error="No.")
    add_record(run, 4, slow, {})
    assert latency(run) == {"p50": 20.0, "p95": 20.0, "p99": 20.0, "n": 12}


def test_decisions_within_a_plan_are_in_no_latency(run):
    add_record(run, 4, straight(latency_s=np.array([0.02, 0.0, 0.02, 0.0])), {})
    assert latency(run) == {"p50": 20.0, "p95": 20.0, "p99": 20.0, "n": 14}


def test_late_answers_are_misses_and_what_rests_on_old_pictures_is_stale(run):
    late = straight(latency_s=np.array([0.5, 0.0, 0.02, 0.02]))  # a decision lasts 0.4 s
    add_record(run, 4, late, {})
    total = timed(run)["total"]
    assert (total["misses"]["k"], total["misses"]["n"]) == (1, 12 + 3)
    assert (total["stale"]["k"], total["stale"]["n"]) == (2, 12 + 4)  # 0.5 s and 0.9 s old
    assert total["age"]["p50"] == 20.0
    assert "| 2/16 = 12 %" in (run.folder / "timing.md").read_text()


@pytest.mark.parametrize(("latency_s", "ages"), [
    ([0.1, 0.2], [0.1, 0.2]), ([0.1, 0.0, 0.0, 0.3], [0.1, 0.5, 0.9, 0.3]), ([], [])])
def test_a_command_within_a_plan_is_as_old_as_its_picture(latency_s, ages):
    assert ages_s(latency_s, 0.4) == pytest.approx(ages)


def test_provenance_names_no_host_and_no_user():
    facts = provenance()
    assert set(facts) == {"git", "packages", "machine"}
    assert set(facts["machine"]) == {"system", "processor", "cores", "python"}
    assert facts["packages"]["numpy"]
    assert git_revision() is None or len(git_revision().removesuffix("+changed")) == 40


def test_cells_say_when_there_is_nothing():
    assert rate_cell({"k": 0, "n": 0, "rate": None, "low": 0.0, "high": 1.0}) == "0/0"
    assert number_cell(None, 2) == "-"
    assert number_cell({"undefined": "recorded is always 0"}, 2) == (
        "undefined (recorded is always 0)")
    assert number_cell(-0.0001, 2) == "0.00"
    assert latency_cell({"p50": None, "p95": None, "n": 0}) == "-"
