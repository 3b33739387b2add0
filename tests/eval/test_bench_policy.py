"""The bench of decisions: what is counted, what is refused, what a GPU machine needs for it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import policies
from eval.bench.floors import ImpossibleError, floors
from eval.bench.hardware_profiles import load_hardware
from eval.bench.policy import PolicyOptions, main
from eval.bench.policy_numbers import best, found, guard, spread
from policies.decision_times import Protocol, measure
from policies.stepped import Stepped
from policies.work import FRAME, work_of
from tests.hiding import hide

ROOT = Path(__file__).parents[2]
FEW = {"decisions": 5, "seconds": 0.1, "picture": (72, 128)}
ABSENT = ("pybullet", "gymnasium", "numba", "hdf5plugin", "h5py", "tyro", "rich", "av")


@pytest.fixture(scope="module")
def numbers():
    return found(PolicyOptions("hybrid", random_weights=True, **FEW))


def test_stages_have_the_names_that_floors_have_and_add_up_to_a_decision(numbers):
    counted = {stage.name for stage in work_of("hybrid", "mini").stages}
    assert counted <= set(numbers["stages"])
    assert {"pre-processing", "window", "post-processing"} <= set(numbers["stages"])
    looking = numbers["stages"]["Kosmos-2 looks"]
    assert (looking["per"], looking["calls"], looking["floor_ms"] > 0) == ("frame", 1, True)
    own = sum(stage["min_ms"] for stage in numbers["stages"].values() if stage["per"] == FRAME)
    assert own <= numbers["end to end"]["max_ms"] * 5


def test_known_words_run_no_text_tower_and_new_ones_run_both(numbers):
    assert numbers["text_tower_calls_again"] == 0
    assert {name for name, stage in numbers["stages"].items() if stage["per"] != FRAME} == {
        "Kosmos-2 reads the words", "CLIP reads the words"}
    assert numbers["floor_with_words_ms"] > numbers["floor_ms"]


def test_actions_and_decisions_a_second_are_two_numbers():
    planned = found(PolicyOptions("robovlms_fc", random_weights=True, execute=5, batch=2, **FEW))
    assert planned["decisions_s"] == pytest.approx(2e3 / planned["end to end"]["p50_ms"])
    assert planned["actions_s"] == pytest.approx(5 * planned["decisions_s"])
    assert planned["stages"]["Kosmos-2 answers the action token"]["floor_ms"] > 0


def test_step_by_step_and_in_whole_numbers_a_decision_has_its_own_floor(numbers):
    small = found(PolicyOptions("hybrid", random_weights=True, dtype="int8", **FEW))
    assert (small["dtype"], small["head_dtype"], small["policy"]) == (
        "int8", "int8", "hybrid_stepped")
    assert 0 < small["floor_ms"] < small["end to end"]["min_ms"]
    assert small["memory"]["weights"] < numbers["memory"]["weights"]
    each_once = {"pre-processing", "Kosmos-2 looks", "CLIP looks", "head: fusion", "head: lstm",
                 "head: actions", "head: rest", "post-processing"}
    assert {name: stage["calls"] for name, stage in small["stages"].items()
            if stage["per"] == FRAME} == dict.fromkeys(each_once, 1)


def test_a_policy_that_goes_step_by_step_takes_an_engine_itself():
    for policy in ("hybrid_stepped", "policies.stepped:HybridCarried"):
        numbers = found(PolicyOptions(policy, random_weights=True, engine="eager", **FEW))
        assert numbers["policy"] == policy.replace("policies.stepped:HybridCarried",
                                                   "hybrid_carried")


def test_what_cannot_be_told_apart_has_no_stages(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(Stepped, "is_eager", False)  # as when torch has compiled it
    main(PolicyOptions("hybrid_stepped", random_weights=True, out=tmp_path / "b.json", **FEW))
    said = capsys.readouterr().out
    assert "frame to command" in said
    for stages in ("| stage |", "text towers", "quickest"):
        assert stages not in said


def test_a_policy_without_weights_is_timed_and_has_no_floor():
    numbers = found(PolicyOptions("forward", **FEW))
    assert (numbers["stages"], "floor_ms" in numbers) == ({}, False)
    guard(numbers)


def test_a_stage_or_a_decision_below_its_floor_is_refused(numbers):
    quick = {**numbers, "end to end": {**numbers["end to end"],
                                       "min_ms": 0.9 * numbers["floor_ms"]}}
    with pytest.raises(ImpossibleError, match="hybrid: .* is impossible"):
        guard(quick)
    looks = numbers["stages"]["CLIP looks"]
    stage = {**looks, "min_ms": 0.9 * looks["floor_ms"]}
    with pytest.raises(ImpossibleError, match="CLIP looks: .* is impossible"):
        guard({**numbers, "stages": {**numbers["stages"], "CLIP looks": stage}})


def test_after_the_measurement_a_policy_is_as_it_was():
    policy = policies.make("hybrid", random_weights=True)
    before = [dict(vars(thing)) for thing in (policy, policy.backbone.kosmos, policy.head)]
    measure(policy, Protocol(decisions=2, seconds=0.1, picture=(72, 128)))
    after = [dict(vars(thing)) for thing in (policy, policy.backbone.kosmos, policy.head)]
    assert [each.keys() for each in before] == [each.keys() for each in after]
    assert "forward" not in vars(policy.head.lstm)


def test_percentiles_and_jitter_can_be_checked_in_the_head():
    found = spread([0.001] * 99 + [0.003])
    assert (found["p50_ms"], found["min_ms"], found["max_ms"]) == pytest.approx((1.0, 1.0, 3.0))
    assert found["count"] == 100


def test_several_robots_share_the_weights_and_not_the_operations():
    work, nx = work_of("hybrid", "full"), load_hardware("orin-nx-16gb")
    one, eight = (floors(work, nx, "fp16", False, batch) for batch in (1, 8))
    assert eight["head: lstm"].floor_ms == one["head: lstm"].floor_ms  # memory-bound
    assert eight["Kosmos-2 looks"].floor_ms == pytest.approx(8 * one["Kosmos-2 looks"].floor_ms)
    wide = floors(work, nx, "fp16", False, head_dtype="fp32")
    assert wide["head: lstm"].weight_bytes == 2 * one["head: lstm"].weight_bytes


def test_the_fastest_that_a_machine_was_seen_to_be_counts():
    slow = load_hardware("orin-nx-16gb")
    quick = replace(slow, bandwidth_bytes_s=2 * slow.bandwidth_bytes_s,
                    peak_operations_s={name: 0.5 * peak
                                       for name, peak in slow.peak_operations_s.items()})
    both = best([slow, quick])
    assert both.bandwidth_bytes_s == quick.bandwidth_bytes_s
    assert both.peak_operations_s == slow.peak_operations_s


def test_the_command_prints_tables_and_writes_every_number(tmp_path, capsys):
    main(PolicyOptions("case1_simplified", random_weights=True, out=tmp_path / "b.json", **FEW))
    said = capsys.readouterr().out
    assert "RANDOM WEIGHTS" in said
    assert "| Kosmos-2 looks | frame |" in said
    assert "text towers ran 0 times" in said
    numbers = json.loads((tmp_path / "b.json").read_text())
    assert numbers["machine"]["processor"] in said
    assert numbers["memory"]["most resident"] >= numbers["memory"]["weights"]


@pytest.mark.parametrize(("options", "said"), [
    ({"policy": "hybird"}, "Unknown policy 'hybird'. Did you mean 'hybrid'"),
    ({"policy": "hybrid", "size": "full"}, "has no shipped weights"),
    ({"policy": "forward", "size": "mini"}, "takes no size"),
    ({"policy": "hybrid", "batch": 0}, "must be above 0"),
    ({"policy": "hybrid", "threads": -2, "random_weights": True}, "--threads must be at least 1"),
    ({"policy": "hybrid", "execute": 2, "random_weights": True}, "--execute must be from 1 to 1"),
])
def test_wrong_input_is_one_sentence(options, said):
    with pytest.raises(ValueError, match=said):
        found(PolicyOptions(**FEW | options))


@pytest.mark.skipif("__import__('torch').cuda.is_available()", reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_one_sentence_and_exit_code_2():
    told = subprocess.run([sys.executable, "-m", "eval.bench", "policy", "--policy", "hybrid",
                           "--device", "cuda"], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 2
    assert "torch finds no GPU here; use --device cpu" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_gpu_machine_needs_neither_simulator_nor_command_line_nor_files():
    code = hide(ABSENT) + """
from eval.bench.policy import PolicyOptions, main
main(PolicyOptions("hybrid", random_weights=True, decisions=5, seconds=0.1, picture=(72, 128)))
"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert "frame to command" in told.stdout
