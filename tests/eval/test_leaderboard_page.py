"""The page, its pictures and the JSON, from rows made by hand."""

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from eval.board import Board, origins
from eval.board_page import files_of
from eval.board_plots import plots
from eval.cells import Recorded
from eval.claims import load
from eval.entrants import ABLATION, BASELINE, OWN, PRIVILEGED
from tests.eval.rows import SCENARIOS, measured, of, row

CONFIG = {"quick": False, "episodes": 100, "seed": 0, "appearance": "nominal"}
ORIGINS = {"git": ["abc"], "renderer": ["fast-1"], "packages": [{"numpy": "2"}],
           "machine": [{"processor": "p", "cores": 2, "system": "s", "python": "3"}]}


def everybody():
    expert = row("expert", measured(0, of(1.0), [0.0]), kind=PRIVILEGED)
    expert.seeds[0].open = expert.seeds[0].latency_ms = None
    return [
        row("hybrid", *[measured(k, of(0.98 - k / 100), [0.03, 0.05], window=8)
                        for k in range(3)]),
        row("case1_simplified", measured(0, of(0.8), [0.02, 0.04])),
        row("kosmos_lstm"), row("mine", measured(0, of(0.6), [0.1, 0.1], errors=2), kind=OWN),
        row("untrained", measured(0, of(0.99), [0.01, 0.01], weights="random")),
        row("hybrid_no_text", measured(0, of(0.5), [0.2, 0.2]), kind=ABLATION, base="hybrid"),
        row("forward", measured(0, of(0.0), [0.4, 0.4]), kind=BASELINE), expert]


def board(rows=None, **changed) -> Board:
    files = Recorded(Path("x"), {}, {"simulated": 240}, frozenset({700_000}), True)
    whole = Board("python -m eval.leaderboard", CONFIG, everybody() if rows is None else rows,
                  dict.fromkeys(SCENARIOS, "0123"), files, None, None, load(), ORIGINS)
    return replace(whole, **changed)


def page(board, stem="leaderboard") -> str:
    return files_of(board, stem, {})[f"{stem}.md"].decode()


def section(text: str, title: str) -> str:
    return text.partition(f"## {title}")[2].partition("\n## ")[0]


def line(text: str, name: str) -> list[str]:
    (found,) = [each for each in text.splitlines() if re.match(rf"\|( \S+ \|)? `{name}`", each)]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_the_best_driver_comes_first_and_has_rank_one():
    closed = section(page(board()), "Closed loop")
    cells = line(closed, "hybrid")
    assert cells[0] == "1"
    assert cells[2] == "98.0 % [93.0, 99.4] 98/100"
    assert cells[3] == "97.0 (96.0 to 98.0) of 3"
    assert line(closed, "case1_simplified")[4].startswith("-17.0 [")
    assert line(closed, "mine")[-1] == "2"


def test_who_must_not_be_ranked_has_no_rank_and_says_why():
    closed = section(page(board()), "Closed loop")
    for name, mark in (("expert", "(PRIVILEGED)"), ("forward", "(baseline)"),
                       ("untrained", "**RANDOM WEIGHTS**")):
        cells = line(closed, name)
        assert cells[0] == "-"
        assert mark in cells[1]
    assert line(closed, "kosmos_lstm")[2] == "no weights"


def test_what_must_be_known_stands_before_any_number():
    head = page(board(config=CONFIG | {"quick": True})).partition("## ")[0]
    assert "> **QUICK" in head
    assert "> **RANDOM WEIGHTS: untrained" in head
    assert "> **NO WEIGHTS, not measured: kosmos_lstm.**" in head
    assert "> **ERRORS: mine answered wrongly" in head
    assert "purpose `train` and the root 700000" in head


def test_runs_of_two_revisions_are_called_mixed():
    mixed = page(board(origins=ORIGINS | {"git": ["abc", "def"]}))
    assert "> **MIXED: the runs differ in git" in mixed
    assert "MIXED" not in page(board())


def test_one_step_errors_say_why_there_are_none():
    errors = section(page(board()), "One-step errors")
    assert line(errors, "expert")[1] == "not possible: needs the truth"
    assert line(errors, "kosmos_lstm")[1] == "no weights"
    assert line(errors, "case1_simplified")[1] == "0.030 [0.020, 0.040]"


def test_what_a_part_is_worth_stands_with_its_interval_and_verdict():
    cells = next(each for each in section(page(board()), "What each part").splitlines()
                 if each.startswith("| hybrid_no_text | hybrid |"))
    assert "-48.0 [" in cells
    assert cells.endswith("| drives worse |")


def test_published_numbers_stand_in_a_table_of_their_own_and_in_nothing_else():
    text, published = page(board()), "| Case 2 |"
    assert published in section(text, "Published elsewhere, not measured here")
    before = text.partition("## Published elsewhere")[0]
    assert published not in before
    assert not re.search(r"0\.466|755\.2|0\.212", before)
    content = json.dumps(board().as_json())
    assert not re.search(r"0\.466|755\.2|0\.8690|0\.212", content)


def test_laboratory_files_have_a_table_for_every_source():
    rows = everybody()
    real = rows[0].seeds[0].open | {"mae": {"mean": 0.7, "low": 0.6, "high": 0.8, "n": 3}}
    rows[0].seeds[0].laboratory = {"real": real}
    rows[0].seeds[1].laboratory = {"real": real}
    laboratory = Recorded(Path("lab"), {}, {"real": 72, "dummy": 3}, frozenset(), True)
    text = section(page(board(rows, laboratory=laboratory)), "One-step errors on laboratory files")
    assert "Source **dummy**, 3 files." in text
    assert "Source **real**, 72 files." in text
    assert "0.700 [0.600, 0.800] | 0.700 (0.700 to 0.700) of 2" in text
    assert "0.040" not in text  # the simulated error


def test_a_leaderboard_of_baselines_alone_has_a_page_too():
    rows = [row("forward", measured(0, of(0.0), [0.4]), kind=BASELINE), row("kosmos_lstm")]
    text = page(board(rows))
    assert "no trained model was driven" in text
    assert "not measured (too few" in text
    assert plots(rows, []).keys() == {"success", "success_against_error"}


def test_a_policy_that_only_errs_has_no_numbers():
    wrong = row("wrong", measured(0, [], [0.1], errors=3))
    wrong.seeds[0].open = {"episodes": 2, "decisions": 0, "errors": 2, "accuracy": {}, "r2": {},
                           "correlation": {}, "mae": {"mean": None, "low": None, "high": None}}
    wrong.seeds[0].closed |= {"spl": {"mean": None, "low": None, "high": None}, "worst": None}
    text = page(board([wrong, row("good", measured(0, of(0.5), [0.1]))]))
    assert line(section(text, "Closed loop"), "wrong")[2] == "0/0"
    assert line(section(text, "One-step errors"), "wrong")[1] == "every answer an error"
    assert plots([wrong], []) == {}


def test_every_link_of_the_page_is_a_file_that_is_written():
    whole = board()
    files = files_of(whole, "compared", plots(whole.rows, whole.ablations))
    targets = re.findall(r"\]\(([^)]+)\)", files["compared.md"].decode())
    assert sorted(set(targets)) == sorted(set(files) - {"compared.md"})
    assert list(files)[-1] == "compared.md"  # what it links to is there before it


def test_pictures_are_sound_and_tell_the_kinds_apart_without_colour():
    whole = board()
    found = plots(whole.rows, whole.ablations)
    assert found.keys() == {"success", "success_against_error", "ablations"}
    for image in found.values():
        with Image.open(io.BytesIO(image)) as picture:
            assert min(picture.size) > 150
            assert len(picture.convert("L").getcolors()) > 2


def test_no_code_of_the_page_would_be_run_by_the_tests_of_pages():
    assert re.findall(r"^```(\w*)", page(board()), re.MULTILINE) == ["text", ""]


def test_origins_are_told_once_each():
    class Driven:
        def __init__(self, git):
            self.facts = {"git": git, "renderer": None, "packages": {}, "machine": {}}

    found = origins([Driven("a"), Driven("b"), Driven("a")])
    assert (found["git"], found["renderer"], found["packages"]) == (["a", "b"], [], [{}])


@pytest.mark.parametrize("name", ["policies", "ablations", "rank_correlation", "advice", "targets",
                                  "origins", "warnings", "command"])
def test_the_json_has_everything_measured(name):
    content = json.loads(files_of(board(), "leaderboard", {})["leaderboard.json"])
    assert content[name]
