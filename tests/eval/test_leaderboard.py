"""The whole command on small doubles: what it leaves, keeps, resumes and refuses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import eval.run
from eval import entrants
from eval.cells import find_run
from eval.leaderboard import leaderboard
from eval.leaderboard_options import Config, command, filled
from eval.results import Run
from tests.eval.test_open_run import FORWARD, LEFT, recording

ROOT = Path(__file__).parents[2]
SCENARIO = "1box_vert_left"
BRAINS = "tests.eval.brains"
SMALL = {"policy": f"forward,expert,core_replay,{BRAINS}:Sometimes,{BRAINS}:Listener",
         "scenario": SCENARIO, "episodes": 4, "data_episodes": 2, "workers": 0}


def compare(out, **options):
    return leaderboard(**SMALL | {"out": out} | options)


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory) -> Path:
    """Two real files and a dummy one."""
    folder = tmp_path_factory.mktemp("laboratory")
    recording(folder, 1, FORWARD, FORWARD, scenario=SCENARIO)
    recording(folder, 2, FORWARD, LEFT, scenario=SCENARIO)
    recording(folder, 3, LEFT, LEFT, scenario=SCENARIO, source="dummy")
    return folder


@pytest.fixture(scope="module")
def finished(tmp_path_factory, laboratory):
    out = tmp_path_factory.mktemp("board")
    return out, compare(out, data=laboratory)


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished[0], tmp_path / "board"))


@pytest.fixture
def driven(monkeypatch):
    """Which runs are driven or resumed from now on."""
    found = []
    original = eval.run.run

    def noted(*args, **options):
        found.append(options.get("resume") or options["policy"])
        return original(*args, **options)

    monkeypatch.setattr(eval.run, "run", noted)
    return found


def numbers(content, name):
    (found,) = [each for each in content["policies"] if each["name"] == name]
    return found["seeds"][0]


def test_it_leaves_a_folder_of_runs_with_a_suite(finished):
    out, content = finished
    suite = json.loads((out / "suite.json").read_text())
    assert suite["kind"] == "leaderboard"
    runs = {(each["policy"], each["loop"]): Run(out / each["run"]) for each in suite["runs"]}
    assert ("expert", "closed") in runs
    assert ("expert", "open") not in runs  # no recording can feed it
    assert runs["forward", "closed"].facts["policy"]["name"] == "forward"
    assert {path.suffix for path in out.iterdir() if path.is_file()} == {".json", ".md", ".png"}
    assert json.loads((out / "leaderboard.json").read_text()) == content


def test_the_numbers_are_those_of_the_runs(finished):
    content = finished[1]
    assert numbers(content, "expert")["closed"]["success"]["k"] == 4
    assert numbers(content, "forward")["closed"]["contact"]["k"] == 4
    assert numbers(content, "forward")["open"]["decisions"] > 10
    assert numbers(content, "forward")["latency_ms"]["p50"] > 0.0
    assert numbers(content, "expert")["open"] is None


def test_all_scenarios_pair_left_with_right_and_have_a_worst_one(tmp_path):
    content = compare(tmp_path, policy="expert,forward", scenario="all", episodes=1,
                      data_episodes=8)
    expert, forward = (numbers(content, name)["closed"] for name in ("expert", "forward"))
    assert (expert["success"]["k"], expert["success"]["n"]) == (8, 8)
    assert (expert["side_swapped"]["k"], expert["side_swapped"]["n"]) == (4, 4)
    assert forward["side_swapped"]["n"] == 0  # it passes no box
    assert (len(forward["scenarios"]), forward["worst"]["rate"]) == (8, 0.0)


def test_errors_are_counted_apart_from_failures(finished):
    closed = numbers(finished[1], "sometimes")["closed"]
    assert closed["errors"] > 0
    assert closed["success"]["n"] + closed["errors"] == 4
    assert "ERRORS: sometimes" in " ".join(finished[1]["warnings"])


def test_laboratory_files_are_judged_by_source_and_never_pooled(finished):
    parts = numbers(finished[1], "forward")["laboratory"]
    assert {source: part["decisions"] for source, part in parts.items()} == {"real": 4, "dummy": 2}
    assert parts["real"]["mae"]["mean"] == pytest.approx(2 * 1.15 / 8)
    assert numbers(finished[1], "forward")["open"]["decisions"] not in (2, 4, 6)


def test_the_held_out_episodes_are_of_the_root_that_was_asked_for(finished):
    assert finished[1]["open_loop"] == {"source": "simulated", "files": 2, "seed_roots": [700_000]}


def test_the_same_command_again_drives_nothing_and_says_the_same(copied, finished, laboratory,
                                                                  driven):
    again = compare(copied, data=laboratory)
    assert driven == []
    assert again["policies"] == finished[1]["policies"]


def test_a_killed_leaderboard_goes_on_where_it_was(copied, finished, laboratory, driven):
    suite = json.loads((copied / "suite.json").read_text())
    cut, gone = (copied / each["run"] for each in suite["runs"]
                 if (each["policy"], each["loop"]) in (("forward", "closed"),
                                                       ("expert", "closed")))
    lines = (cut / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (cut / "episodes.jsonl").write_bytes(lines[0] + lines[1][:30])
    shutil.rmtree(gone)
    gone.mkdir()  # killed before its run.json
    again = compare(copied, data=laboratory)
    assert driven == [str(cut), "expert"]
    assert numbers(again, "forward")["closed"] == numbers(finished[1], "forward")["closed"]
    assert numbers(again, "expert")["closed"] == numbers(finished[1], "expert")["closed"]


def test_other_layouts_are_other_runs_and_the_old_ones_stay(copied, driven):
    again = compare(copied, policy="forward", episodes=2)
    assert driven == ["forward"]  # the one-step errors are kept
    assert numbers(again, "forward")["closed"]["success"]["n"] == 2
    assert len(list((copied / "runs").glob("forward_seed_0_closed_*"))) == 2


def test_a_page_lies_where_it_was_asked_for_with_its_pictures(copied, tmp_path, driven):
    compare(copied, page=tmp_path / "docs" / "compared.md")
    names = {path.name for path in (tmp_path / "docs").iterdir()}
    assert names == {"compared.md", "compared.json", "compared_success.png",
                     "compared_success_against_error.png"}
    assert driven == []


def test_a_model_with_random_weights_is_loud_and_its_parameters_are_counted(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(entrants, "SHIPPED", tmp_path / "nothing")
    content = compare(tmp_path / "out", policy="kosmos_lstm,hybrid", random_weights=True,
                      episodes=1, data_episodes=1)
    assert "RANDOM WEIGHTS: kosmos_lstm, hybrid" in content["warnings"][0]
    parameters = {each["name"]: each["parameters"] for each in content["policies"]}
    assert parameters["hybrid"]["towers"] > parameters["kosmos_lstm"]["towers"] > 1_000_000
    assert all(each["head"] > 10_000 for each in parameters.values())
    assert [each["passed"] for each in content["targets"]] == [None] * len(content["targets"])


def test_without_weights_a_model_is_a_line_and_not_a_run(tmp_path, monkeypatch):
    monkeypatch.setattr(entrants, "SHIPPED", tmp_path / "nothing")
    content = compare(tmp_path / "out", policy="kosmos_lstm,forward", episodes=1, data_episodes=1)
    assert [each["name"] for each in content["policies"]] == ["kosmos_lstm", "forward"]
    assert content["policies"][0]["seeds"] == []
    assert content["warnings"][0] == "NO WEIGHTS, not measured: kosmos_lstm."


def test_given_episodes_are_taken_and_nothing_is_generated(finished, tmp_path):
    (made,) = finished[0].glob("episodes_*")
    content = compare(tmp_path / "out", policy="forward", episodes=1, episodes_from=made)
    assert content["open_loop"]["files"] == 2
    assert list((tmp_path / "out").glob("episodes_*")) == []


def test_a_policy_that_these_laboratory_files_cannot_feed_is_said_so(tmp_path, laboratory):
    early = tmp_path / "early"
    early.mkdir()
    shutil.copy(sorted(laboratory.iterdir())[0], early / "episode_20250805_000000.h5")
    compare(tmp_path / "out", policy="forward,core_replay", episodes=1, data_episodes=1, data=early,
            instruction="Go to the cup")
    text = (tmp_path / "out" / "leaderboard.md").read_text()
    assert "not possible: these files lack what it needs" in text.partition("laboratory files")[2]


@pytest.mark.parametrize(("options", "said"), [
    ({"episodes": 0}, "--episodes must be 1 or more, got 0"),
    ({"data_seed": 900_000}, "--data-seed must be less than 900000"),
    ({"page": "board.html"}, "--page must be a Markdown file"),
    ({"policy": "hybird"}, "Did you mean 'hybrid'"), ({"scenario": "2box"}, "Unknown scenario"),
    ({"appearance": "dark"}, "dark"), ({"data": "nowhere"}, "nowhere: no such folder"),
    ({"episodes_from": "nowhere"}, "nowhere: no such folder"),
    ({"curves": "nowhere.json"}, "nowhere.json: cannot be read"),
    ({"seeds_from": "nowhere"}, "holds no weights seed_<k>/<name>"),
    ({"policy": f"{BRAINS}:Pupil", "data_seed": 7}, "pupil learned from episodes of root 7"),
])
def test_wrong_input_is_one_sentence_and_leaves_nothing_driven(tmp_path, options, said):
    with pytest.raises(ValueError, match=said):
        compare(tmp_path / "out", **options)
    assert not (tmp_path / "out" / "runs").exists()
    assert not (tmp_path / "out" / "leaderboard.md").exists()


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(ValueError, match="cannot be written"):
        compare(tmp_path / "out")


def test_laboratory_files_are_not_taken_for_simulated_ones(tmp_path, laboratory):
    with pytest.raises(ValueError, match="holds dummy, real episodes, expected simulated ones"):
        compare(tmp_path / "out", policy="forward", episodes_from=laboratory)


def test_given_episodes_that_somebody_learned_from_are_refused(tmp_path):
    folder = tmp_path / "seen"
    folder.mkdir()
    recording(folder, 1, FORWARD, source="simulated", purpose="train", seed_root=7)
    with pytest.raises(ValueError, match="pupil learned from episodes of root 7"):
        compare(tmp_path / "out", policy=f"{BRAINS}:Pupil", episodes_from=folder)


def test_the_command_ends_with_2_and_one_sentence_for_wrong_input(tmp_path):
    done = subprocess.run([sys.executable, "-m", "eval.leaderboard", "--episodes", "0", "--out",
                           str(tmp_path / "out")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: --episodes must be 1 or more, got 0.\n"


def test_the_page_s_command_names_what_was_asked_and_no_place_of_this_machine():
    options = filled(Config(quick=True, seeds_from=Path("/home/me/trained"), seed=3, workers=2,
                            out=Path("/tmp/x"), page=Path("docs/leaderboard.md")))
    assert command(options) == ("python -m eval.leaderboard --quick --seeds-from trained "
                                "--seed 3 --page docs/leaderboard.md")


def test_runs_are_found_by_their_content(finished):
    class Unknown:
        name = "forward_seed_0_closed_000000000000"

    assert find_run(Unknown(), finished[0]) is None
