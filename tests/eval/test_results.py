import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.results import Run, add_record, load_record, write_json
from eval.score import score
from tests.eval.walks import run_facts, straight, walk

FACTS = run_facts(planned=3)
SPENT = {"environment_s": 0.5, "inference_s": 0.25}


@pytest.fixture
def run(tmp_path) -> Run:
    return Run.create(tmp_path, "by_hand_1box_vert_left", FACTS)


def filled(run: Run, count: int = 3) -> Run:
    for index in range(count):
        add_record(run, index, straight(stops=index), SPENT)
    return run


def test_a_stored_record_comes_back_as_it_was(run):
    record = straight(latency_s=np.array([0.25, 0.0, 0.5, 0.125]), touched={"cup": 1.5})
    line = add_record(run, 0, record, SPENT)
    back = load_record(run, run.lines()[0])
    assert back.header() == record.header()
    assert {name: each.tolist() for name, each in back.arrays().items()} == {
        name: each.tolist() for name, each in record.arrays().items()}
    assert line["success"] is False
    assert line["contact"] is True


def test_pictures_are_not_stored_with_the_arrays(run):
    add_record(run, 0, straight(rgb=np.zeros((5, 2, 2, 3), np.uint8)), SPENT)
    assert "rgb" not in run.arrays(run.lines()[0])


def test_wall_clock_times_stand_in_timing_alone(tmp_path):
    slow, fast = (Run.create(tmp_path, "one", FACTS) for _ in range(2))
    add_record(slow, 0, straight(latency_s=np.full(4, 9.0)), {"inference_s": 99.0})
    add_record(fast, 0, straight(), SPENT)
    assert _bytes(slow, "episodes.jsonl") == _bytes(fast, "episodes.jsonl")
    assert _bytes(slow, "timing.jsonl") != _bytes(fast, "timing.jsonl")


@pytest.mark.parametrize("lost", [1, 30])
def test_a_torn_last_line_counts_as_not_written_and_is_cut_off(run, lost):
    path = filled(run).folder / "episodes.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-lost])
    assert [line["index"] for line in run.lines()] == [0, 1]
    run.drop_torn_lines()
    assert path.read_bytes() == b"".join(whole.splitlines(keepends=True)[:2])


def test_appending_after_a_torn_line_gives_the_file_that_would_have_been(run):
    path = filled(run).folder / "episodes.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    again = Run(run.folder)
    again.drop_torn_lines()
    add_record(again, 2, straight(stops=2), SPENT)
    assert path.read_bytes() == whole


def test_an_episodes_first_time_stands(run):
    add_record(run, 0, straight(), {"inference_s": 1})
    add_record(run, 0, straight(), {"inference_s": 2})
    lines = _bytes(run, "timing.jsonl").splitlines()
    assert [json.loads(line)["inference_s"] for line in lines] == [1]


def test_damage_before_the_last_line_is_an_error_and_names_the_line(run):
    path = filled(run).folder / "episodes.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first[:9] + b"\n" + b"".join(others))
    with pytest.raises(ValueError, match="line 1 is damaged"):
        run.lines()


def test_changed_arrays_are_noticed(run):
    path = filled(run, 1).folder / run.lines()[0]["arrays"]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="changed or damaged"):
        load_record(run, run.lines()[0])


def test_nan_is_never_written(run):
    with pytest.raises(ValueError, match="min_clearance_m is nan"):
        add_record(run, 0, replace(straight(), clearance_m=np.array([np.nan])), SPENT)
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(run.folder / "summary.json", {"spl": float("nan")})
    assert not (run.folder / "summary.json").exists()


def test_two_runs_in_one_second_get_folders_of_their_own(tmp_path):
    folders = {Run.create(tmp_path, "same", FACTS).folder for _ in range(3)}
    assert len(folders) == 3


def test_a_name_of_any_letters_stays_below_the_output_folder(tmp_path):
    run = Run.create(tmp_path, "../my policy:Mine_컵", FACTS)
    assert run.folder.parent == tmp_path
    assert run.folder.name.endswith("..-my-policy-Mine_-")


@pytest.mark.parametrize(("content", "said"), [
    (None, "is no run"), ("{", "is not valid JSON"), ("[]", "schema_version must be 1, got None"),
    ('{"schema_version": 99}', "schema_version must be 1, got 99"),
    ('{"schema_version": 1}', "has no 'id', as eval.run writes it")])
def test_a_folder_that_is_no_run_is_refused(tmp_path, content, said):
    if content is not None:
        (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError, match=said):
        Run(tmp_path)


@pytest.mark.parametrize(("key", "value", "said"), [
    ("planned", "ten", "run.json: 'planned' must be int, got 'ten'"),
    ("policy", {"name": "x"}, "run.json: has no 'policy.needs'"),
    ("config", {"loop": "opne", "seed": 0, "instruction": "default"}, "must be closed or open")])
def test_a_run_file_that_was_changed_is_refused(run, key, value, said):
    path = run.folder / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ValueError, match=said):
        Run(run.folder)


@pytest.mark.parametrize(("changed", "said"), [
    ({"metrics": {}}, "line 2, episode 1box_vert_left_001: has no 'metrics.spl'"),
    ({"success": "yes"}, "line 2, episode 1box_vert_left_001: 'success' must be bool, got 'yes'"),
    ({"rules": None}, "line 2, episode 1box_vert_left_001: has no 'rules.goal_radius_m'")])
def test_a_line_that_was_changed_is_refused_and_its_episode_named(run, changed, said):
    path = filled(run).folder / "episodes.jsonl"
    lines = path.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | changed)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(ValueError, match=said):
        run.lines()


def test_a_run_of_a_version_with_fewer_metrics_is_refused_until_it_is_judged_anew(run):
    path = filled(run).folder / "episodes.jsonl"
    lines = run.lines()
    older = [line | {"metrics": {"spl": line["metrics"]["spl"]}} for line in lines]
    path.write_text("".join(json.dumps(line) + "\n" for line in older))
    with pytest.raises(ValueError, match="has no 'metrics.soft_spl'.*python -m eval.score"):
        run.lines()
    score(run.folder)
    assert run.lines() == lines


def test_facts_that_are_no_json_leave_no_folder(tmp_path):
    with pytest.raises(ValueError, match="plain text and numbers"):
        Run.create(tmp_path / "runs", "one", FACTS | {"source": Path("here")})
    assert not (tmp_path / "runs").exists()


def test_the_same_arrays_give_the_same_file(tmp_path):
    first, second = (filled(Run.create(tmp_path, "one", FACTS), 1) for _ in range(2))
    assert first.lines()[0]["arrays_sha256"] == second.lines()[0]["arrays_sha256"]
    other = add_record(second, 1, walk((0, 0), (0.5, 0)), SPENT)
    assert other["arrays_sha256"] != first.lines()[0]["arrays_sha256"]


def _bytes(run: Run, name: str) -> bytes:
    return Path(run.folder / name).read_bytes()
