import json
import logging
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import scenarios
from eval.results import Run, load_record
from eval.run import run
from eval.score import score
from tests.eval import brains

ROOT = Path(__file__).parents[2]
SCENARIO = "1box_vert_left"
LISTENER = "tests.eval.brains:Listener"


def drive(out, **options):
    chosen = {"policy": "forward", "scenario": SCENARIO, "episodes": 2, "videos": 0,
              "workers": 0, "out": str(out)} | options
    return run(**chosen)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Two episodes of the expert; tests copy the folder before they change it."""
    return drive(tmp_path_factory.mktemp("runs"), policy="expert", videos=1)


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    return Path(shutil.copytree(finished.folder, tmp_path / finished.folder.name))


def test_the_expert_succeeds_and_the_summary_says_so(finished):
    total = finished.summary["total"]
    assert (total["success"]["k"], total["success"]["n"], total["contact"]["k"]) == (2, 2, 0)
    assert 0.5 < total["spl"]["mean"] <= 1.0
    assert finished.summary["source"] == "simulated"
    assert finished.timing["total"]["p50"] > 0.0


def test_forward_hits_the_box(tmp_path):
    total = drive(tmp_path).summary["total"]
    assert (total["success"]["k"], total["contact"]["k"]) == (0, 2)
    assert total["ends"] == {"contact": 2}


def test_a_run_leaves_every_file_that_it_promises(finished):
    names = {path.name for path in finished.folder.iterdir()}
    assert names == {"run.json", "run.log", "episodes.jsonl", "timing.jsonl", "arrays", "videos",
                     "summary.json", "report.md", "timing.json", "timing.md"}
    facts = json.loads((finished.folder / "run.json").read_text())
    assert facts["scenarios"] == {SCENARIO: scenarios.load(SCENARIO).hash()}
    assert facts["renderer"].startswith(("fast-", "tiny-"))
    assert facts["packages"]["pybullet"]
    assert "success (goal)" in (finished.folder / "run.log").read_text()


def test_the_first_episode_is_filmed_and_the_report_shows_it(finished):
    videos = sorted(path.name for path in (finished.folder / "videos").iterdir())
    assert videos == [f"{SCENARIO}_000.mp4", f"{SCENARIO}_000.png"]
    report = (finished.folder / "report.md").read_text()
    assert f"![{SCENARIO}_000, from above](videos/{SCENARIO}_000.png)" in report
    assert f"videos/{SCENARIO}_000.mp4" in report


def test_a_privileged_policy_is_marked_everywhere(finished):
    assert "PRIVILEGED POLICY" in finished.summary["warnings"][0]
    assert "PRIVILEGED POLICY" in (finished.folder / "report.md").read_text()


def test_the_same_seed_drives_the_same_episodes_and_another_does_not(finished, tmp_path):
    again = drive(tmp_path, policy="expert")
    other = drive(tmp_path, policy="expert", seed=1, episodes=1)
    lines = (finished.folder / "episodes.jsonl").read_bytes()
    assert (again.folder / "episodes.jsonl").read_bytes() == lines
    assert other.episodes[0]["seed"] != finished.episodes[0]["seed"]


def test_left_and_right_share_the_layout_of_one_seed(finished, tmp_path):
    right = drive(tmp_path, policy="expert", scenario="1box_vert_right", episodes=1)
    records = [load_record(Run(each.folder), each.episodes[0]) for each in (finished, right)]
    assert records[0].boxes[0].tolist() == records[1].boxes[0].tolist()
    assert records[0].instruction != records[1].instruction


def test_resuming_after_a_torn_line_gives_the_same_bytes(copied):
    kept = {name: (copied / name).read_bytes()
            for name in ("summary.json", "report.md", "episodes.jsonl", "timing.jsonl")}
    with (copied / "episodes.jsonl").open("r+b") as file:
        file.truncate(len(kept["episodes.jsonl"]) - 40)
    for name in ("summary.json", "report.md"):
        (copied / name).unlink()
    run(resume=str(copied))
    assert {name: (copied / name).read_bytes() for name in kept} == kept


def test_resuming_drives_only_what_is_missing(copied, caplog):
    lines = (copied / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (copied / "episodes.jsonl").write_bytes(lines[0])
    with caplog.at_level(logging.INFO):
        resumed = run(resume=str(copied))
    assert [line["index"] for line in resumed.episodes] == [0, 1]
    assert f"{SCENARIO}_001: success" in caplog.text
    assert f"{SCENARIO}_000: success" not in caplog.text


def test_an_interrupted_run_says_that_it_is_incomplete(copied):
    lines = (copied / "episodes.jsonl").read_bytes().splitlines(keepends=True)
    (copied / "episodes.jsonl").write_bytes(lines[0] + lines[1][:20])
    assert "INCOMPLETE: 1 of 2 episodes" in " ".join(score(copied)["warnings"])


def test_resuming_with_another_option_is_refused(copied):
    with pytest.raises(ValueError, match="began with --policy expert, got forward"):
        run(policy="forward", resume=str(copied))


def test_resuming_a_run_of_unknown_options_is_refused(copied):
    facts = json.loads((copied / "run.json").read_text())
    facts["config"]["speed"] = "high"
    (copied / "run.json").write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="no configuration of eval.run"):
        run(resume=str(copied))


@pytest.mark.parametrize("again", [score, lambda folder: run(resume=str(folder))])
def test_a_run_with_a_nonsense_line_is_refused_and_nothing_is_rewritten(copied, again):
    path = copied / "episodes.jsonl"
    first, second = path.read_text().splitlines()
    (copied / "report.md").write_text("as it was")
    path.write_text(first.replace('"success": true', '"success": false') + '\n{"id": "x"}\n')
    before = path.read_bytes()
    with pytest.raises(ValueError, match="episodes.jsonl: line 2, episode x: has no 'policy'"):
        again(copied)
    assert path.read_bytes() == before
    assert (copied / "report.md").read_text() == "as it was"


def test_scoring_a_run_with_a_nonsense_file_ends_with_two_and_one_sentence(copied):
    (copied / "run.json").write_text('{"schema_version": 1}')
    done = command("eval.score", str(copied))
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {copied / 'run.json'}: has no 'id'")
    assert len(done.stderr.splitlines()) == 1


def test_total_says_that_left_and_right_share_layouts(tmp_path, finished):
    assert finished.summary["notes"] == []
    done = drive(tmp_path, policy="stop", scenario="all", episodes=1)
    assert "Left and right of one index share a layout" in (done.folder / "report.md").read_text()


def test_resuming_after_a_scenario_changed_is_refused(copied):
    facts = json.loads((copied / "run.json").read_text())
    facts["scenarios"][SCENARIO] = "0000000000000000"
    (copied / "run.json").write_text(json.dumps(facts))
    with pytest.raises(ValueError, match="scenarios changed since this run began"):
        run(resume=str(copied))


def test_scoring_anew_changes_no_byte_and_repairs_what_was_changed(copied):
    before = (copied / "episodes.jsonl").read_bytes()
    score(copied)
    assert (copied / "episodes.jsonl").read_bytes() == before
    (copied / "episodes.jsonl").write_bytes(before.replace(b'"success": true', b'"success": false'))
    assert score(copied)["total"]["success"]["k"] == 2
    assert (copied / "episodes.jsonl").read_bytes() == before


def test_an_error_of_the_policy_is_counted_apart_and_is_in_no_rate(tmp_path):
    done = drive(tmp_path, policy="tests.eval.brains:Sometimes", episodes=6)
    total = done.summary["total"]
    errors = [line for line in done.episodes if line["ended_by"] == "policy_error"]
    assert 0 < len(errors) == total["errors"] < 6
    assert {line["error"] for line in errors} == {"I do not know."}
    for name in ("success", "reach", "contact", "spl", "path_length_m"):
        assert total[name]["n"] == 6 - len(errors)
    assert "I do not know." in (done.folder / "report.md").read_text()


def test_side_compliance_counts_only_episodes_in_which_every_box_was_passed(tmp_path):
    row = drive(tmp_path, policy="stop", episodes=1).summary["total"]
    assert row["success"]["n"] == 1
    assert row["side_compliance"] == {"k": 0, "n": 0, "rate": None, "low": 0.0, "high": 1.0}


@pytest.mark.parametrize(("given", "told"), [
    ("default", "Navigate around the obstacle on the left side and reach the cup"),
    ("none", ""), ("Go left!", "Go left!")])
def test_the_policy_is_told_the_instruction_that_was_asked_for(tmp_path, given, told):
    brains.Listener.heard.clear()
    done = drive(tmp_path, policy=LISTENER, episodes=1, instruction=given)
    assert set(brains.Listener.heard) == {told}
    assert done.episodes[0]["instruction"] == told


@pytest.mark.parametrize(("given", "name", "said"), [
    ("none", "_none", "NO INSTRUCTION"), ("Go left!", "_own_words", "OWN WORDS")])
def test_other_words_are_in_the_folders_name_and_in_the_report(tmp_path, given, name, said):
    done = drive(tmp_path, policy=LISTENER, episodes=1, instruction=given)
    assert done.folder.name.endswith(f"listener_{SCENARIO}{name}")
    assert said in done.summary["warnings"][0]
    report = (done.folder / "report.md").read_text()
    assert said in report
    assert "| told | " in report


def test_random_weights_are_said_loudly(tmp_path):
    done = drive(tmp_path, policy=LISTENER, episodes=1, random_weights=True)
    assert "RANDOM WEIGHTS" in (done.folder / "report.md").read_text()
    assert "RANDOM WEIGHTS" not in " ".join(
        drive(tmp_path, policy=LISTENER, episodes=1).summary["warnings"])


def test_own_scenario_and_robot_files_work_wherever_names_do(tmp_path):
    text = (ROOT / "scenarios" / f"{SCENARIO}.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace(f'name = "{SCENARIO}"', 'name = "mine"'))
    shutil.copy(ROOT / "envs" / "robots" / "serbot.toml", tmp_path / "rover.toml")
    done = drive(tmp_path, policy="expert", scenario=str(tmp_path / "mine.toml"), episodes=1,
                 robot=str(tmp_path / "rover.toml"))
    assert done.summary["scenarios"]["mine"]["success"]["k"] == 1


def test_videos_are_spread_over_the_scenarios(tmp_path):
    done = drive(tmp_path, policy="forward", scenario="all", episodes=1, videos=2)
    filmed = {path.stem for path in (done.folder / "videos").glob("*.mp4")}
    assert filmed == {f"{name}_000" for name in scenarios.names()[:2]}


BAD = {
    "an unknown policy": ({"policy": "forwrd"}, "Did you mean 'forward'"),
    "no policy": ({"policy": None}, "Which policy"),
    "an unknown scenario": ({"scenario": "2box_hori_lft"}, "Did you mean '2box_hori_left'"),
    "an unknown robot": ({"robot": "serbt"}, "Did you mean 'serbot'"),
    "an unknown loop": ({"loop": "opne"}, "--loop must be closed or open, got 'opne'"),
    "no episodes": ({"episodes": 0}, "--episodes must be 1 or more, got 0"),
    "a word for a number": ({"episodes": "ten"}, "--episodes must be int, got 'ten'"),
    "a missing file": ({"loop": "open", "data": "nowhere.h5"}, "nowhere.h5: no such file"),
    "a negative seed": ({"seed": -1}, "--seed must be 0 or more, got -1"),
    "no rows of a plan": ({"execute": 0}, "--execute must be 1 or more, got 0"),
    "no robot": ({"batch": 0}, "--batch must be 1 to 256, got 0"),
    "more robots than make sense": ({"batch": 100_000}, "--batch must be 1 to 256, got 100000"),
    "a server that is not there": ({"policy": "ws://127.0.0.1:9"}, "nobody listens there"),
    "open loop without data": ({"loop": "open"}, "give their folder with --data"),
    "data in the closed loop": ({"data": "somewhere"}, "read by --loop open only"),
    "a folder that is not there": ({"loop": "open", "data": "nowhere"}, "nowhere: no such folder"),
    "a foreign file": ({"loop": "open", "data": __file__}, "damaged or no HDF5 file"),
    "an option it does not take": ({"size": "mini"}, "takes no size"),
    "a run that is none": ({"resume": str(ROOT / "eval")}, "is no run"),
    "a policy with a bug": ({"policy": "tests.eval.brains:Buggy"}, "--log-level debug shows"),
    "a file as output folder": ({"out": __file__}, "is a file, expected a folder"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_a_sentence_and_leaves_nothing(name, tmp_path):
    options, said = BAD[name]
    with pytest.raises(ValueError, match=said):
        drive(**{"out": tmp_path / "runs"} | options)
    assert not (tmp_path / "runs").exists()


def test_a_scenario_that_the_recorded_keys_do_not_know_is_refused_before_driving(tmp_path):
    text = (ROOT / "scenarios" / f"{SCENARIO}.toml").read_text(encoding="utf-8")
    (tmp_path / "mine.toml").write_text(text.replace(f'name = "{SCENARIO}"', 'name = "mine"'))
    with pytest.raises(ValueError, match="core_replay has no recorded keys for scenario 'mine'"):
        drive(tmp_path / "runs", policy="core_replay", scenario=str(tmp_path / "mine.toml"))
    assert not (tmp_path / "runs").exists()


def command(*words):
    return subprocess.run([sys.executable, "-m", *words], cwd=ROOT, capture_output=True, text=True)


def test_the_command_drives_and_shows_the_table(tmp_path):
    done = command("eval.run", "--policy", "forward", "--scenario", SCENARIO, "--episodes", "1",
                   "--videos", "0", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "1/1 = 100 %" in done.stdout  # contacts
    report = done.stdout.strip().splitlines()[-1].removeprefix("Report: ")
    assert Path(report).read_text().startswith(f"# forward: {SCENARIO}")


def test_another_look_is_another_experiment(tmp_path):
    options = {"policy": "forward", "scenario": "1box_vert_left", "episodes": 1, "videos": 0,
               "out": tmp_path}
    nominal, varied, tiny = (run(**options, **more) for more in (
        {}, {"appearance": "randomised"}, {"renderer": "tiny"}))
    facts = [Run(each.folder).facts for each in (nominal, varied, tiny)]
    assert [each["appearance"]["profile"] for each in facts] == ["nominal", "randomised", "nominal"]
    assert facts[0]["appearance"]["hash"] != facts[1]["appearance"]["hash"]
    assert facts[0]["renderer"] != facts[2]["renderer"]
    assert varied.episodes[0]["appearance"]["profile"] == "randomised"
    assert varied.folder.name.endswith("_randomised")
    with pytest.raises(ValueError, match="draws only the appearance nominal"):
        run(**options, renderer="tiny", appearance="randomised")
