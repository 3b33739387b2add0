"""Runs in worker processes: every fault is injected for real; the report stays the same bytes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envs.remote import OUT_OF_MEMORY
from episodes import shards
from episodes.drive import FatalEpisodeError
from episodes.rollout import policy_seed
from episodes.supervision import STOOD_STILL_S, WorkerError
from eval import session
from eval.run import run
from eval.score import score
from scenarios import episode_seed, load
from tests.eval.test_run import ROOT, SCENARIO

FRAGILE = "tests.eval.brains:Fragile"
FILES = ("report.md", "summary.json", "episodes.jsonl")
EPISODES = 12
HANG_S = 5.0  # instead of 20
FAULTS = ("killed", "stopped", "aborted", "out of memory")


def drive(out: Path, **options):
    return run(**{"policy": FRAGILE, "scenario": SCENARIO, "episodes": EPISODES, "videos": 0,
                  "workers": 2, "out": str(out)} | options)


def written(folder: Path) -> dict[str, bytes]:
    """Every byte, but for the row of the code's revision: somebody may commit meanwhile."""
    found = {name: (folder / name).read_bytes() for name in FILES}
    report, rows = re.subn(rb"\| code \| [0-9a-f]+(\+changed)? \|\n", b"", found["report.md"])
    assert rows <= 1
    return found | {"report.md": report}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, bytes]:
    return written(drive(tmp_path_factory.mktemp("runs"), workers=0).folder)


@pytest.fixture
def inject(tmp_path, monkeypatch):
    """A fault in the fourth episode, so many times."""
    def set_up(fault: str, times: int) -> Path:
        seed = policy_seed(episode_seed("eval", 0, load(SCENARIO).layout_group, 3))
        folder = tmp_path / "faults"
        folder.mkdir()
        for name, value in (("FAULT", fault), ("FAULT_SEED", seed), ("FAULT_TIMES", times),
                            ("FAULT_FOLDER", folder)):
            monkeypatch.setenv(name, str(value))
        monkeypatch.setattr("eval.engines.HANG_S", HANG_S)
        return folder
    return set_up


def test_no_number_of_workers_changes_the_report(undisturbed, tmp_path):
    for workers in (1, 2, 3):
        assert written(drive(tmp_path, workers=workers).folder) == undisturbed


def test_one_policy_for_worlds_elsewhere_gives_the_same_report(undisturbed, tmp_path, monkeypatch):
    monkeypatch.setattr("eval.engines.is_large", lambda config: True)  # as on a GPU
    assert written(drive(tmp_path).folder) == undisturbed


@pytest.mark.parametrize("fault", FAULTS)
def test_a_worker_that_is_lost_costs_no_episode_and_no_byte(undisturbed, tmp_path, inject, fault):
    faults = inject(fault, times=2)
    done = drive(tmp_path / "runs")
    assert len(list(faults.iterdir())) == 2
    assert written(done.folder) == undisturbed
    assert "another takes its place" in (done.folder / "run.log").read_text()
    assert not any(is_alive(int(path.name.split("_")[1])) for path in faults.iterdir())


def test_the_one_worker_of_a_small_run_is_supervised_too(tmp_path, inject):
    faults = inject("stopped", times=1)
    done = drive(tmp_path / "runs", workers=None, episodes=4)
    assert len(list(faults.iterdir())) == 1
    assert done.summary["total"]["success"]["n"] == 4


def test_a_policy_that_hangs_while_it_loads_is_noticed(tmp_path, inject, caplog):
    inject("waits for ever", times=1)
    drive(tmp_path / "runs", policy="tests.eval.brains:SlowStart", workers=1, episodes=1)
    assert "gave no sign of life" in caplog.text


def test_a_policy_that_reads_a_torn_file_says_so_itself(tmp_path, inject):
    inject("a torn file", times=99)
    with pytest.raises(WorkerError, match="EOFError: Ran out of input"):
        drive(tmp_path / "runs", policy="tests.eval.brains:SlowStart")


def test_who_ran_out_of_memory_is_said_to_have_ended_so(tmp_path, inject, caplog):
    inject("out of memory", times=1)
    drive(tmp_path / "runs")
    assert f"ended with exit code {OUT_OF_MEMORY}" in caplog.text
    assert "SIGKILL" not in caplog.text


def test_a_pause_of_everything_is_nobodys_fault(undisturbed, tmp_path):
    running, folder = start(tmp_path, 1)
    everyone = [running.pid, *children(running.pid)]
    for number in everyone:
        os.kill(number, signal.SIGSTOP)
    time.sleep(STOOD_STILL_S + 1.0)
    for number in everyone:
        os.kill(number, signal.SIGCONT)
    assert running.wait() == 0
    assert written(folder) == undisturbed
    assert "another takes its place" not in (folder / "run.log").read_text()


def test_driving_waits_for_what_is_slow_to_store(tmp_path, monkeypatch):
    driven, stored, most = [], [], []
    add = session.add_record

    def slowly(run, index, record, spent):
        time.sleep(0.05)
        stored.append(index)
        most.append(len(driven) - len(stored))
        return add(run, index, record, spent)

    monkeypatch.setattr(session, "add_record", slowly)
    monkeypatch.setattr(session.Spent, "add", lambda self, each: driven.append(each))
    drive(tmp_path, policy="forward", episodes=30)
    assert len(stored) == 30
    assert max(most) <= session.MOST_WAITING + 1


def is_alive(process: int) -> bool:
    """Whether a process is there and not only waits to be counted."""
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_episode_that_takes_down_three_workers_ends_the_run_and_all_others_are_kept(
        undisturbed, tmp_path, inject, monkeypatch):
    inject("aborted", times=3)
    add = session.add_record

    def slowly(*given):  # so that some are driven and not stored yet when the run ends
        time.sleep(0.2)
        return add(*given)

    monkeypatch.setattr(session, "add_record", slowly)
    with pytest.raises(FatalEpisodeError, match=f"{SCENARIO}_003 took down 3 processes, the last "
                                                "one was ended by SIGABRT"):
        drive(tmp_path / "runs")
    (folder,) = (tmp_path / "runs").iterdir()
    lines = [json.loads(line) for line in (folder / "episodes.jsonl").read_text().splitlines()]
    assert {line["index"] for line in lines} == set(range(EPISODES)) - {3}
    assert not any(line["error"] for line in lines)
    assert written(run(resume=folder).folder) == undisturbed


def test_a_bug_in_a_worker_ends_the_run_with_its_traceback(tmp_path, inject):
    inject("a bug", times=1)
    with pytest.raises(WorkerError, match="brains.py.*\n(.*\n)*ZeroDivisionError: div"):
        drive(tmp_path / "runs")


def test_a_policy_that_aborts_at_once_is_refused_and_leaves_nothing(tmp_path, inject, monkeypatch):
    inject("aborted", times=99)
    seed = policy_seed(episode_seed("eval", 0, load(SCENARIO).layout_group, 0))
    monkeypatch.setenv("FAULT_SEED", str(seed))
    monkeypatch.setenv("FAULT_AT", "1")
    with pytest.raises(ValueError, match="3 worker processes ended before they could drive"):
        drive(tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_lost_worker_is_noticed_within_thirty_seconds(tmp_path, inject, monkeypatch, caplog,
                                                        fault):
    faults = inject(fault, times=1)
    monkeypatch.setattr("eval.engines.HANG_S", shards.HANG_S)
    drive(tmp_path / "runs", episodes=40)
    (noticed,) = [each for each in caplog.records if "another takes its place" in each.message]
    (happened,) = faults.iterdir()
    after_s = noticed.created - happened.stat().st_mtime
    print(f"{fault}: noticed after {after_s:.1f} s")
    assert after_s < 30.0


def command(*words: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "eval.run", *words], cwd=ROOT,
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def start(out: Path, lines: int, **env: str) -> tuple[subprocess.Popen, Path]:
    """A run of its own, with two workers, when so many episodes are stored."""
    running = command("--policy", FRAGILE, "--scenario", SCENARIO, "--episodes", str(EPISODES),
                      "--videos", "0", "--workers", "2", "--out", str(out))
    while running.poll() is None:
        for path in out.glob("*/run.json"):
            stored = path.with_name("episodes.jsonl")
            if not lines or (stored.exists() and stored.read_text().count("\n") >= lines):
                return running, path.parent
        time.sleep(0.005)
    raise AssertionError(running.communicate()[1])


@pytest.mark.parametrize("lines", [0, 1, 6])
def test_a_run_that_is_killed_is_resumed_and_gives_the_same_bytes(undisturbed, tmp_path, lines):
    running, folder = start(tmp_path, lines)
    workers = children(running.pid)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert written(run(resume=folder).folder) == undisturbed
    assert not any(is_alive(worker) for worker in workers)


def test_a_worker_that_hangs_does_not_outlive_a_killed_run(tmp_path):
    running, _ = start(tmp_path, 0)
    workers = children(running.pid)
    os.kill(workers[0], signal.SIGSTOP)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    until = time.monotonic() + 10
    while any(is_alive(worker) for worker in workers):
        assert time.monotonic() < until, workers
        time.sleep(0.01)


def test_two_processes_never_work_on_one_run(undisturbed, tmp_path):
    running, folder = start(tmp_path, 1)
    running.send_signal(signal.SIGSTOP)
    for second in (lambda: run(resume=folder), lambda: score(folder)):
        with pytest.raises(ValueError, match="another process is working on this run"):
            second()
    running.send_signal(signal.SIGCONT)
    assert running.wait() == 0
    assert written(folder) == undisturbed
    score(folder)
    assert written(folder) == undisturbed


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_asked_to_end_says_how_to_go_on(tmp_path, sent, code):
    running, folder = start(tmp_path, 1)
    running.send_signal(sent)
    said = running.communicate()[1]
    assert running.returncode == code
    assert f"eval.run --resume {folder}" in said
    assert "Traceback" not in said


def children(parent: int) -> list[int]:
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(number) for number in path.read_text().split()]


def test_more_workers_than_make_sense_are_refused_with_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="--workers must be at most"):
        drive(tmp_path / "runs", workers=10_000)
    assert not (tmp_path / "runs").exists()


def test_more_workers_than_episodes_are_reduced_and_that_is_said(tmp_path, caplog):
    caplog.set_level("INFO")
    drive(tmp_path, workers=3, episodes=1)
    assert "--workers 3: only 1 are of use" in caplog.text


def test_films_of_episodes_driven_elsewhere_show_what_was_seen_there(tmp_path):
    done = drive(tmp_path, policy="forward", episodes=2, videos=2)
    names = sorted(path.name for path in (done.folder / "videos").glob("*.mp4"))
    assert names == [f"{SCENARIO}_000.mp4", f"{SCENARIO}_001.mp4"]
    assert "![" in (done.folder / "report.md").read_text()
