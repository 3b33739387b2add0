"""A comparison as tables, for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eval.contrast import LOWER_IS_BETTER, RATES, Contrast, Difference, favours
from eval.inference import POWER, detectable
from eval.table import Table, number_cell

if TYPE_CHECKING:
    from eval.compare import Comparison

HOW = ("Of rates differences are in points, in [] the 95 % bootstrap interval over layouts, then "
       "the same with scenarios drawn anew too. p: Holm's, the deciding metric over all "
       "comparisons, the others over all of theirs. Better: whom p lets one name; a dash where "
       "chance may have done it. (-): less is better.")


def show(found: Comparison) -> None:
    """Print warnings, tables, and the verdicts last."""
    from rich.text import Text

    from eval.terminal import console_of, print_table

    console = console_of()
    for warning in found.warnings:
        console.print(Text(warning, style="bold red"))
    for name, each in zip(found.names[1:], found.contrasts):
        print_table(console, *difference_table(found.names[0], name, each, found.alpha))
        for line in notes(found.names[0], name, each, found.alpha):
            console.print(line, highlight=False, markup=False)
        console.print()
    console.print(HOW, highlight=False, markup=False)
    for verdict in found.verdicts:
        console.print(Text(verdict, style="bold"), soft_wrap=True)


def difference_table(baseline: str, other: str, each: Contrast,
                     alpha: float) -> tuple[str, Table]:
    """Title and table of one comparison; the first row decides."""
    short = {"baseline": baseline.split()[0], "other": other.split()[0]}
    headers = ["metric", "pairs", baseline, other, f"{short['other']} minus {short['baseline']}",
               "scenarios like these", "p", "better"]
    return (f"{other} against {baseline}: {len(each.pairs.baseline)} pairs on {each.layouts} "
            f"layouts",
            (headers, [[*_row(row), short.get(favours(row, alpha) or "", "-")]
                       for row in (each.decides, *each.also)]))


def notes(baseline: str, other: str, each: Contrast, alpha: float) -> list[str]:
    """What stands below the table: counts, what was left out, what else differs."""
    found = []
    if each.counts is not None:
        counts = each.counts
        found.append(f"Both {counts['both']}, only {baseline} {counts['only_baseline']}, only "
                     f"{other} {counts['only_other']}, neither {counts['neither']}; exact McNemar "
                     f"p = {each.p_mcnemar:.2g}.")
        n = sum(counts.values())
        share = (counts["only_baseline"] + counts["only_other"]) / n
        least = detectable(n, share, alpha=alpha) if share else None
        if least is not None:
            found.append(f"They disagree in {100 * share:.0f} % of the pairs: so many independent "
                         f"pairs find a difference of {100 * least:.1f} points with "
                         f"{100 * POWER:.0f} % power.")
    left_out = [f"{count} {what}" for counts, what in (
        (each.pairs.unpaired, "episodes that only {} drove"),
        (each.pairs.errors, "episodes that ended by an error of {}"))
        for count, what in zip(counts, (what.format(baseline), what.format(other))) if count]
    if left_out:
        found.append(f"Left out: {', '.join(left_out)}.")
    if each.pairs.differs:
        found.append("What differs: " + "; ".join(each.pairs.differs) + ".")
    return found


def _row(each: Difference) -> list[str]:
    name = each.metric.replace("_", " ") + (" (-)" if each.metric in LOWER_IS_BETTER else "")
    if each.difference is None:
        return [name, "0", "-", "-", "-", "-", "-"]
    return [name, str(each.pairs), _value(each, each.baseline), _value(each, each.other),
            f"{_value(each, each.difference, '+')} {_ends(each, each.low, each.high)}",
            _ends(each, each.low_like, each.high_like),
            "-" if each.p_holm is None else f"{each.p_holm:.2g}"]


def _value(each: Difference, value: float | None, sign: str = "") -> str:
    if value is None:
        return "-"
    if each.metric in RATES:
        return f"{100 * value:{sign}.1f}" + ("" if sign else " %")
    return f"{value:{sign}.3f}" if sign else number_cell(value, 3)


def _ends(each: Difference, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "-"
    digits, factor = (1, 100) if each.metric in RATES else (3, 1)
    return f"[{factor * low:+.{digits}f}, {factor * high:+.{digits}f}]"
