"""The numbers of a leaderboard from its finished runs: one row a policy, one part a training seed.

Episodes that ended by an error of the policy are in no number. Real, simulated and dummy recordings
are never pooled.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from eval.entrants import Entrant
from eval.openloop import AXES
from eval.paired import pooled
from eval.results import Run
from eval.statistics import rate
from eval.summary import summarise

LINEAR = AXES[:2]
SIMULATED = "simulated"
Errors = dict[str, tuple[float, int]]  # by episode: mean absolute error, decisions


@dataclass
class Measured:
    """What one training seed's weights did; None where it was not or cannot be measured."""

    seed: int
    facts: dict[str, Any] = field(default_factory=dict)  # of the run: what the policy is
    runs: dict[str, str] = field(default_factory=dict)  # loop -> the run's id
    warnings: list[str] = field(default_factory=list)
    closed: dict[str, Any] | None = None
    open: dict[str, Any] | None = None
    laboratory: dict[str, dict[str, Any]] = field(default_factory=dict)  # by source
    latency_ms: dict[str, Any] | None = None
    wins: dict[tuple[str, int], bool] = field(default_factory=dict)  # scenario, layout's seed
    errors: Errors = field(default_factory=dict)  # on the simulated episodes

    @property
    def success(self) -> float | None:
        """Share of episodes without errors."""
        return self.closed["success"]["rate"] if self.closed else None

    @property
    def mae(self) -> float | None:
        """One-step, in command units."""
        return self.open["mae"]["mean"] if self.open else None


@dataclass
class Row:
    """One policy with all its training seeds; none where there are no weights."""

    entrant: Entrant
    seeds: list[Measured]
    parameters: dict[str, int] | None = None  # of head and towers

    @property
    def name(self) -> str:
        """Of the policy."""
        return self.entrant.name

    @property
    def first(self) -> Measured | None:
        """The seed whose numbers stand in the tables: the shipped weights where there are some."""
        return self.seeds[0] if self.seeds else None

    @property
    def success(self) -> float | None:
        """Mean over training seeds."""
        return self._mean(lambda each: each.success)

    @property
    def mae(self) -> float | None:
        """Mean over training seeds."""
        return self._mean(lambda each: each.mae)

    @property
    def looks_back(self) -> int | None:
        """Frames that it sees at once, the current one included."""
        return self.first.facts.get("window") if self.first else None

    def spread(self, of: Callable[[Measured], float | None]) -> dict[str, Any] | None:
        """Mean, least and most over training seeds."""
        found = [value for each in self.seeds if (value := of(each)) is not None]
        if not found:
            return None
        return {"n": len(found), "mean": round(sum(found) / len(found), 6),
                "min": min(found), "max": max(found)}

    @property
    def wins(self) -> list[dict[tuple[str, int], bool]]:
        """Who won what, of each training seed that drove an episode without an error."""
        return [each.wins for each in self.seeds if each.wins]

    def _mean(self, of: Callable[[Measured], float | None]) -> float | None:
        spread = self.spread(of)
        return spread["mean"] if spread else None


def add_closed(measured: Measured, run: Run) -> None:
    """Take over what a finished run in the closed loop says."""
    lines = run.lines()
    summary = summarise(run, lines)
    total, scenarios = summary["total"], summary["scenarios"]
    _note(measured, run, "closed", summary)
    judged = [line for line in lines if line["error"] is None]
    measured.wins = {(line["scenario"], line["seed"]): line["success"] for line in judged}
    by_scenario = {name: row["success"] for name, row in scenarios.items()}
    known = {name: each for name, each in by_scenario.items() if each["n"]}
    worst = min(known, key=lambda name: known[name]["rate"], default=None)
    measured.closed = {
        "success": total["success"], "contact": total["contact"], "spl": total["spl"],
        "side_followed": total["side_compliance"], "side_swapped": _swapped(judged),
        "worst": worst and {"scenario": worst} | known[worst], "scenarios": by_scenario,
        "episodes": total["episodes"], "errors": total["errors"], "ends": total["ends"],
    }


def add_open(measured: Measured, run: Run) -> None:
    """Take over what a finished run on held-out simulated episodes says, and its latency."""
    lines = run.lines()
    summary = summarise(run, lines)
    _note(measured, run, "open", summary)
    measured.errors = {line["id"]: (line["metrics"]["mae"], line["decisions"])
                       for line in lines if line["error"] is None and line["metrics"]}
    measured.open = _one_step(summary["sources"][SIMULATED], measured.errors)
    timing = json.loads((run.folder / "timing.json").read_text(encoding="utf-8"))
    measured.latency_ms = timing["total"] if timing["total"]["n"] else None


def add_laboratory(measured: Measured, run: Run) -> None:
    """Take over what a finished run on laboratory files says, one part a source."""
    lines = run.lines()
    summary = summarise(run, lines)
    _note(measured, run, "laboratory", summary)
    for source, row in summary["sources"].items():
        errors = {line["id"]: (line["metrics"]["mae"], line["decisions"]) for line in lines
                  if line["source"] == source and line["error"] is None and line["metrics"]}
        measured.laboratory[source] = _one_step(row, errors)


def _note(measured: Measured, run: Run, loop: str, summary: dict[str, Any]) -> None:
    measured.facts = run.facts["policy"]
    measured.runs[loop] = f"{run.folder.parent.name}/{run.folder.name}"
    measured.warnings += [each for each in summary["warnings"] if each not in measured.warnings]


def _one_step(row: dict[str, Any], errors: Errors) -> dict[str, Any]:
    """The open loop's numbers of one source; only counts where every episode was an error."""
    counts = {name: row[name] for name in ("episodes", "decisions", "errors")}
    mae = pooled(list(errors.values())).as_json()
    if not row["decisions"]:
        return counts | {"mae": mae, "accuracy": {}, "r2": {}, "correlation": {}}
    return counts | {
        "mae": mae, "rmse": row["planar"]["rmse"], "test_loss": row["planar"]["test_loss"],
        "accuracy": row["planar"]["accuracy"],
        **{name: {axis: row["axes"][axis][name] for axis in LINEAR}
           for name in ("r2", "correlation")}}


def _swapped(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """How often the side followed the words when only they were swapped.

    Counted are layouts driven on both sides in which every box was passed both times.
    """
    pairs: dict[tuple[int, int], dict[str, bool]] = defaultdict(dict)
    for line in lines:
        if line["side_compliant"] is not None:
            pairs[line["seed"], line["index"]][line["pass_side"]] = line["side_compliant"]
    return rate(all(pair.values()) for pair in pairs.values() if len(pair) == 2).as_json()
