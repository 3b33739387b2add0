import json
import subprocess
import sys
from pathlib import Path

import pytest

from eval.compare import compare
from eval.config import Config
from eval.results import Run
from eval.run import run
from eval.score import score
from eval.until import Against, Decided
from tests.eval.stored import LEFT, RIGHT, finished

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def never(tmp_path_factory):
    """Twelve layouts, left and right, on which somebody stood still."""
    return run(policy="stop", scenario=LEFT, episodes=12, videos=0, workers=0,
               out=str(tmp_path_factory.mktemp("runs")))


def until(never, out, policy="expert", **options):
    return run(policy=policy, until_decided=True, against=str(never.folder), videos=0, workers=0,
               out=str(out), **options)


def test_it_stops_as_soon_as_it_is_decided_and_says_who_is_better(never, tmp_path):
    found = until(never, tmp_path)
    # Bets of 1 on +1, but for the first, blind one: 1.5^n >= 40 at n = 10.
    assert len(found.episodes) == 1 + 10 < 12
    assert found.decision.startswith("this policy is better than stop of ")
    assert found.decision.endswith("after 11 rounds, 11 episodes")
    content = json.loads((found.folder / "decision.json").read_text())
    assert content["e_values"]["better"] == pytest.approx(1.5 ** 10)
    assert content["thresholds"]["better"] == 40.0
    assert (content["difference"], content["high"]) == (1.0, 1.0)
    assert content["low"] > 0.0


def test_a_decided_run_is_a_whole_run_that_says_so_everywhere(never, tmp_path):
    found = until(never, tmp_path)
    facts = json.loads((found.folder / "run.json").read_text())
    assert facts["planned"] == 11
    assert len(list((found.folder / "arrays").iterdir())) == 11
    assert any(each.startswith("STOPPED WHEN DECIDED") for each in found.summary["warnings"])
    assert not any(each.startswith("INCOMPLETE") for each in found.summary["warnings"])
    assert score(found.folder) == found.summary
    warned = compare(never.folder, found.folder).warnings
    assert any("STOPPED WHEN DECIDED" in each for each in warned)
    with pytest.raises(ValueError, match="has come to its end .*nothing is left to drive"):
        run(resume=str(found.folder))


def test_two_policies_that_do_the_same_are_undecided_when_episodes_end(never, tmp_path):
    found = until(never, tmp_path, policy="stop")
    assert len(found.episodes) == 12
    assert found.decision.startswith("undecided, for ")
    assert json.loads((found.folder / "decision.json").read_text())["decision"] is None


def test_a_run_that_was_killed_goes_on_to_the_same_decision(never, tmp_path):
    whole = until(never, tmp_path / "whole")
    cut = until(never, tmp_path / "cut")
    facts = json.loads((cut.folder / "run.json").read_text())
    del facts["until_decided"]
    (cut.folder / "run.json").write_text(json.dumps(facts | {"planned": 12}))
    lines = (cut.folder / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (cut.folder / "episodes.jsonl").write_bytes(b"".join(lines[:4]))
    again = run(resume=str(cut.folder))
    assert again.episodes == whole.episodes
    assert again.decision == whole.decision


def test_options_are_those_of_the_run_that_is_joined(never, tmp_path):
    config = Config(policy="stop", until_decided=True, against=str(never.folder))
    joined = Against(config).joined(config, ())
    assert (joined.scenario, joined.episodes, joined.seed) == (LEFT, 12, 0)
    with pytest.raises(ValueError, match=rf"--scenario {RIGHT} is not that of .*{LEFT}: its "):
        until(never, tmp_path, scenario=RIGHT)
    with pytest.raises(ValueError, match="--seed 3 is not that of .*, 0: its episodes would not"):
        until(never, tmp_path, seed=3)


@pytest.mark.parametrize(("options", "said"), [
    ({"against": None}, "name it with --against RUN"),
    ({"alpha": 1.5}, "--alpha must be above 0 and below 1, got 1.5"),
    ({"min_effect": 0.0}, "--min-effect must be above 0"),
    ({"loop": "open"}, "belongs to the closed loop"),
    ({"against": "nowhere"}, "is no run")])
def test_what_makes_no_sense_is_refused_before_anything_is_written(tmp_path, never, options, said):
    chosen = {"policy": "stop", "until_decided": True, "against": str(never.folder),
              "out": str(tmp_path / "runs")} | options
    with pytest.raises(ValueError, match=said):
        run(**chosen)
    assert not (tmp_path / "runs").exists()


class Scripted:
    """A loop whose episodes come back in any order."""

    spent = None

    def __init__(self, lines):
        self._lines = lines

    def lines(self, run, config):
        yield from self._lines


def test_rounds_count_in_their_order_whatever_ended_first(tmp_path):
    names = (LEFT, RIGHT)
    base = finished(tmp_path, lambda s, i: False, 30, scenarios=names, report=False)
    mine = finished(tmp_path, lambda s, i: None if i == 0 else True, 30, scenarios=names,
                    name="b", report=False)
    config = Config(policy="b", until_decided=True, against=str(base.folder))
    decided = {}
    for order in (1, -1):
        loop = _loop(config, mine, order)
        empty = finished(tmp_path, lambda s, i: True, 0, scenarios=names, name="c", report=False)
        driven = list(loop.lines(empty, config))
        kept = loop.settle(empty, mine.lines())
        decided[order] = ([line["id"] for line in kept], empty.facts["until_decided"])
        assert len(driven) >= len(kept) == empty.facts["planned"]
    assert decided[1] == decided[-1]
    # Round 0 is errors alone; then a blind bet, and ten at 1.5.
    assert decided[1][1].endswith("after 12 rounds, 24 episodes")


def _loop(config, mine, order):
    """A `Decided` over the lines of a finished run, round by round or all backwards."""
    from episodes.drive import Job
    from episodes.rollout import Task

    against = Against(config)
    lines = mine.lines()
    jobs = against.jobs([Job(line["id"], None, Task(line["seed"], "")) for line in lines])
    by_id = {line["id"]: line for line in lines}
    return Decided(Scripted([by_id[job.key] for job in jobs][::order]), against, config, jobs)


def test_the_command_prints_the_decision_last(never, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "eval.run", "--policy", "expert", "--until-decided", "--against",
         str(never.folder), "--out", str(tmp_path), "--videos", "0", "--workers", "0"],
        cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("this policy is better than stop of ")
    assert "these can show" in done.stderr  # what the episodes could find, said before
    (folder,) = tmp_path.iterdir()
    assert len(Run(folder).lines()) == 11
