"""The tables of a leaderboard's own measurements as headers and cells."""

from __future__ import annotations

from typing import Any

from eval.advice import HEADS, Advice
from eval.board_cells import (
    DASH,
    counted,
    interval,
    label,
    latency,
    percent,
    points,
    share,
    signed,
    spread_cell,
)
from eval.entrants import PRIVILEGED
from eval.standings import LINEAR, Measured, Row
from eval.table import Table, number_cell

COUNTED = {"mae": "MAE", "accuracy_0.3": "accuracy(0.3)", "accuracy_0.1": "accuracy(0.1)"}


def ordered(rows: list[Row]) -> list[Row]:
    """Best drivers first; who has no numbers comes last."""
    return sorted(rows, key=lambda row: (row.success is None, -(row.success or 0.0)))


def closed_table(rows: list[Row], behind: dict[str, dict[str, Any]]) -> Table:
    """Driving, of each policy's first weights; only models and users' own have a rank."""
    headers = ["rank", "policy", "success [95 %]", "mean of seeds (least to most)",
               "minus the best, points [95 %]", "worst scenario", "contact [95 %]",
               "SPL [95 %]", "side followed [95 %]", "followed when swapped", "errors"]
    cells, rank = [], 0
    for row in ordered(rows):
        first = row.first
        if first is None or first.closed is None:
            cells.append([DASH, label(row), "no weights", *[DASH] * (len(headers) - 3)])
            continue
        rank += row.entrant.is_ranked
        found = first.closed
        cells.append([
            str(rank) if row.entrant.is_ranked else DASH, label(row), share(found["success"]),
            spread_cell(row, lambda each: each.success, 100.0, 1), points(behind.get(row.name)),
            _worst(found["worst"]), share(found["contact"]), interval(found["spl"], 2),
            share(found["side_followed"]), counted(found["side_swapped"]), str(found["errors"])])
    return headers, cells


def one_step_table(rows: list[Row], source: str | None = None) -> Table:
    """Errors on recorded pictures; of a source of laboratory files, or the simulated ones."""
    headers = ["policy", "MAE [95 %]", "mean of seeds (least to most)", "accuracy(0.3) [95 %]",
               "accuracy(0.1) [95 %]", "R2 x / y", "correlation x / y", "errors"]

    def of(each: Measured) -> dict[str, Any] | None:
        return each.open if source is None else each.laboratory.get(source)

    def mae(each: Measured) -> float | None:
        return (of(each) or {"mae": {"mean": None}})["mae"]["mean"]

    cells = []
    for row in sorted(rows, key=lambda row: _first_or_last(row.spread(mae))):
        found = of(row.first) if row.first else None
        if found is None or not found["decisions"]:
            cells.append([label(row), _why_not(row, found), *[DASH] * (len(headers) - 2)])
            continue
        cells.append([label(row), interval(found["mae"], 3), spread_cell(row, mae, 1.0, 3),
                      *[share(found["accuracy"][each]) for each in ("0.3", "0.1")],
                      *[" / ".join(number_cell(found[name][axis], 2) for axis in LINEAR)
                        for name in ("r2", "correlation")], str(found["errors"])])
    return headers, cells


def cost_table(rows: list[Row]) -> Table:
    """What a policy costs: parameters, time, and how far it looks back."""
    headers = ["policy", "parameters of head", "of towers", "ms a decision p50 / p95",
               "frames it sees", "plan", "size"]
    cells = []
    for row in ordered(rows):
        facts = row.first.facts if row.first else {}
        sizes = [f"{row.parameters[name]:,}" if row.parameters else DASH
                 for name in ("head", "towers")]
        cells.append([label(row), *sizes, latency(row.first), *[
            str(facts.get(name) or DASH) for name in ("window", "plan_length", "size")]])
    return headers, cells


def registry_table(rows: list[Row]) -> Table:
    """Which weights were measured, by training seed: the hash of what was loaded."""
    return ["policy", "hash of the weights, by training seed"], [
        [label(row), ", ".join(f"{each.seed}: {each.facts.get('weights_hash') or DASH}"
                               for each in row.seeds)] for row in rows if row.seeds]


def scenario_table(rows: list[Row], scenarios: list[str]) -> Table:
    """Success in each scenario, percent, of each policy's first weights."""
    cells = []
    for row in ordered(rows):
        if row.first and row.first.closed:
            found = row.first.closed["scenarios"]
            cells.append([label(row), *[percent(found[name]) for name in scenarios]])
    return ["policy", *scenarios], cells


def worth_table(differences: list[dict[str, Any]], *, names_both: bool) -> Table:
    """What changing one part does; `names_both` where it is no name of a variant."""
    what = ["with it", "without it"] if names_both else ["of"]
    headers = ["part" if names_both else "variant", *what, "success, points [95 %]",
               "by training seed", "MAE [95 %]", "verdict"]
    return headers, [[each["what"], *([each["policy"]] if names_both else []), each["minus"],
                      points(each["success"]),
                      ", ".join(f"{100 * value:+.1f}" for value in each["success_by_seed"]),
                      signed(each["mae"], 1.0, 3), each["verdict"]] for each in differences]


def correlation_table(found: dict[str, dict[str, Any]]) -> Table:
    """Spearman's rho with success; -1 for MAE and 1 for accuracies would be a perfect ranking."""
    headers = ["counted", "policies", *[f"success and {each}" for each in COUNTED.values()]]
    return headers, [[who, str(each["mae"]["n"]), *[_rho(each[name]) for name in COUNTED]]
                     for who, each in found.items()]


def advice_table(lines: list[Advice]) -> Table:
    """Which one to take."""
    return ["for", "take", "because"], [
        [each["need"] or "", f"`{each['take']}`" if each["take"] else DASH,
         f"{each['because']}."] for each in lines]


def head_table(rows: list[Row]) -> Table:
    """The documents' guide to policy heads, beside what was measured."""
    headers = ["head", "the documents say", "success", "MAE", "parameters of head", "ms p50"]
    return headers, [[
        row.name, HEADS[row.name], spread_cell(row, lambda each: each.success, 100.0, 1),
        spread_cell(row, lambda each: each.mae, 1.0, 3),
        f"{row.parameters['head']:,}" if row.parameters else DASH,
        latency(row.first).partition(" /")[0]] for row in rows]


def _worst(worst: dict[str, Any] | None) -> str:
    return f"{worst['scenario']} {percent(worst)} %" if worst else DASH


def _first_or_last(spread: dict[str, Any] | None) -> float:
    return spread["mean"] if spread else float("inf")


def _why_not(row: Row, found: dict[str, Any] | None) -> str:
    if not row.seeds:
        return "no weights"
    if row.entrant.kind == PRIVILEGED:
        return "not possible: needs the truth"
    return "every answer an error" if found else "not possible: these files lack what it needs"


def _rho(found: dict[str, Any]) -> str:
    if "undefined" in found:
        return f"not measured ({found['undefined']})"
    return f"{found['rho']:+.2f} [{found['low']:+.2f}, {found['high']:+.2f}]"
