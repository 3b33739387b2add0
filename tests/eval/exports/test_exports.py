"""What is exported is opened again by the reader that a user would take."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from eval.export import FORMATS, export
from eval.results import Run, load_record
from eval.run import run as drive
from tests.eval.test_report_page import LEFT_BOX, stored
from tests.eval.walks import run_facts, straight, walk

ROOT = Path(__file__).parents[3]
RECORDS = (straight(), walk((0, 0), (1, 0), ended_by="time"), straight(boxes=(LEFT_BOX,)),
           straight(touched={"box_0": 0.5}, ended_by="contact"))


@pytest.fixture
def run(tmp_path):
    return stored(tmp_path, records=RECORDS)


def test_csv_holds_a_row_an_episode_with_every_metric(run):
    with export(run.folder).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = run.lines()
    assert [row["id"] for row in rows] == [line["id"] for line in lines]
    assert [row["success"] for row in rows] == ["true", "false", "false", "false"]
    assert [int(row["seed"]) for row in rows] == [line["seed"] for line in lines]
    for name, value in lines[1]["metrics"].items():
        cell = rows[1][f"metrics.{name}"]
        assert (cell == "") if value is None else (float(json.loads(cell)) == value), name
    assert json.loads(rows[3]["touched"]) == {"box_0": 0.5}
    assert {row["run"] for row in rows} == {run.folder.name}


def test_parquet_keeps_types_and_the_runs_description(run):
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(export(run.folder, "parquet"))
    assert table.column("success").to_pylist() == [True, False, False, False]
    assert table.column("metrics.spl").to_pylist()[:2] == [1.0, 0.0]
    assert str(table.schema.field("metrics.spl").type) == "double"
    assert str(table.schema.field("seed").type) == "int64"
    described = json.loads(table.schema.metadata[b"mobile_vla_bench"])
    assert described["scenarios"] == run.facts["scenarios"]


def test_tensorboard_shows_rates_with_intervals_and_metrics_over_episodes(run):
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    export(run.folder, "tensorboard")
    folder = export(run.folder, "tensorboard")  # again: the earlier one is replaced
    found = events.EventAccumulator(str(folder), {events.TENSORS: 0}).Reload()
    rates = {name: found.Tensors(f"success/1box_vert_left/{name}")[0].tensor_proto
             for name in ("rate", "low", "high")}
    value = {name: float(each.float_val[0]) for name, each in rates.items()}
    assert value == pytest.approx({"rate": 0.25, "low": 0.0456, "high": 0.6994}, abs=1e-4)
    spl = found.Tensors("episodes/1box_vert_left/spl")
    assert [each.step for each in spl] == [0, 1, 2, 3]
    assert [each.tensor_proto.float_val[0] for each in spl] == [1.0, 0.0, 0.0, 0.0]
    (text,) = found.Tensors("configuration")
    assert json.loads(text.tensor_proto.string_val[0]) == run.facts["config"]


def chunks_of(path):
    chunk = pytest.importorskip("rerun.chunk")
    found = {}
    for each in chunk.RrdReader(path).stream():
        if not each.is_static:
            found.setdefault(str(each.entity_path), []).append(each.to_record_batch())
    return found


def column(batches, name):
    return [value for batch in batches for value in batch.column(name).to_pylist()]


def test_rerun_reads_every_way_command_and_box(run):
    pytest.importorskip("rerun")
    found = chunks_of(export(run.folder, "rrd"))
    for line in run.lines():
        record, name = load_record(run, line), f"/{line['id']}"
        places = np.array(column(found[f"{name}/robot"], "Points3D:positions"))
        np.testing.assert_allclose(places[:, 0, :2], record.path[:, :2], atol=1e-6)
        sent = np.array(column(found[f"{name}/commands/linear_x"], "Scalars:scalars"))
        np.testing.assert_allclose(sent[:, 0], record.sent[:, 0], atol=1e-6)
        sizes = np.array(column(found[f"{name}/boxes"], "Boxes3D:half_sizes"))
        assert sizes.shape == (record.decisions + 1, 1, 3)
        np.testing.assert_allclose(2 * sizes[0, 0, :2], record.boxes[0, 0, 3:], atol=1e-6)


def test_rerun_shows_the_film_at_the_worlds_time(tmp_path):
    pytest.importorskip("rerun")
    driven = drive(policy="forward", scenario="1box_vert_left", episodes=1, videos=1, workers=0,
                   out=str(tmp_path))
    found = chunks_of(export(driven.folder, "rrd", tmp_path / "a" / "run.rrd"))
    times = column(found["/1box_vert_left_000/film"], "VideoFrameReference:timestamp")
    assert len(times) > 5
    assert np.all(np.diff([each[0] for each in times]) > 0)


def test_what_cannot_be_exported_is_one_sentence(tmp_path, run, monkeypatch):
    with pytest.raises(ValueError, match="Unknown format 'cvs'. Did you mean 'csv'"):
        export(run.folder, "cvs")
    with pytest.raises(ValueError, match="is no run"):
        export(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="cannot be written .*--out"):
        export(run.folder, "csv", tmp_path / "file" / "x.csv")
    monkeypatch.setitem(FORMATS, "rrd", ("eval.exports.rerun_recording", "x.rrd", "no_such_thing",
                                         "rerun"))
    with pytest.raises(ValueError, match=r"needs no_such_thing.*pip install 'mobile-vla-bench\["):
        export(run.folder, "rrd")


def test_a_run_of_the_open_loop_has_no_ways_to_show(tmp_path):
    pytest.importorskip("rerun")
    facts = run_facts(config={"loop": "open", "seed": 0, "instruction": "default"})
    with pytest.raises(ValueError, match="run of the open loop; nothing was driven"):
        export(Run.create(tmp_path, "open", facts).folder, "rrd")


def test_the_command_says_where(run):
    done = subprocess.run([sys.executable, "-m", "eval.export", str(run.folder), "--to", "csv"],
                          cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Written: {run.folder / 'export' / 'episodes.csv'}\n"
