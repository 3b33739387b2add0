"""Open loop from end to end, on files in the laboratory's format."""

import json
import shutil
from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np
import pytest
import torch

from eval.run import run
from eval.score import score
from policies.threads import computing_with
from tests.brains import Brain

FORWARD, LEFT, START = (1.15, 0.0, 0.0), (0.0, 1.15, 0.0), (0.0, 0.0, 0.0)


def recording(folder: Path, second: int, *commands, scenario="1box_vert_left", **sim) -> Path:
    """A file as the laboratory's collector leaves it, with pictures of 16 by 9 pixels."""
    rows = np.array([START, *commands], np.float32)
    path = folder / f"episode_20250815_0903{second:02d}_{scenario}_core_close.h5"
    events = np.array(["episode_start", *["start_action"] * len(commands)], h5py.string_dtype())
    with h5py.File(path, "w") as file:
        file.attrs.update({"episode_name": path.stem, "total_duration": 18.87,
                           "num_frames": len(rows), "action_chunk_size": 8})
        file["images"] = np.zeros((len(rows), 9, 16, 3), np.uint8)
        file["actions"], file["action_event_types"] = rows, events
        if sim:
            file.create_group("sim").attrs.update(sim)
    return path


def judge(data: Path, **options):
    return run(**{"policy": "forward", "loop": "open", "data": str(data),
                  "out": str(data.parent / "runs")} | options)


@pytest.fixture
def data(tmp_path) -> Path:
    """Two real episodes: three of four recorded commands are straight on."""
    folder = tmp_path / "data"
    folder.mkdir()
    recording(folder, 1, FORWARD, FORWARD)
    recording(folder, 2, FORWARD, LEFT, scenario="2box_hori_left")
    return folder


def test_forward_agrees_with_what_was_recorded_as_forward(data):
    done = judge(data)
    row = done.summary["sources"]["real"]
    assert (row["episodes"], row["decisions"], row["errors"]) == (2, 4, 0)
    assert row["planar"]["mae"] == pytest.approx(2 * 1.15 / 8, abs=1e-6)
    assert (row["planar"]["accuracy"]["0.1"]["k"], row["planar"]["accuracy"]["0.1"]["n"]) == (3, 4)
    assert row["axes"]["angular_z"]["r2"] == {"undefined": "recorded is always 0"}
    report = (done.folder / "report.md").read_text()
    assert "3/4 = 75 % [30, 95]" in report
    assert "do not rank driving" in report


def test_the_times_of_a_run_count_the_files_that_were_judged(data):
    done = judge(data)
    (session,) = json.loads((done.folder / "timing.json").read_text())["sessions"]
    assert session["episodes"] == 2
    assert 0.0 < session["inference_s"] < session["drive_s"]


def test_real_and_simulated_files_are_never_pooled(data):
    recording(data, 3, LEFT, LEFT, source="simulated")
    rows = judge(data).summary["sources"]
    assert {name: row["decisions"] for name, row in rows.items()} == {"real": 4, "simulated": 2}
    assert rows["simulated"]["planar"]["accuracy"]["0.3"]["k"] == 0


def test_only_the_asked_scenario_and_number_of_files_are_judged(data):
    recording(data, 4, LEFT)
    assert [line["scenario"] for line in judge(data, scenario="2box_hori_left").episodes] == [
        "2box_hori_left"]
    assert len(judge(data, scenario="1box_vert_left", episodes=1).episodes) == 1
    assert len(judge(data).episodes) == 3


def test_a_single_file_can_be_judged(data):
    assert len(judge(sorted(data.iterdir())[0]).episodes) == 1


def test_files_of_the_seeds_that_the_policy_learned_from_are_said_loudly(data):
    recording(data, 3, LEFT, source="simulated", purpose="train", seed_root=7)
    recording(data, 4, LEFT, source="simulated", purpose="train", seed_root=8)
    done = judge(data, policy="tests.eval.brains:Pupil")
    said = "TRAINED ON THESE: 1 of 4 files come from the seeds this policy was trained on"
    assert said in done.summary["warnings"][0]
    assert said in (done.folder / "report.md").read_text()
    assert judge(data).summary["warnings"] == []


class CountsThreads(Brain):
    """Notes how many threads torch has while it is asked."""

    name = "counts_threads"
    seen: ClassVar[set[int]] = set()

    def act(self, memories, observations):
        self.seen.add(torch.get_num_threads())
        return super().act(memories, observations)


def test_a_small_policy_computes_with_one_thread_as_when_it_drives(data):
    with computing_with(2):
        judge(data, policy=f"{__name__}:CountsThreads")
        assert torch.get_num_threads() == 2
    assert 1 in CountsThreads.seen


def test_what_fills_up_a_file_is_no_decision(data):
    recording(data, 3, LEFT, LEFT, START, source="simulated", decisions=2)
    assert judge(data).summary["sources"]["simulated"]["decisions"] == 2


def test_the_title_counts_the_scenarios_of_the_files(data):
    shutil.copy(sorted(data.iterdir())[0], data / "episode_20250805_000000.h5")
    done = judge(data, instruction="Go to the cup")
    title = (done.folder / "report.md").read_text().splitlines()[0]
    assert title == "# forward: 3 scenarios"


def test_options_that_the_files_cannot_serve_are_said(data, caplog):
    judge(data, episodes=3, videos=2)
    assert "--videos 2: the open loop films nothing" in caplog.text
    assert "--episodes 3: there are only 1 of 1box_vert_left, 1 of 2box_hori_left" in caplog.text


def test_a_scenario_that_no_file_has_is_refused(data):
    with pytest.raises(ValueError, match="holds no episode of 1box_hori_left, found only"):
        judge(data, scenario="1box_hori_left")
    assert not (data.parent / "runs").exists()


def test_a_damaged_file_among_good_ones_is_found_before_anything_is_written(data):
    path = sorted(data.iterdir())[-1]
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=path.name):
        judge(data)
    assert not (data.parent / "runs").exists()


def test_a_file_of_no_known_scenario_wants_words(data):
    shutil.move(sorted(data.iterdir())[0], data / "episode_20250805_000000.h5")
    with pytest.raises(ValueError, match="--instruction TEXT"):
        judge(data)
    assert len(judge(data, instruction="Go to the cup").episodes) == 2


def test_resuming_asks_only_about_missing_files_and_gives_the_same_bytes(data):
    done = judge(data, policy="random")
    names = ("episodes.jsonl", "summary.json", "report.md")
    before = {name: (done.folder / name).read_bytes() for name in names}
    (done.folder / "episodes.jsonl").write_bytes(before["episodes.jsonl"][:-20])
    run(resume=str(done.folder))
    assert {name: (done.folder / name).read_bytes() for name in names} == before


def test_scoring_anew_computes_the_errors_from_the_stored_answers(data):
    done = judge(data)
    path = done.folder / "episodes.jsonl"
    before = path.read_bytes()
    changed = json.loads(before.splitlines()[0]) | {"metrics": {"mae": 99.0}}
    path.write_bytes(json.dumps(changed).encode() + b"\n" + before.splitlines(keepends=True)[1])
    assert score(done.folder) == done.summary
    assert path.read_bytes() == before


def test_a_privileged_policy_is_refused(data):
    with pytest.raises(ValueError, match="open loop is not possible"):
        judge(data, policy="expert")
    assert not (data.parent / "runs").exists()
