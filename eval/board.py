"""A leaderboard as a whole: its rows, what follows from them, and leaderboard.json."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from eval import worth
from eval.advice import Advice, advice, behind
from eval.cells import Recorded
from eval.claims import Ledger
from eval.claims_tables import Best, best_values
from eval.curves import Curves
from eval.results import Run
from eval.standings import Measured, Row

SCHEMA_VERSION = 1
MOVING = ("git", "renderer", "packages", "machine")  # what can differ between kept runs


@dataclass(frozen=True)
class Board:
    """Everything that the page, the pictures and the JSON are made of."""

    command: str  # that makes it again
    config: dict[str, Any]  # ready for JSON
    rows: list[Row]
    scenarios: dict[str, str]  # name -> hash
    files: Recorded  # the held-out simulated episodes
    laboratory: Recorded | None
    curves: Curves | None
    ledger: Ledger
    origins: dict[str, list[Any]]  # of all runs: every git revision, renderer, ... that occurs

    @cached_property
    def behind(self) -> dict[str, dict[str, Any]]:
        """Success minus that of the best, by policy."""
        return behind(self.rows)

    @cached_property
    def ablations(self) -> list[dict[str, Any]]:
        """Variants minus their models."""
        return worth.ablations(self.rows)

    @cached_property
    def contrasts(self) -> list[dict[str, Any]]:
        """Models with and without a part."""
        return worth.contrasts(self.rows)

    @cached_property
    def memory(self) -> dict[str, Any] | None:
        """Models that look back against those that do not."""
        return worth.memory(self.rows)

    @cached_property
    def correlations(self) -> dict[str, dict[str, Any]]:
        """Rank correlation of one-step measures with success."""
        return worth.correlations(self.rows)

    @cached_property
    def advice(self) -> list[Advice]:
        """Which one to take."""
        return advice(self.rows, self.curves)

    @cached_property
    def best(self) -> dict[str, Best]:
        """The best value of every measure that the documents set a target for."""
        return best_values(self.rows)

    @cached_property
    def warnings(self) -> list[str]:
        """What must be said loudly before any number."""
        said = []
        if self.config["quick"]:
            said.append("QUICK: few episodes, for a first look; the intervals are wide.")
        random = [row.name for row in self.rows
                  if row.first and row.first.facts.get("weights") == "random"]
        if random:
            said.append(f"RANDOM WEIGHTS: {', '.join(random)} have learned nothing. Their numbers "
                        f"mean nothing and take part in no comparison.")
        missing = [row.name for row in self.rows if not row.seeds]
        if missing:
            said.append(f"NO WEIGHTS, not measured: {', '.join(missing)}.")
        errors = [row.name for row in self.rows if any(_errors(each) for each in row.seeds)]
        if errors:
            said.append(f"ERRORS: {', '.join(errors)} answered wrongly in some episodes, which are "
                        f"counted apart and are in no rate.")
        mixed = [name for name in MOVING if len(self.origins[name]) > 1]
        if mixed:
            said.append(f"MIXED: the runs differ in {', '.join(mixed)}; see the end of this page.")
        return said

    def as_json(self) -> dict[str, Any]:
        """The content of leaderboard.json: only what was measured here."""
        apart = self.behind
        return {
            "schema_version": SCHEMA_VERSION, "command": self.command, "config": self.config,
            "warnings": self.warnings, "scenarios": self.scenarios,
            "open_loop": {"source": "simulated", "files": sum(self.files.sources.values()),
                          "seed_roots": sorted(self.files.seed_roots)},
            "laboratory": self.laboratory and self.laboratory.sources,
            "policies": [_row(row) | {"minus_best": apart.get(row.name)} for row in self.rows],
            "ablations": self.ablations, "contrasts": self.contrasts,
            "memory": self.memory, "rank_correlation": self.correlations,
            "advice": self.advice,
            "targets": [{"requirement": each.requirement, "measure": each.measure,
                         "bound": each.bound, "best": self.best[each.measure][0],
                         "policy": self.best[each.measure][1],
                         "passed": _passed(each, self.best[each.measure][0])}
                        for each in self.ledger.target],
            "origins": self.origins,
        }


def origins(runs: list[Run]) -> dict[str, list[Any]]:
    """Every code revision, renderer, set of packages and machine that occurs in these runs."""
    found: dict[str, list[Any]] = {name: [] for name in MOVING}
    for run in runs:
        for name, seen in found.items():
            value = run.facts[name]
            if value is not None and value not in seen:
                seen.append(value)
    return found


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name, "kind": row.entrant.kind, "base": row.entrant.base,
        "ranked": row.entrant.is_ranked, "parameters": row.parameters,
        "success": row.spread(lambda each: each.success), "mae": row.spread(lambda each: each.mae),
        "seeds": [{
            "seed": each.seed, "policy": each.facts, "runs": each.runs, "warnings": each.warnings,
            "closed": each.closed, "open": each.open, "laboratory": each.laboratory,
            "latency_ms": each.latency_ms} for each in row.seeds]}


def _errors(measured: Measured) -> int:
    parts = [measured.closed, measured.open, *measured.laboratory.values()]
    return sum(part["errors"] for part in parts if part)


def _passed(target: Any, value: float | None) -> bool | None:
    return None if value is None else target.is_passed(value)
