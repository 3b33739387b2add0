"""How numbers stand in a leaderboard's cells. What was not measured is a word or a dash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eval.entrants import BASELINE, OWN, PRIVILEGED
from eval.standings import Measured, Row

DASH = "-"
MARKS = {BASELINE: " (baseline)", PRIVILEGED: " (PRIVILEGED)", OWN: " (own)"}


def label(row: Row) -> str:
    """A policy's name, and what must be known beside every number of it."""
    random = row.first is not None and row.first.facts.get("weights") == "random"
    loud = " **RANDOM WEIGHTS**" if random else ""
    return f"`{row.name}`{MARKS.get(row.entrant.kind, '')}{loud}"


def share(rate: dict[str, Any]) -> str:
    """`98.1 % [97.0, 98.9] 785/800`, or `0/0` where nothing was counted."""
    if not rate["n"]:
        return "0/0"
    return f"{percent(rate)} % [{100 * rate['low']:.1f}, {100 * rate['high']:.1f}] {counted(rate)}"


def counted(rate: dict[str, Any]) -> str:
    """`785/800`."""
    return f"{rate['k']}/{rate['n']}"


def interval(mean: dict[str, Any], digits: int) -> str:
    """`0.036 [0.034, 0.038]`; without interval for one value, a dash for none."""
    if mean["mean"] is None:
        return DASH
    ends = "" if mean["low"] is None else f" [{mean['low']:.{digits}f}, {mean['high']:.{digits}f}]"
    return f"{mean['mean']:.{digits}f}{ends}"


def signed(mean: dict[str, Any] | None, factor: float, digits: int) -> str:
    """`+1.2 [-0.3, +2.7]`, times a factor."""
    if mean is None or mean["mean"] is None:
        return DASH
    numbers = [f"{factor * value + 0.0:+.{digits}f}" for name in ("mean", "low", "high")
               if (value := mean[name]) is not None]
    return numbers[0] + (f" [{numbers[1]}, {numbers[2]}]" if len(numbers) == 3 else "")


def points(mean: dict[str, Any] | None) -> str:
    """A difference of shares in percentage points."""
    return signed(mean, 100.0, 1)


def spread_cell(row: Row, of: Callable[[Measured], float | None], factor: float,
                digits: int) -> str:
    """`97.2 (96.1 to 98.0) of 3`; one seed's number alone; a dash where nothing is learned."""
    found = row.spread(of)
    if found is None or row.entrant.kind in (BASELINE, PRIVILEGED):
        return DASH
    mean, least, most = (f"{factor * found[name]:.{digits}f}" for name in ("mean", "min", "max"))
    return f"{mean} ({least} to {most}) of {found['n']}" if found["n"] > 1 else f"{mean}, one seed"


def latency(measured: Measured | None) -> str:
    """`5.5 / 8.3`, or a dash."""
    found = measured.latency_ms if measured else None
    return f"{found['p50']:.3g} / {found['p95']:.3g}" if found else DASH


def percent(rate: dict[str, Any]) -> str:
    """`98.1`, or a dash where nothing was counted."""
    return f"{100 * rate['rate']:.1f}" if rate["n"] else DASH
