"""A run with a policy elsewhere is the run with the policy itself; a lost server spoils nothing."""

import json
import subprocess
import sys

import numpy as np
import pytest

from episodes.engine import LostRunError
from eval.run import run
from policies.interface import UnreachableError
from tests.hardware.brains import Drawn, SometimesWrong
from tests.hardware.openpi import Server
from tests.hardware.serving import ROOT, command, served

SCENARIO = "1box_vert_left"


def drive(policy: str, out, **options):
    return run(**{"policy": policy, "scenario": SCENARIO, "episodes": 5, "videos": 0, "workers": 0,
                  "batch": 4, "out": str(out)} | options)


def driven(result) -> list[dict]:
    """Each episode's line and arrays, without the policy's name."""
    found = []
    for line in result.episodes:
        with np.load(result.folder / line["arrays"]) as arrays:
            bits = {name: arrays[name].tobytes() for name in arrays}
        ignored = ("policy", "arrays_sha256")
        found.append({name: value for name, value in line.items() if name not in ignored} | bits)
    return found


@pytest.mark.parametrize("brain", [Drawn, SometimesWrong])
@pytest.mark.parametrize("workers", [0, 2])
def test_a_run_is_the_same_with_the_policy_elsewhere(tmp_path, brain, workers):
    here = drive(f"tests.hardware.brains:{brain.__name__}", tmp_path)
    with served(brain()) as address:
        there = drive(address, tmp_path, workers=workers)
    assert driven(there) == driven(here)
    assert len({len(each["asked"]) for each in driven(here)}) > 1
    errors = [line["error"] for line in there.episodes]
    assert (errors.count("I do not know.") in (1, 2, 3, 4)) == (brain is SometimesWrong)
    facts = json.loads((there.folder / "run.json").read_text())
    assert facts["policy"]["name"] == f"remote_{brain.name}"


def test_hybrid_served_by_the_command_drives_the_same_bits(tmp_path):
    here = drive("hybrid", tmp_path, episodes=3)
    with command("--policy", "hybrid", "--batch", "4") as (_, address):
        there = drive(address, tmp_path, episodes=3)
    assert driven(there) == driven(here)
    told = {name: json.loads((each.folder / "run.json").read_text())["policy"]["weights_hash"]
            for name, each in (("here", here), ("there", there))}
    assert told["here"] == told["there"] is not None


def test_an_openpi_server_drives_a_run(tmp_path):
    server = Server(lambda observation: {"actions": np.array([[1.15, 0.0, 0.0]])})
    with server.running() as address:
        there = drive(address, tmp_path, episodes=2)
    here = drive("forward", tmp_path, episodes=2)
    assert driven(there) == driven(here)
    assert {each["prompt"] for each in server.seen[1:]} == {
        "Navigate around the obstacle on the left side and reach the cup"}


class Mortal(Server):
    """Answers so often, then its machine is gone."""

    def __init__(self, answers: int) -> None:
        super().__init__(self.forward)
        self.left = answers

    def forward(self, observation):
        self.left -= 1
        if self.left < 0:
            raise ConnectionAbortedError
        return {"actions": np.array([[1.15, 0.0, 0.0]])}


@pytest.mark.parametrize(("workers", "kind"), [(0, UnreachableError), (1, LostRunError)])
def test_a_lost_server_is_no_episodes_failure_and_the_run_goes_on_later(tmp_path, workers, kind):
    options = {"episodes": 6, "workers": workers, "batch": 1}
    server = Mortal(answers=30)
    with server.running() as address:
        with pytest.raises(kind, match="connection to the policy server .* was lost"):
            drive(address, tmp_path / "there", **options)
        (folder,) = (tmp_path / "there").iterdir()
        kept = (folder / "episodes.jsonl").read_text().splitlines()
        assert 0 < len(kept) < 6
        assert not any(json.loads(line)["error"] for line in kept)
        server.left = 10**6
        there = run(resume=str(folder), workers=workers)
    assert driven(there) == driven(drive("forward", tmp_path / "here", episodes=6, batch=1))


def evaluate(*options: str):
    done = subprocess.run([sys.executable, "-m", "eval.run", "--scenario", SCENARIO, "--videos",
                           "0", *options], cwd=ROOT, text=True, capture_output=True, timeout=120)
    assert "Traceback" not in done.stderr
    return done


def test_the_command_says_one_sentence_where_there_is_no_server_or_it_is_lost(tmp_path):
    nobody = evaluate("--policy", "ws://127.0.0.1:9", "--out", str(tmp_path / "a"))
    assert nobody.returncode == 2
    assert nobody.stderr.startswith("error: ws://127.0.0.1:9: nobody listens there")
    assert not (tmp_path / "a").exists()
    with Mortal(answers=30).running() as address:
        lost = evaluate("--policy", address, "--workers", "1", "--out", str(tmp_path / "b"))
    assert lost.returncode == 1
    assert "error: The connection to the policy server at ws://127.0.0.1:" in lost.stderr
    assert "Continue with: python -m eval.run --resume" in lost.stderr
