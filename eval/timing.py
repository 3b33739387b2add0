"""How long a run took: timing.json and timing.md, apart from all that follows from the seeds.

Wall-clock times and processor times are of this machine and of these processes, and differ from run
to run; nothing here is compared bit for bit. What came too late counts on the clock that the world
went by: where that is a virtual one, its latencies, which follow from the seeds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from episodes.atomic import write_atomically
from episodes.clock import LAST
from episodes.drive import Driven
from eval.engines import cores
from eval.results import Run, write_json
from eval.shape import TIMING_FILE, check
from eval.statistics import rate
from eval.table import markdown, timing_tables

PERCENTILES = {"p50": 50, "p95": 95, "p99": 99}
HOW_TO_READ = """Latency is the wall-clock time of one call of the policy, in which it answers up to
`batch` robots at once: so long one of them waits. Processes side by side slow each other down; what
one robot would wait is measured by `--batch 1 --workers 1`. A miss is an answer that took longer
than one decision lasts. A command is stale that takes effect more than one decision after its
picture, be it late or a later row of a plan; its age counts from that picture. {clock} Core-seconds
are processor time in the worlds and in the policy, summed over processes; opening worlds is in
them, start-up is not. The ratio is the driving's wall clock over (environment + inference) / cores:
1 is perfect."""
WALL, VIRTUAL = "wall", "virtual"
CLOCKS = {
    WALL: "The simulated world waits for its policy: on a robot, the misses would be real.",
    VIRTUAL: "Misses, stale commands and ages are those of the virtual clock (`--latency`), on "
             "which the world went on: they were real to the robot, and wall-clock time is not in "
             "them. A command that is held for another decision counts again, so much older.",
}


@dataclass(frozen=True)
class _Times:
    """One episode's."""

    latency_s: list[float]  # wall clock of each decision; 0 where nobody was asked
    decision_s: float | None  # how long one lasts; None where nothing was driven
    late_s: list[float]  # of its answers, on the clock that the world went by
    ages_s: list[float]  # of its commands, on the same


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
    clock = WALL if run.facts.get("latency") is None else VIRTUAL
    timing = {"id": run.facts["id"], "batch_size": run.facts["batch_size"], "unit": "ms",
              "clock": clock, **_latency(run, lines, key), "sessions": sessions}
    write_json(path, timing)
    how_to_read = HOW_TO_READ.format(clock=CLOCKS[clock])
    body = "\n\n".join([f"# Times of {run.facts['id']}", how_to_read, *[
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


def clock_ages_s(late_s: Sequence[float], decision_s: float, hold: str) -> list[float]:
    """The same on a virtual clock, of the commands that drove.

    Args:
        late_s: [N] as in a record: what each answer took; NaN at later rows of a plan, infinite
            where the policy was still thinking.
        decision_s: How long a row drives.
        hold: What drives where no row is left: `zero`, which is no command, or `last`.
    """
    found: list[float] = []
    for each in late_s:
        if math.isfinite(each):
            found.append(each)
        elif math.isnan(each) or hold == LAST:
            found.append(found[-1] + decision_s)
    return found


def _latency(run: Run, lines: list[dict[str, Any]], key: str) -> dict[str, Any]:
    """Latency of one call by scenario or source, and over all; episodes with errors are in none."""
    groups: dict[str, list[_Times]] = {}
    for line in lines:
        if line["error"] is None:
            groups.setdefault(line[key], []).append(_times(run, line))
    total = [each for group in groups.values() for each in group]
    return {"by_" + key: {name: _row(each) for name, each in groups.items()}, "total": _row(total)}


def _times(run: Run, line: dict[str, Any]) -> _Times:
    latency_s = run.timing.get(line["id"], {}).get("latency_s", [])
    decision_s, clock = line.get("rules", {}).get("decision_s"), run.facts.get("latency")
    if decision_s is None:
        return _Times(latency_s, None, [], [])
    if clock is None:
        answers = [each for each in latency_s if each > 0.0]
        return _Times(latency_s, decision_s, answers, ages_s(latency_s, decision_s))
    late_s = run.arrays(line)["late_s"].tolist()
    return _Times(latency_s, decision_s, [each for each in late_s if math.isfinite(each)],
                  clock_ages_s(late_s, decision_s, clock["hold"]))


def _row(episodes: list[_Times]) -> dict[str, Any]:
    """Answers of some episodes in ms; and, where they were driven, what came too late."""
    answers = [each for episode in episodes for each in episode.latency_s if each > 0.0]
    row = _percentiles_ms(answers) | {"n": len(answers)}
    driven = [(episode, episode.decision_s) for episode in episodes if episode.decision_s]
    if not driven:
        return row
    missed = rate(each > decision_s for episode, decision_s in driven for each in episode.late_s)
    stale = rate(age > decision_s + 1e-9 for episode, decision_s in driven
                 for age in episode.ages_s)
    return row | {"misses": missed.as_json(), "stale": stale.as_json(),
                  "age": _percentiles_ms([age for each, _ in driven for age in each.ages_s])}


def _percentiles_ms(seconds: list[float]) -> dict[str, Any]:
    """Median, 95th and 99th percentile, in ms; None without any."""
    if not seconds:
        return dict.fromkeys(PERCENTILES)
    found = np.percentile(seconds, list(PERCENTILES.values())) * 1000
    return {name: round(float(each), 3) for name, each in zip(PERCENTILES, found)}
