"""How long a run took: timing.json and timing.md, apart from all that follows from the seeds.

Wall-clock times and processor times are of this machine and of these processes, and differ from run
to run; nothing here is compared bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from episodes.atomic import write_atomically
from episodes.drive import Driven
from eval.engines import cores
from eval.results import Run, write_json
from eval.shape import TIMING_FILE, check
from eval.statistics import rate
from eval.table import markdown, timing_tables

PERCENTILES = {"p50": 50, "p95": 95, "p99": 99}
_Times = tuple[list[float], "float | None"]  # an episode's latencies; how long a decision lasts
HOW_TO_READ = """Latency is the wall-clock time of one call of the policy, in which it answers up to
`batch` robots at once: so long one of them waits. Processes side by side slow each other down; what
one robot would wait is measured by `--batch 1 --workers 1`. A miss is an answer that took longer
than one decision lasts. A command is stale that takes effect more than one decision after its
picture, be it late or a later row of a plan; its age counts from that picture. The simulated world
waits for its policy: on a robot, the misses would be real. Core-seconds are processor time in the
worlds and in the policy, summed over processes; opening worlds is in them, start-up is not. The
ratio is the driving's wall clock over (environment + inference) / cores: 1 is perfect."""


@dataclass
class Spent:
    """What one call of the command took. A run that was resumed has several."""

    start_s: float  # until everything was loaded and rehearsed
    workers: int
    drive_s: float = 0.0  # wall clock from the first episode to the last
    environment_s: float = 0.0  # core-seconds
    inference_s: float = 0.0  # core-seconds
    episodes: int = 0
    cores: int = field(default_factory=cores)  # that all workers share

    def add(self, driven: Driven) -> None:
        """Count one episode."""
        self.environment_s += driven.environment_s
        self.inference_s += driven.inference_s
        self.episodes += 1

    def as_json(self) -> dict[str, Any]:
        """All numbers, and the ratio of the wall clock to what the cores were busy with."""
        busy_s = (self.environment_s + self.inference_s) / min(self.cores, self.workers)
        numbers = {name: round(value, 4) for name, value in asdict(self).items()}
        return numbers | {"ratio": round(self.drive_s / busy_s, 4) if busy_s else None}


def write_timing(run: Run, lines: list[dict[str, Any]], spent: Spent | None) -> dict[str, Any]:
    """Write timing.json and timing.md anew and return the content.

    Args:
        run: Where.
        lines: The episodes' lines.
        spent: What this call took, added to what earlier ones took; None where nothing was driven.
    """
    path = run.folder / "timing.json"
    sessions = []
    if path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        check(found, TIMING_FILE, str(path))
        sessions = found["sessions"]
    if spent is not None and (spent.episodes or not sessions):
        sessions.append(spent.as_json())
    key = "source" if run.facts["config"]["loop"] == "open" else "scenario"
    timing = {"id": run.facts["id"], "batch_size": run.facts["batch_size"], "unit": "ms",
              **_latency(run, lines, key), "sessions": sessions}
    write_json(path, timing)
    body = "\n\n".join([f"# Times of {run.facts['id']}", HOW_TO_READ, *[
        f"## {title}\n\n{markdown(table)}" for title, table in timing_tables(timing).items()]])
    write_atomically(run.folder / "timing.md", (body + "\n").encode())
    return timing


def ages_s(latency_s: Sequence[float], decision_s: float) -> list[float]:
    """How old the picture behind each of N commands was when the command took effect.

    Args:
        latency_s: [N]: what the answer took; 0 within a plan.
        decision_s: How long a command is held.
    """
    found: list[float] = []
    for each in latency_s:
        found.append(found[-1] + decision_s if each == 0.0 and found else each)
    return found


def _latency(run: Run, lines: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Latency of one call by scenario or source, and over all; episodes with errors are in none."""
    groups: dict[str, list[_Times]] = {}
    for line in lines:
        if line["error"] is None:
            latency_s = run.timing.get(line["id"], {}).get("latency_s", [])
            groups.setdefault(line[key], []).append(
                (latency_s, line.get("rules", {}).get("decision_s")))
    total = [each for group in groups.values() for each in group]
    return {"by_" + key: {name: _row(each) for name, each in groups.items()}, "total": _row(total)}


def _row(episodes: list[_Times]) -> dict[str, Any]:
    """Answers of some episodes in ms; and, where they were driven, what came too late."""
    answers = [each for latency_s, _ in episodes for each in latency_s if each > 0.0]
    row = _percentiles_ms(answers) | {"n": len(answers)}
    driven = [(latency_s, decision_s) for latency_s, decision_s in episodes if decision_s]
    if not driven:
        return row
    ages = [(age, decision_s) for latency_s, decision_s in driven
            for age in ages_s(latency_s, decision_s)]
    missed = rate(each > decision_s for latency_s, decision_s in driven for each in latency_s
                  if each > 0.0)
    return row | {"misses": missed.as_json(),
                  "stale": rate(age > decision_s + 1e-9 for age, decision_s in ages).as_json(),
                  "age": _percentiles_ms([age for age, _ in ages])}


def _percentiles_ms(seconds: list[float]) -> dict[str, Any]:
    """Median, 95th and 99th percentile, in ms; None without any."""
    if not seconds:
        return dict.fromkeys(PERCENTILES)
    found = np.percentile(seconds, list(PERCENTILES.values())) * 1000
    return {name: round(float(each), 3) for name, each in zip(PERCENTILES, found)}
