"""Rates with their intervals, and every metric over the episodes of a scenario, for TensorBoard.

Runs that lie in folders of one folder stand beside each other there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.plugins.text.summary_v2 import text_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from eval.results import Run
from eval.summary import summarise

RATES = ("success", "reach", "side_compliance", "contact")


def write(run: Run, path: Path) -> None:
    """Write an events file into the folder `path`; earlier exports there are removed."""
    for earlier in path.glob("events.out.tfevents.*"):
        earlier.unlink()
    lines = run.lines()
    summary = summarise(run, lines)
    writer, now = EventFileWriter(str(path)), time.time()
    texts = {"configuration": json.dumps(run.facts["config"], ensure_ascii=False),
             "warnings": "\n\n".join(summary["warnings"]) or "none"}
    for name, text in texts.items():
        writer.add_event(Event(wall_time=now, step=0, summary=text_pb(name, text)))
    for name, step, value in [*_rates(summary), *_episodes(lines)]:
        writer.add_event(Event(wall_time=now, step=step, summary=scalar_pb(name, value)))
    writer.close()


def _rates(summary: dict[str, Any]) -> Iterator[tuple[str, int, float]]:
    """Of each scenario and of all: the rate and its 95 % Wilson interval."""
    scenarios = summary.get("scenarios", {})
    for scenario, row in (scenarios | {"all": summary.get("total")}).items():
        for name in RATES if row else ():
            for end in ("rate", "low", "high"):
                if row[name]["n"]:
                    yield f"{name}/{scenario}/{end}", 0, row[name][end]


def _episodes(lines: list[dict[str, Any]]) -> Iterator[tuple[str, int, float]]:
    """Every metric of every episode; the step is its index, or its place where it has none."""
    for number, line in enumerate(lines):
        for name, value in line["metrics"].items():
            if value is not None:
                where = f"episodes/{line['scenario'] or 'unknown'}/{name}"
                yield where, line.get("index", number), float(value)
