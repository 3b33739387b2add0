"""Latencies of a virtual clock as words: `--latency 0.2`, `--latency trace:jetson.txt`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from episodes.clock import KINDS, TRACE, ZERO, Latency
from eval.jsonl import read_lines

MOST_TRACED = 100_000
FORMS = ("seconds; uniform:LEAST:MOST, normal:MEAN:SD, lognormal:MEDIAN:SIGMA in seconds; or "
         "trace:FILE with one latency in seconds a line, or a run's timing.jsonl")


def parse(words: str, hold: str = ZERO) -> Latency:
    """The latency that a word names.

    Args:
        words: Seconds, a kind with its numbers, or `trace:FILE`.
        hold: `zero` or `last`.

    Raises:
        ValueError: one sentence for anything else, and for a file that holds no latencies.
    """
    kind, _, rest = words.partition(":")
    if kind == TRACE:
        return Latency(TRACE, _traced(Path(rest)), hold)
    if not rest:
        kind, rest = "constant", words
    try:
        values = tuple(float(each) for each in rest.split(":"))
    except ValueError:
        values = ()
    if kind not in KINDS or not values:
        raise ValueError(f"A latency is {FORMS}; got {words!r}.")
    return Latency(kind, values, hold)


def described(latency: Latency | None) -> dict[str, Any] | None:
    """For run.json: what it is; of a trace how long and which."""
    if latency is None:
        return None
    if latency.kind != TRACE:
        return {"kind": latency.kind, "hold": latency.hold, "values": list(latency.values)}
    digest = hashlib.sha256(json.dumps(latency.values).encode()).hexdigest()[:16]
    return {"kind": TRACE, "hold": latency.hold, "length": len(latency.values), "hash": digest}


def _traced(path: Path) -> tuple[float, ...]:
    try:
        values = _timed(path) if path.suffix == ".jsonl" else [
            float(line) for line in path.read_text(encoding="utf-8").splitlines()
            if line.strip() and not line.startswith("#")]
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}).") from error
    except ValueError as error:
        raise ValueError(f"{path}: is no trace ({error}); expected one latency in seconds a line, "
                         f"or a run's timing.jsonl.") from error
    if not 1 <= len(values) <= MOST_TRACED:
        raise ValueError(f"{path}: must hold 1 to {MOST_TRACED} latencies, got {len(values)}.")
    return tuple(values)


def _timed(path: Path) -> list[float]:
    """The answers' latencies of a timing.jsonl; rows within a plan have none."""
    path.stat()
    lines = read_lines(path)
    if not all(isinstance(line, dict) and isinstance(line.get("latency_s"), list)
               for line in lines):
        raise ValueError("a line lacks latency_s")
    return [float(each) for line in lines for each in line["latency_s"] if each > 0.0]
