import json
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from eval.maps import OUTCOMES, outcome, way
from eval.report import report, write_report
from eval.results import Run, add_record
from tests.eval.walks import run_facts, straight, walk

ROOT = Path(__file__).parents[2]
LEFT_BOX = (1.0, 0.6, 0.0, 0.2, 0.2)
RECORDS = (  # one of each outcome
    straight(), straight(touched={"box_0": 0.5}, ended_by="contact"), straight(boxes=(LEFT_BOX,)),
    walk((0, 0), (1, 0), ended_by="time"),
    walk((0, 0), stops=0, ended_by="policy_error", error="<No> & never."))


def stored(out, name="by_hand", records=RECORDS) -> Run:
    facts = run_facts(planned=len(records))
    run = Run.create(out, name, facts | {"policy": facts["policy"] | {"name": name}})
    for index, record in enumerate(records):
        add_record(run, index, replace(record, seed=index, policy=name), {})
    write_report(run, run.lines())
    return run


@pytest.fixture
def run(tmp_path) -> Run:
    return stored(tmp_path, "<b>y hand")


class Page(HTMLParser):
    """What a page holds: tags with their attributes, and whether each is closed in its turn."""

    VOID = ("meta", "line", "circle", "polygon", "polyline", "path", "br")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.text = [], [], text
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.VOID and tag not in ("p", "option"):
            while self.open[-1] in ("p", "option"):
                self.open.pop()
            assert self.open.pop() == tag
        elif tag in self.open:
            self.open.remove(tag)

    def having(self, tag, **attributes):
        return [found for name, found in self.tags if name == tag
                and all(found.get(key) == value for key, value in attributes.items())]


def page_of(*runs) -> Page:
    return Page(report(*[run.folder for run in runs]).read_text(encoding="utf-8"))


def test_the_page_needs_nothing_from_elsewhere(run):
    page = page_of(run)
    assert page.open == []
    for _, attributes in page.tags:
        for name in ("src", "href", "srcset", "data"):
            assert attributes.get(name, "data:").startswith(("data:", "#"))
    assert not re.search(r"https?://|@import|url\(", page.text)


def test_every_episode_has_a_row_and_a_way_that_filters_find(run):
    page = page_of(run)
    rows, ways = page.having("tr", **{"class": "episode"}), page.having("g", **{"class": "episode"})
    for found in (rows, ways):
        assert [each["data-outcome"] for each in found] == [each.name for each in OUTCOMES]
        assert [each["data-end"] for each in found] == [
            "goal", "contact", "goal", "time", "policy_error"]
    assert [each["data-key"] for each in rows] == [each["data-key"] for each in ways]


def test_outcomes_differ_in_more_than_colour():
    for part in ("name", "colour", "dashes", "sign"):  # of ink there are two
        assert len({getattr(each, part) for each in OUTCOMES}) == len(OUTCOMES)


def test_names_are_shown_and_never_obeyed(run):
    text = page_of(run).text
    assert "&lt;b&gt;y hand" in text
    assert "<b>y hand" not in text


def test_tables_and_provenance_are_those_of_the_run(run):
    text = page_of(run).text
    assert "1/4 = 25 % [5, 70]" in text
    assert "0123456789abcdef" in text
    assert "ERRORS: 1 of 5 episodes" in text


def test_a_film_is_on_the_page_beside_what_was_commanded(run):
    (run.videos / "1box_vert_left_000.mp4").write_bytes(b"film")
    page = page_of(run)
    (video,) = page.having("video")
    assert video["src"] == "data:video/mp4;base64,ZmlsbQ=="
    for what in ("commands", "latency of each answer, ms"):
        assert page.having("svg", **{"aria-label": f"{what} of 1box_vert_left_000"})


def test_two_runs_stand_beside_each_other_with_the_verdict(tmp_path):
    lost = stored(tmp_path, "a", [walk((0, 0), (1, 0), ended_by="time")] * 8)
    won = stored(tmp_path, "b", [straight()] * 8)
    page = page_of(lost, won)
    assert "B (b) is better than A (a) by 100.0 points [100.0, 100.0] in success" in page.text
    assert (lost.folder / "report.html").exists()
    assert not (won.folder / "report.html").exists()
    rows = page.having("tr", **{"class": "episode"})
    assert len({each["data-key"] for each in rows}) == 16
    assert [each["data-pair"] for each in rows] == ["differ"] * 16


def diagnosed(run, **changed):
    """What eval.why leaves in the run's folder."""
    rows = [{"id": f"1box_vert_left_{number:03d}", "kind": kind, "cause": cause}
            for number, kind, cause in ((1, "late_turn", "decisions"), (2, "late_turn", "language"),
                                        (3, "missed_stop", "none found"))]
    rows[0]["film"] = "causes/rescue.mp4"
    (run.folder / "causes").mkdir()
    (run.folder / "causes" / "rescue.mp4").write_bytes(b"film")
    content = {"schema_version": 1, "note": "DIAGNOSIS, NO RESULT", "failures": 3, "episodes": rows,
               "causes": {"decisions": 1, "language": 1, "none found": 1},
               "kinds": {"late_turn": 2, "missed_stop": 1}} | changed
    (run.folder / "causes.json").write_text(json.dumps(content))


def test_why_episodes_failed_is_shown_where_somebody_asked(run):
    assert "Why did episodes fail?" not in page_of(run).text
    diagnosed(run)
    page = page_of(run)
    assert "DIAGNOSIS, NO RESULT" in page.text
    bars = [each["aria-label"].split() for each in page.having("div", **{"class": "stack"})[1:]]
    assert [" ".join(each) for each in bars] == [
        "late_turn: 1 decisions, 1 language", "missed_stop: 1 none found"]
    assert [each["data-cause"] for each in page.having("tr", **{"class": "episode"})] == [
        "", "decisions", "language", "none found", ""]
    assert page.having("video")[0]["src"] == "data:video/mp4;base64,ZmlsbQ=="


def test_a_diagnosis_that_cannot_be_read_says_how_to_get_another(run):
    diagnosed(run, schema_version=2)
    with pytest.raises(ValueError, match="schema_version must be 1, got 2; .*eval.why"):
        page_of(run)
    (run.folder / "causes.json").write_text("{")
    with pytest.raises(ValueError, match="causes.json: cannot be read .*eval.why"):
        page_of(run)


def test_rates_and_outcomes_of_every_scenario_are_seen_at_a_glance(run):
    page = page_of(run)
    (bar,) = page.having("i")
    assert bar["style"] == "left: 4.56%; width: 65.38%"  # Wilson's of 1 in 4
    (stack,) = page.having("div", **{"class": "stack"})
    assert stack["aria-label"].strip() == (
        "1box_vert_left: 1 success, 1 contact, 1 wrong side, 1 other failure, "
        "1 error of the policy")


def test_what_cannot_be_shown_is_refused(tmp_path, run):
    with pytest.raises(ValueError, match="Give one folder"):
        report()
    with pytest.raises(ValueError, match="is no run"):
        report(tmp_path / "nothing")
    facts = run_facts(config={"loop": "open", "seed": 0, "instruction": "default"})
    with pytest.raises(ValueError, match="run of the open loop; its report is report.md"):
        report(Run.create(tmp_path, "open", facts).folder)


def test_a_way_is_drawn_forward_up_and_left_left():
    record = walk((0, 0), (1, 0), (1, 0.5), stops=0)
    drawn = way({"error": None, "success": True}, record)
    assert drawn.points.startswith("0.000,0.000") or drawn.points.startswith("-0.000,-0.000")
    assert drawn.end == (-0.5, -1.0)  # left of the start, above it
    corners = np.array([each.split(",") for each in drawn.boxes[0].split()], float)
    assert sorted(set(corners[:, 0])) == [0.5, 0.7]  # the box is on the right, y from -0.7 to -0.5


def test_a_contact_comes_before_a_wrong_side():
    line = {"error": None, "success": False, "contact": True, "side_compliant": False}
    assert outcome(line).name == "contact"
    assert outcome(line | {"contact": False}).name == "wrong side"
    assert outcome(line | {"contact": False, "side_compliant": None}).name == "other failure"


def test_the_command_says_where_the_page_is(run):
    done = subprocess.run([sys.executable, "-m", "eval.report", str(run.folder)], cwd=ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Page: {run.folder / 'report.html'}\n"
