"""Episodes as flat rows: what is nested becomes `outer.inner`, what has free keys is JSON."""

from __future__ import annotations

import json
from statistics import median
from typing import Any

from eval.results import Run

FREE = ("touched", "appearance")  # their keys differ from episode to episode


def rows(run: Run) -> list[dict[str, Any]]:
    """One row an episode, all with the same columns; None where an episode has no such number."""
    found = [_row(run, line) for line in run.lines()]
    columns = list(dict.fromkeys(name for row in found for name in row))
    return [{name: row.get(name) for name in columns} for row in found]


def _row(run: Run, line: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"run": run.folder.name}
    for name, value in line.items():
        if isinstance(value, dict) and name not in FREE:
            row |= {f"{name}.{inner}": each for inner, each in value.items()}
        else:
            row[name] = _plain(value)
    spent = run.timing.get(line["id"], {"latency_s": []})["latency_s"]
    answers_ms = [1000.0 * each for each in spent if each > 0.0]
    return row | {"latency_ms.median": median(answers_ms) if answers_ms else None,
                  "latency_ms.max": max(answers_ms, default=None)}


def _plain(value: Any) -> Any:
    is_nested = isinstance(value, dict | list)
    return json.dumps(value, ensure_ascii=False, sort_keys=True) if is_nested else value
