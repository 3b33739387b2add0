import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eval.pairing import open_side
from eval.suite import suite
from eval.suites.arm import Arm, Extra
from eval.suites.judging import differences, judged
from eval.suites.page import said
from tests.eval.stored import LEFT, finished

ROOT = Path(__file__).parents[3]
LISTENS = "tests.eval.suites.walkers:Listens"
OPTIONS = {"scenario": LEFT, "episodes": 2, "workers": 0}


@pytest.fixture(scope="module")
def listens(tmp_path_factory):
    """Three arms of somebody who goes where words send him."""
    return suite("language", policy=LISTENS, arms=("swapped", "empty"), **OPTIONS,
                 out=str(tmp_path_factory.mktemp("suites")))


def sides(*wins):
    """Runs of twelve layouts made by hand, the first the control."""
    return [(Arm(f"arm {number}", ""), open_side(run.folder)) for number, run in enumerate(wins)]


def test_the_result_is_the_difference_to_the_control_on_the_same_episodes(tmp_path):
    found = judged(sides(
        finished(tmp_path, lambda _, index: True, 12),
        finished(tmp_path, lambda _, index: index % 4 == 0, 12),
        finished(tmp_path, lambda _, index: True, 12)))
    worse, same = found.contrasts
    assert worse.decides.difference == -0.75
    assert worse.counts == {"both": 3, "only_baseline": 9, "only_other": 0, "neither": 0}
    assert worse.decides.p == 2 * 0.5 ** 9
    assert worse.decides.p_holm == 2 * worse.decides.p  # two arms
    assert worse.verdict.startswith("control is better")
    assert same.decides.difference == 0.0


def test_an_arm_of_errors_alone_is_a_row_and_the_others_are_judged(tmp_path):
    found = judged(sides(
        finished(tmp_path, lambda _, index: True if index else None, 12),
        finished(tmp_path, lambda *_: None, 12),
        finished(tmp_path, lambda _, index: index % 4 == 0, 12)))
    empty, worse = found.contrasts
    assert empty.verdict == ("nothing to compare: no episode that both drove without an error of "
                             "the policy (errors: 1 in control, 12 in arm 1)")
    assert worse.decides.p_holm == worse.decides.p  # it is no test of the family
    assert worse.verdict.startswith("control is better")
    _, rows = differences(found)
    assert rows[1][:4] == ["arm 1", "no episode without an error", "-", "-"]


def test_a_control_of_errors_alone_is_refused_before_another_arm_is_driven(tmp_path):
    def driven():
        yield from sides(finished(tmp_path, lambda *_: None, 2))
        raise AssertionError("asked for the next arm")

    with pytest.raises(ValueError, match="every episode of the control .* 'I do not know.'"):
        judged(driven())


def test_where_no_pair_differs_it_says_how_many_still_might(tmp_path):
    found = judged(sides(*[finished(tmp_path, lambda *_: True, 12) for _ in range(2)]))
    (sentence,) = said(found, Extra())
    # 1 - 0.05^(1 / 12) = 0.221
    assert sentence.startswith("arm 1: underpowered: arm 1 and control are alike in all 12 pairs; "
                               "differences up to 22.1 points remain possible; ")


def test_every_arm_drives_the_episodes_of_the_control(listens):
    seeds = [[line["seed"] for line in side.lines]
             for side in (listens.found.control, *[side for _, side in listens.found.arms])]
    assert len(seeds) == 3
    assert seeds[0] == seeds[1] == seeds[2]
    assert listens.content["result"]["control"]["success"]["n"] == 2
    assert [arm["arm"] for arm in listens.content["result"]["arms"]] == ["swapped", "empty"]


def test_it_leaves_a_report_pictures_and_json(listens):
    report = (listens.folder / "report.md").read_text()
    assert report.startswith("# Suite language: listens")
    assert "| swapped | 0/2 = 0 % [0, 66] |" in report
    for name in ("differences", "sides"):
        assert f"![{name}]({name}.png)" in report
        assert (listens.folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((listens.folder / "suite.json").read_text()) == json.loads(
        json.dumps(listens.content))


def test_an_interrupted_suite_goes_on_to_the_same_report(listens, tmp_path):
    cut = tmp_path / "cut"
    shutil.copytree(listens.folder, cut)
    shutil.rmtree(cut / "arms" / "empty")
    (run,) = (cut / "arms" / "swapped").iterdir()
    lines = (run / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (run / "episodes.jsonl").write_bytes(lines[0])
    (run / "summary.json").unlink()
    (cut / "report.md").unlink()
    again = suite(resume=str(cut), workers=0)
    assert (cut / "report.md").read_bytes() == (listens.folder / "report.md").read_bytes()
    kept = [side.name for side in (again.found.control, again.found.arms[0][1])]
    assert kept == [listens.found.control.name, run.name]
    assert (cut / "differences.png").read_bytes() == (
        listens.folder / "differences.png").read_bytes()


@pytest.mark.parametrize(("name", "options", "sentence"), [
    ("langauge", {}, "Unknown suite 'langauge'. Did you mean 'language'"),
    ("sim2rael", {}, "Did you mean 'sim2real'"),
    ("language", {"arms": ("swaped",)}, "Unknown arm 'swaped'. Did you mean 'swapped'"),
    ("language", {"policy": None}, "Which policy"),
    ("language", {"policy": "hybird"}, "Unknown policy 'hybird'. Did you mean 'hybrid'"),
    ("language", {"scenario": "3box"}, "Unknown scenario '3box'"),
    ("language", {"episodes": 0}, "--episodes must be 1 or more"),
])
def test_wrong_input_is_one_sentence_and_nothing_is_written(name, options, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        suite(name, **{"policy": LISTENS} | OPTIONS | options, out=str(tmp_path / "suites"))
    assert list(tmp_path.glob("suites/*")) == []


def test_what_is_no_suite_or_began_otherwise_is_not_resumed(listens, tmp_path):
    with pytest.raises(ValueError, match="is no suite"):
        suite(resume=str(tmp_path))
    with pytest.raises(ValueError, match="began with policy .*Listens, got stop"):
        suite(policy="stop", resume=str(listens.folder))


def test_the_command_shows_tables_and_the_result_in_words(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "eval.suite", "language", "--policy", LISTENS, "--scenario", LEFT,
         "--episodes", "1", "--arms", "swapped", "--workers", "0", "--out", str(tmp_path)],
        cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "Language causality 1.00" in done.stdout
    assert "took the side that was named" in done.stdout
    assert f"Report: {tmp_path}" in done.stdout
