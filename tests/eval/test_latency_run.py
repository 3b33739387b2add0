"""Runs on a virtual clock: `eval.run --latency`."""

import json

import numpy as np
import pytest

from eval.capsule import pack
from eval.latencies import parse
from eval.replay import replay
from eval.results import Run, load_record
from eval.run import run
from eval.verify import verify
from tests.eval.suites.walkers import ASIDE

SCENARIO = "1box_vert_left"
FIRST = f"{SCENARIO}_000"


def driven(tmp_path, policy="tests.eval.suites.walkers:Listens", **options):
    return run(policy=policy, scenario=SCENARIO, episodes=2, videos=0, workers=0,
               out=str(tmp_path), **options)


def records(found):
    return [load_record(Run(found.folder), line) for line in found.episodes]


def test_no_latency_on_the_clock_is_the_same_as_a_world_that_waits(tmp_path):
    for waits, ticks in zip(records(driven(tmp_path)), records(driven(tmp_path, latency="0"))):
        assert (waits.path == ticks.path).all()
        assert (waits.sent == ticks.sent).all()
        assert (waits.late_s, waits.plans) == (None, None)
        assert ticks.late_s.tolist() == [0.0] * ticks.decisions


def test_the_robot_sets_off_as_late_as_the_answer_comes(tmp_path):
    for record in records(driven(tmp_path, latency=0.15)):
        moved = np.linalg.norm(np.diff(record.path[:, :2], axis=0), axis=1)
        assert moved[:3].max() == 0.0
        assert moved[3] == pytest.approx(0.025)  # 0.5 m/s
        asked = [0.0] * 3 + [1.0] * 8 * ASIDE
        assert (np.abs(np.diff(record.path[:, 1])) > 0.02).tolist()[:3 + 8 * ASIDE] == asked


@pytest.mark.parametrize("hold", ["zero", "last"])
def test_who_thinks_for_long_stands_or_goes_on_meanwhile(hold, tmp_path):
    for record in records(driven(tmp_path, latency="0.7", hold=hold)):
        assert np.isfinite(record.late_s[0])
        assert np.isinf(record.late_s[1])
        moving = np.linalg.norm(np.diff(record.path[14:32, :2], axis=0), axis=1) > 0.0
        assert moving.all() == (hold == "last")
        assert moving.any()


@pytest.mark.parametrize(("options", "misses", "stale", "oldest_ms"), [
    ({"latency": "0.15"}, 0.0, 0.0, 150.0),
    ({"latency": "0.7"}, 1.0, 1.0, 700.0),
    ({"latency": "0.7", "hold": "last"}, 1.0, 1.0, 1100.0),  # each command drives two decisions
    ({"latency": "0.15", "execute": 2, "policy": "tests.eval.suites.walkers:Plans"},
     0.0, 0.5, 550.0),  # of two rows the second
])
def test_what_came_too_late_counts_on_the_virtual_clock(options, misses, stale, oldest_ms,
                                                        tmp_path):
    found = driven(tmp_path, **options)
    total = found.timing["total"]
    assert total["misses"]["rate"] == misses
    assert total["stale"]["rate"] == pytest.approx(stale, abs=0.1)  # an episode may end in a plan
    assert total["age"]["p99"] == pytest.approx(oldest_ms)
    page = (found.folder / "timing.md").read_text()
    assert "The simulated world waits for its policy" not in page
    assert "are those of the virtual clock" in page


@pytest.mark.parametrize("options", [
    {"latency": "0.15"}, {"latency": "uniform:0:0.9"}, {"latency": "uniform:0:0.9", "hold": "last"},
    {"latency": "lognormal:0.3:0.8", "execute": 3, "policy": "tests.eval.suites.walkers:Plans"},
])
def test_its_episodes_replay_and_verify_bit_for_bit(options, tmp_path):
    found = driven(tmp_path, **options)
    assert verify(found.folder).is_same
    assert replay(pack(found.folder, FIRST)).differs == []
    stored = load_record(Run(found.folder), found.episodes[0])
    on = replay(pack(found.folder, FIRST), at=0.8)  # its own policy goes on, on the same clock
    assert (on.record.path == stored.path).all()


def test_a_trace_is_part_of_the_runs_identity(tmp_path):
    trace = tmp_path / "trace.txt"
    trace.write_text("# seconds\n0.1\n0.3\n")
    found = driven(tmp_path / "runs", latency=f"trace:{trace}")
    assert found.folder.name.endswith("_late-trace-zero")
    facts = json.loads((found.folder / "run.json").read_text())["latency"]
    assert (facts["kind"], facts["length"]) == ("trace", 2)
    assert any(each.startswith("VIRTUAL CLOCK: answers take trace:")
               for each in found.summary["warnings"])
    (found.folder / "summary.json").unlink()
    trace.write_text("0.1\n0.2\n")
    with pytest.raises(ValueError, match="latency changed since this run began"):
        run(resume=str(found.folder))
    with pytest.raises(ValueError, match="its latencies .* are others by now"):
        pack(found.folder, FIRST)


def test_a_runs_own_times_are_a_trace(tmp_path):
    times = tmp_path / "timing.jsonl"
    times.write_text('{"latency_s": [0.1, 0.0, 0.2]}\n{"latency_s": [0.3]}\n')
    assert parse(f"trace:{times}").values == (0.1, 0.2, 0.3)


@pytest.mark.parametrize(("options", "sentence"), [
    ({"latency": "soon"}, "A latency is seconds; .* got 'soon'"),
    ({"latency": "uniform:0.1"}, "uniform takes 2 numbers, got 1"),
    ({"latency": "-1"}, "seconds from 0 up"),
    ({"latency": "trace:none.txt"}, "none.txt: cannot be read"),
    ({"latency": "0.1", "hold": "coast"}, "hold must be one of zero, last"),
    ({"hold": "last"}, "give --latency too"),
])
def test_what_is_no_latency_is_refused_and_nothing_is_written(options, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        driven(tmp_path / "runs", policy="stop", **options)
    assert not (tmp_path / "runs").exists()
