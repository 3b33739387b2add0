"""Floors: counted from the modules, checked against arithmetic, and nothing gets below them."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import policies
from eval.bench.claims import judge, speeds, subjects
from eval.bench.floor import FloorOptions, found, tables
from eval.bench.floors import ImpossibleError, floors, refuse_impossible, total_ms
from eval.bench.hardware_profiles import load_hardware, shipped
from policies.work import work_of

ROOT = Path(__file__).parents[2]
NX = "orin-nx-16gb"
REFERENCE = {  # stage -> numbers, giga-operations, ms in fp16 on an Orin NX, from layer shapes
    "Kosmos-2 looks": (303_179_776, 162.0, 10.77),
    "CLIP looks": (87_456_000, 8.8, 1.71),
    "Kosmos-2 reads the words": (1_209_090_048, None, 23.62),  # its layers
    "CLIP reads the words": (37_828_608, 6.0, 0.74),
    "head: lstm": (503_447_552, 8 * 1.007, 9.83),  # 4 x 4096, a window of eight
    "head: actions": (4_851_970, 8 * 0.0097, 0.095),
}
cached_work = cache(work_of)


def test_the_layers_have_the_numbers_and_operations_that_arithmetic_gives():
    stages = {each.name: each for each in cached_work("hybrid_lstm_4096", "full").stages}
    for name, (numbers, giga, _) in REFERENCE.items():
        assert stages[name].weights == pytest.approx(numbers, rel=0.01)
        if giga is not None:
            assert stages[name].operations / 1e9 == pytest.approx(giga, rel=0.01)
    for exact in ("Kosmos-2 looks", "CLIP looks", "head: lstm", "head: actions"):
        assert stages[exact].weights == REFERENCE[exact][0]


def test_the_floors_on_an_orin_nx_are_those_of_the_reference():
    work = cached_work("hybrid_lstm_4096", "full")
    stages = floors(work, load_hardware(NX), "fp16", with_words=True)
    for name, (_, _, floor_ms) in REFERENCE.items():
        assert stages[name].floor_ms == pytest.approx(floor_ms, rel=0.02)
    assert stages["Kosmos-2 looks"].bound == "compute"
    assert stages["head: lstm"].bound == "memory"


def test_without_reading_the_words_again_a_decision_costs_less_than_half():
    work, nx = cached_work("hybrid_lstm_4096", "full"), load_hardware(NX)
    every, once = (total_ms(floors(work, nx, "fp16", words).values()) for words in (True, False))
    assert every / once == pytest.approx(47.1 / 22.7, rel=0.02)


def test_half_the_bits_are_half_the_floor():
    work, nx = cached_work("kosmos_lstm", "full"), load_hardware(NX)
    times = [total_ms(floors(work, nx, dtype, False).values())
             for dtype in ("fp32", "fp16", "int8")]
    assert times[0] / times[1] == pytest.approx(2.0, rel=0.01)
    assert times[1] / times[2] == pytest.approx(2.0, rel=0.01)


def test_weights_that_fit_into_the_cache_cost_no_reading():
    work = cached_work("hybrid", "mini")
    stages = floors(work, load_hardware("rtx-4090"), "fp16", with_words=True)
    assert all(each.memory_ms == 0.0 for each in stages.values())
    assert sum(each.weight_bytes for each in stages.values()) < 72e6


def test_an_executed_plan_shares_its_floor_among_its_actions():
    one, ten = (found(FloorOptions("robovlms_lstm", execute=count)) for count in (1, 10))
    assert one["plan"] == 10
    cells = [float(tables(each)[1][1][0][-1]) for each in (one, ten)]
    assert cells[0] / cells[1] == pytest.approx(10.0, rel=0.01)
    with pytest.raises(ValueError, match="--execute must be from 1 to 10"):
        found(FloorOptions("robovlms_lstm", execute=11))


@pytest.mark.parametrize("name", policies.COMPARED)
def test_every_model_is_counted_whole(name):
    work = cached_work(name, "mini")
    assert work.plan >= 1
    assert {"frame"} <= {stage.per for stage in work.stages}
    head = sum(stage.weights for stage in work.stages if stage.name.startswith("head"))
    policy = policies.make(name, random_weights=True)
    assert head == pytest.approx(sum(each.numel() for each in policy.head.parameters()), rel=0.3)
    assert all(stage.operations >= 0 for stage in work.stages)


def test_a_policy_that_answers_in_words_reads_its_weights_for_every_word():
    more = cached_work("text_action", "full").stages[-1]
    assert (more.times, more.weights > 1.3e9) == (37, True)


def test_a_time_below_its_floor_is_refused_and_one_above_is_not():
    refuse_impossible(0.981, 1.0, "a policy")
    with pytest.raises(ImpossibleError, match=r"0.979 ms is impossible, the floor is 1 ms"):
        refuse_impossible(0.979, 1.0, "a policy")


def test_the_ledgers_verdicts_on_speed_and_size_are_what_arithmetic_says():
    works, nx = subjects(), load_hardware(NX)
    judged = [each for claim in speeds() for each in judge(claim, works, nx)]
    assert {each.value for each in judged} >= {0.360, 765.7, 755.2, 1086.0}
    for each in judged:
        assert each.verdict.removesuffix(" here") == each.claim.verdict
    by_value = {each.value: each for each in judged}
    assert by_value[0.360].least / 0.360 > 15
    assert by_value[1086.0].least > 2.8 * 1086e6


def test_on_a_data_centres_gpu_some_of_them_could_be():
    works, h200 = subjects(), load_hardware("h200")
    verdicts = {each.value: each.verdict
                for claim in speeds() for each in judge(claim, works, h200)}
    assert (verdicts[765.7], verdicts[1086.0]) == ("possible", "impossible")


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_profile_has_peaks_in_every_format(name):
    peaks = load_hardware(name).peak_operations_s
    assert list(peaks) == ["fp32", "fp16", "bf16", "int8"]
    assert peaks["fp32"] < peaks["bf16"] < peaks["int8"]


def test_hardware_that_nobody_knows_is_refused_and_ones_own_is_read(tmp_path):
    with pytest.raises(ValueError, match=r"'orin-nx'\. Did you mean 'orin-nx-16gb'\?"):
        load_hardware("orin-nx")
    own = tmp_path / "own.toml"
    own.write_text('name = "x"\nbandwidth_bytes_s = 1e9\ncache_bytes = 0\nsource = "me"\n'
                   "[peak_operations_s]\nfp16 = 1e12\n")
    machine = load_hardware(str(own))
    assert machine.peak_operations_s == {"fp16": 1e12}
    with pytest.raises(ValueError, match="x has no int8, expected one of fp16"):
        floors(cached_work("hybrid", "mini"), machine, "int8", False)
    own.write_text(own.read_text().replace("fp16", "fp8"))
    with pytest.raises(ValueError, match="must have some of fp32, fp16, bf16, int8, got fp8"):
        load_hardware(str(own))


def bench(*arguments):
    return subprocess.run([sys.executable, "-m", "eval.bench", *map(str, arguments)], cwd=ROOT,
                          capture_output=True, text=True)


def test_the_command_writes_every_number_and_fails_on_an_impossible_one(tmp_path):
    told = bench("floor", "--policy", "hybrid", "--hardware", NX, "--measured-ms", 0.36,
                 "--out", tmp_path / "floor.json")
    assert told.returncode == 1
    assert "0.36 ms is impossible, the floor is 6.7" in told.stderr
    assert "Traceback" not in told.stderr
    numbers = json.loads((tmp_path / "floor.json").read_text())
    assert numbers["floors"]["fp16, words known"]["floor_ms"] == pytest.approx(13.4, rel=0.01)
    assert "| Kosmos-2 looks | frame | 303.18 |" in told.stdout


@pytest.mark.parametrize(("arguments", "said"), [
    (("floor", "--policy", "forward"), "has no weights"),
    (("floor", "--policy", "hybrid", "--hardware", "abacus"), "Unknown hardware 'abacus'"),
    (("flor",), "eval.bench has no command 'flor', expected one of floor"),
])
def test_wrong_input_is_one_sentence_and_exit_code_2(arguments, said):
    told = bench(*arguments)
    assert (told.returncode, said in told.stderr, "Traceback" in told.stderr) == (2, True, False)


def test_this_machine_can_be_measured():
    numbers = found(FloorOptions("hybrid", size="mini", hardware="here"))
    assert numbers["hardware"]["bandwidth_bytes_s"] > 1e8
    assert numbers["floors"]["bf16, words known"]["floor_ms"] <= \
        numbers["floors"]["fp32, words known"]["floor_ms"]


@pytest.mark.parametrize("measured", ["nan", "0", "-3", "inf"])
def test_a_time_that_is_none_is_refused(measured):
    told = bench("floor", "--policy", "hybrid", "--hardware", NX, "--measured-ms", measured)
    assert (told.returncode, "must be a time above 0" in told.stderr) == (2, True)


def test_a_policy_that_goes_step_by_step_has_a_floor_of_its_own():
    whole, step = (work_of(name, "full") for name in ("hybrid", "hybrid_stepped"))
    assert [stage.name for stage in step.stages] == [stage.name for stage in whole.stages]
    fused = {work.policy: each for work in (whole, step) for each in work.stages
             if each.name == "head: fusion"}
    assert fused["hybrid_stepped"].weights == 1024 * 2048 + 768 * 2048 == 3_670_016
    assert fused["hybrid"].weights > 2 * fused["hybrid_stepped"].weights
