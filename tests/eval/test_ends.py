"""How a run starts and ends: from Python, from the command line, and when something stops it."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from eval.run import Config, main, run
from tests.eval.test_run import ROOT, SCENARIO, command, drive


def test_paths_and_numbers_of_numpy_are_options_like_text_and_numbers(tmp_path):
    done = run(policy="stop", scenario=SCENARIO, episodes=np.int64(1), videos=0, out=tmp_path)
    assert json.loads((done.folder / "run.json").read_text())["config"]["out"] == str(tmp_path)
    assert len(run(resume=done.folder).episodes) == 1


def test_whatever_stops_a_run_it_says_how_to_go_on(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr("eval.session.add_record", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        drive(tmp_path, policy="stop")
    (folder,) = tmp_path.iterdir()
    assert f"--resume {folder}" in caplog.text


def test_a_terminated_run_says_how_to_go_on_and_ends_with_143(tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-m", "eval.run", "--policy", "forward", "--scenario", SCENARIO,
         "--episodes", "500", "--videos", "0", "--out", str(tmp_path)],
        cwd=ROOT, stderr=subprocess.PIPE, text=True)
    while not list(tmp_path.glob("*/episodes.jsonl")) and running.poll() is None:
        time.sleep(0.05)
    running.terminate()
    _, said = running.communicate()
    assert running.returncode == 143
    assert "eval.run --resume" in said


def test_a_run_in_which_every_episode_is_an_error_ends_with_one(tmp_path, capsys):
    work = main(Config(policy="tests.eval.brains:Speechless", scenario=SCENARIO, episodes=1,
                       videos=0, out=str(tmp_path)))
    with pytest.raises(SystemExit) as left:
        work()
    assert left.value.code == 1
    assert "every episode ended by an error of the policy: act must" in capsys.readouterr().err


def test_main_checks_first_and_drives_later(tmp_path):
    work = main(Config(policy="stop", scenario=SCENARIO, episodes=1, videos=0, out=str(tmp_path)))
    (folder,) = tmp_path.iterdir()
    assert not (folder / "episodes.jsonl").exists()
    work()
    assert (folder / "report.md").exists()


def test_a_wrong_name_on_the_command_line_ends_with_two_and_one_sentence(tmp_path):
    done = command("eval.run", "--policy", "hybird", "--scenario", SCENARIO, "--out",
                   str(tmp_path / "runs"))
    assert done.returncode == 2
    assert done.stderr.startswith("error: Unknown policy 'hybird'. Did you mean 'hybrid'?")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "runs").exists()
