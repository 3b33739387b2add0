"""Runs on a real Ray cluster of two nodes on this machine; nodes join and are killed meanwhile."""

import importlib.util
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time

import pytest

from envs import load_robot
from episodes import actors
from episodes.cluster import Cluster
from episodes.drive import Job
from episodes.generate import generate
from episodes.out_folder import await_visible
from episodes.rollout import Task
from episodes.shards import Recipe
from eval.config import Config
from eval.prepare import prepare
from eval.run import run
from scenarios import load
from tests.episodes.test_generate import contents
from tests.eval.test_faults import is_alive, written
from tests.eval.test_run import ROOT, SCENARIO

SLOW, FROZEN = "tests.episodes.brains:Slow", "tests.episodes.brains:Frozen"
NODE = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 * 2**20}
NOTICE_SOON = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500,
               "health_check_failure_threshold": 3}  # so that the next test need not wait
HANG_S = 5.0  # instead of 20
WITHIN_S = 60.0
LIMIT_S = 180  # for one test


@pytest.fixture(scope="module")
def machines():
    """A cluster of one node; tests let others join."""
    from ray.cluster_utils import Cluster as RayCluster

    cluster = RayCluster(initialize_head=True,
                         head_node_args={**NODE, "_system_config": NOTICE_SOON})
    yield cluster
    cluster.shutdown()


@pytest.fixture(autouse=True)
def in_time():
    """No test waits for a cluster for ever."""
    def late(*_):
        raise TimeoutError(f"the test took more than {LIMIT_S} s")
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def second(machines):
    """A second node, which may be killed."""
    node = machines.add_node(**NODE)
    machines.wait_for_nodes()
    yield node
    if node in machines.list_all_nodes():
        machines.remove_node(node, allow_graceful=False)


@pytest.fixture
def ray_options(machines):
    return {"engine": "ray", "address": machines.address, "workers": 2}


def kill(machines, node):
    """As a machine ends: without a word."""
    machines.remove_node(node, allow_graceful=False)


def kill_when(machines, node, condition) -> threading.Thread:
    """Kill a node beside what goes on, as soon as the condition holds."""
    def wait():
        until = time.monotonic() + WITHIN_S
        while not condition() and time.monotonic() < until:
            time.sleep(0.01)
        kill(machines, node)
    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def jobs(count: int, most: int | None = None) -> list[Job]:
    scenario = load(SCENARIO)
    return [Job(str(seed), scenario, Task(seed, "go", most=most)) for seed in range(count)]


def recipe(policy: str = SLOW, **options) -> Recipe:
    return Recipe(policy, options, load_robot(), batch=2, hang_s=HANG_S)


def processes(text: str) -> set[int]:
    """Worker processes that a log speaks of."""
    return {int(number) for number in re.findall(r"process (\d+) on", text)}


def test_a_machine_that_is_killed_in_a_run_costs_no_episode_and_no_byte(
        machines, second, ray_options, tmp_path):
    options = {"policy": SLOW, "scenario": SCENARIO, "episodes": 40, "videos": 1, "batch": 2}
    local = run(**options, workers=0, out=str(tmp_path / "local"))
    session = prepare(Config(**options, **ray_options, out=str(tmp_path / "cluster")))
    lines = session.drive()
    for _ in range(2):
        next(lines)
    kill(machines, second)
    assert len(list(lines)) == 38
    log = (session.run.folder / "run.log").read_text()
    assert "another takes its place" in log
    assert "was under way there and is driven again" in log
    resumed = run(resume=session.run.folder, **ray_options | {"workers": 1})
    assert written(resumed.folder) == written(local.folder)


def test_a_machine_that_is_killed_while_generating_costs_no_file_and_no_byte(
        machines, second, ray_options, tmp_path):
    options = {"scenario": SCENARIO, "episodes": 40, "image": (9, 16), "pattern": "core"}
    local = generate(tmp_path / "local", **options)
    stop = kill_when(machines, second, lambda: len(list((tmp_path / "ray").glob("*.h5"))) > 5)
    cluster = generate(tmp_path / "ray", **options, **ray_options)
    stop.join()
    assert second not in machines.list_all_nodes()
    assert cluster == local
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


def test_a_machine_that_joins_is_used(machines, tmp_path):
    engine = Cluster(recipe(), 2, machines.address)
    node = None
    try:
        engine.rehearse(jobs(1, most=1))
        assert engine.width == 1
        driving = engine.drive(jobs(60))
        next(driving)
        node = machines.add_node(**NODE)
        assert len(list(driving)) == 59
        assert engine.width == 2
    finally:
        engine.close()
        if node is not None:
            machines.remove_node(node, allow_graceful=False)


def test_a_worker_that_gives_no_sign_of_life_is_replaced(machines, second, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    engine = Cluster(recipe(FROZEN, checkpoint=str(tmp_path)), 2, machines.address)
    try:
        engine.rehearse(jobs(1, most=1))
        assert {driven.key for driven in engine.drive(jobs(8))} == {job.key for job in jobs(8)}
    finally:
        engine.close()
    assert "gave no sign of life" in caplog.text
    lost = processes(caplog.text)
    assert len(lost) == 1
    until = time.monotonic() + WITHIN_S
    while any(map(is_alive, lost)):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_machine_with_another_installation_is_refused(machines, monkeypatch):
    ours = {**actors.installation(), "numpy": "1.0"}
    monkeypatch.setattr(actors, "installation", lambda: ours)
    engine = Cluster(recipe(), 1, machines.address)
    try:
        with pytest.raises(ValueError, match=r"another installation.*numpy .* \(here 1.0\)"):
            engine.rehearse(jobs(1, most=1))
    finally:
        engine.close()


def test_a_cluster_of_another_version_of_ray_is_refused(machines, monkeypatch):
    monkeypatch.setattr("ray.__version__", "2.0.0")
    with pytest.raises(ValueError, match="no Ray cluster can be used at .*Version mismatch"):
        Cluster(recipe(), 1, machines.address)


def test_a_cluster_without_a_free_processor_is_refused(machines, monkeypatch, tmp_path):
    monkeypatch.setattr("episodes.cluster.PLACE_S", 0.5)
    with pytest.raises(ValueError, match="no processor of the cluster got free"):
        run(policy="forward", device="cuda", engine="ray", address=machines.address,
            out=str(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_a_folder_that_is_not_shared_is_refused(machines, monkeypatch, tmp_path):
    monkeypatch.setattr("episodes.generate.prepare", lambda folder, token: folder.mkdir())
    with pytest.raises(ValueError, match="out is not shared: .* does not see what lies in it"):
        generate(tmp_path / "out", episodes=1, engine="ray", address=machines.address)
    assert not (tmp_path / "out").exists()


def test_a_file_that_does_not_appear_here_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("episodes.out_folder.VISIBLE_S", 0.1)
    with pytest.raises(ValueError, match="a.h5: was written on another machine and is not seen"):
        await_visible(tmp_path / "a.h5")


@pytest.mark.parametrize("words", [
    ("eval.run", "--policy", "forward"), ("episodes.generate",),
    ("training.run", "--work", "work")])
def test_a_command_with_an_address_where_nothing_is_says_one_sentence(tmp_path, words):
    done = subprocess.run(
        [sys.executable, "-m", *words, "--engine", "ray", "--address", "127.0.0.1:1", "--out",
         str(tmp_path / "out")],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: no Ray cluster answers at 127.0.0.1:1 (")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("options", "sentence"), [
    ({"engine": "ray", "address": "somewhere"}, "--address must be HOST:PORT"),
    ({"engine": "ray", "address": "ray://head:10001"}, "--address must be HOST:PORT"),
    ({"engine": "rya"}, "--engine must be one of local, ray, got 'rya'"),
    ({"address": "head:6379"}, "--address head:6379 is a Ray cluster's: give --engine ray"),
    ({"engine": "ray", "loop": "open", "data": "data"}, "--engine belongs to the closed loop"),
])
def test_a_wrong_engine_or_address_is_refused(tmp_path, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        run(policy="forward", out=str(tmp_path / "runs"), **options)
    assert not (tmp_path / "runs").exists()


def test_where_ray_is_not_installed_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ray" else True)
    with pytest.raises(ValueError, match="install mobile-vla-bench.ray."):
        generate(tmp_path / "out", episodes=1, engine="ray", address="127.0.0.1:1")
    assert not (tmp_path / "out").exists()
