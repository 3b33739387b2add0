"""What others published and wanted, as tables of their own.

They never stand beside our numbers, but for one question: is a target reached here?
"""

from __future__ import annotations

from eval.board_cells import DASH
from eval.claims import COMPARABLE, Claim, Ledger, Target
from eval.standings import LINEAR, Measured, Row
from eval.table import Table
from eval.worth import accuracy

UNITS = {"command": "command units", "halved": "command units / 2", "percent": "%", "none": "none"}
MEASURES = {"mae": "MAE, command units", "accuracy_0.3": "accuracy(0.3)",
            "accuracy_0.1": "accuracy(0.1)", "r2": "R2", "correlation": "correlation",
            "latency_ms": "time per decision", "fps": "decisions a second",
            "memory_gb": "memory, GB"}
ENDINGS = {"accuracy_0.3": " %", "accuracy_0.1": " %", "latency_ms": " ms"}
Best = tuple["float | None", "str | None"]  # a value measured here, and whose


def claims_table(ledger: Ledger) -> Table:
    """What others published."""
    headers = ["row", "model", "published", "unit", "data", "document", "family", "verdict", "why"]
    return headers, [[each.requirement, each.model, _published(each),
                      UNITS.get(each.unit, each.unit), each.data, each.seed, each.family,
                      _verdict(each), each.reason] for each in ledger.claim]


def target_table(ledger: Ledger, best: dict[str, Best]) -> Table:
    """The documents' own targets beside the best value measured here, by measure."""
    headers = ["row", "measure", "wanted", "best measured here", "by", "passed", "remark"]
    return headers, [[each.requirement, MEASURES[each.measure], _wanted(each),
                      _value(each.measure, best[each.measure][0]), _whose(best[each.measure][1]),
                      _passed(each, best[each.measure][0]), each.caveat] for each in ledger.target]


def best_values(rows: list[Row]) -> dict[str, Best]:
    """The best value of every measure among trained models' first weights, and whose."""
    return {measure: _best(rows, measure) for measure in MEASURES}


def _best(rows: list[Row], measure: str) -> Best:
    found = [(value, row.name) for row in rows if row.entrant.is_ranked and row.first
             and (value := _measured(row.first, measure)) is not None]
    if not found:
        return None, None
    return min(found) if measure in ("mae", "latency_ms") else max(found)


def _measured(measured: Measured, measure: str) -> float | None:
    """One set of weights' value; accuracies in percent, R2 and correlation of the worse axis."""
    if measure == "mae":
        return measured.mae
    if measure in ("latency_ms", "fps"):
        p50_ms = measured.latency_ms["p50"] if measured.latency_ms else None
        return 1000.0 / p50_ms if p50_ms and measure == "fps" else p50_ms
    if measure in ("r2", "correlation"):
        by_axis = (measured.open or {}).get(measure, {})
        numbers = [by_axis[axis] for axis in LINEAR if isinstance(by_axis.get(axis), float)]
        return min(numbers) if len(numbers) == len(LINEAR) else None
    if measure.startswith("accuracy_"):
        share = accuracy(measured, measure.removeprefix("accuracy_"))
        return None if share is None else 100.0 * share
    return None


def _published(claim: Claim) -> str:
    return "; ".join(f"{name} {value:.5g}" for name, value in claim.numbers.items())


def _verdict(claim: Claim) -> str:
    return f"{COMPARABLE} within its family" if claim.verdict == COMPARABLE else claim.verdict


def _wanted(target: Target) -> str:
    return (f"at {'most' if target.lower_is_better else 'least'} "
            f"{_value(target.measure, target.bound)}")


def _passed(target: Target, value: float | None) -> str:
    if value is None:
        return "not measured"
    return "yes" if target.is_passed(value) else "**no**"


def _value(measure: str, value: float | None) -> str:
    if value is None:
        return DASH
    return (f"{value:,.0f}" if value >= 1000 else f"{value:.3g}") + ENDINGS.get(measure, "")


def _whose(name: str | None) -> str:
    return f"`{name}`" if name else DASH
