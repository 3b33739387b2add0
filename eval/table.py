"""The tables of a run as headers and cells, for the terminal and for report.md alike."""

from __future__ import annotations

from typing import Any

from eval.metrics import MODES
from eval.openloop import AXES, THRESHOLDS
from eval.resampling import CONFIDENCE

Table = tuple[list[str], list[list[str]]]  # headers, rows of cells
INTERVAL = f"k/n = rate [{100 * CONFIDENCE:.0f} % Wilson interval]"
ACROSS = ("All scenarios together, 95 % bootstrap over layouts (a layout's left and right stand "
          "together), scenarios as they are or drawn anew too")
MEANS_TABLES: dict[str, dict[str, tuple[str, int]]] = {  # title -> metric -> header, digits
    "Efficiency": {"spl": ("SPL", 3), "soft_spl": ("SoftSPL", 3), "path_length_m": ("path m", 2),
                   "time_s": ("time s", 1), "barn": ("BARN", 3)},
    "How far, and how like the expert's route": {
        "progress": ("progress", 2), "remaining_m": ("to the goal m", 2), "ndtw": ("nDTW", 3),
        "sdtw": ("sDTW", 3)},
    "Clearance": {"min_clearance_m": ("min clearance m", 3), "box_gap_min_m": ("min to a box m", 3),
                  "box_gap_mean_m": ("mean to a box m", 3), "near_box_s": ("near a box s", 2)},
    "Contacts": {"contacts": ("things touched", 2), "first_contact_s": ("first contact s", 1),
                 "impact_speed_m_s": ("impact speed m/s", 2)},
    "Smoothness": {"jerk_m_s3": ("jerk m/s3", 2), "curvature_1_m": ("curvature 1/m", 2),
                   "roughness": ("roughness", 3),
                   "angle_over_length_rad_m": ("angle over length rad/m", 2)},
}
BOOTSTRAP = f"mean [{100 * CONFIDENCE:.0f} % bootstrap interval over episodes]"


def tables(summary: dict[str, Any]) -> dict[str, Table]:
    """Every table of a summary by its title."""
    if summary["loop"] == "open":
        return _open_tables(summary)
    rows = dict(summary["scenarios"])
    if len(rows) > 1:
        rows["total"] = summary["total"]
    found = {f"Rates: {INTERVAL}": _rates(rows),
             f"Success by what counts as arriving: {INTERVAL}": _modes(rows)}
    for title, columns in MEANS_TABLES.items():
        found[f"{title}: {BOOTSTRAP}"] = _means(rows, columns)
    found["How the episodes ended"] = _ends(rows)
    if "across_scenarios" in summary:
        found[ACROSS] = _across(summary)
    return found


def timing_tables(timing: dict[str, Any]) -> dict[str, Table]:
    """The tables of a timing by title: latency by scenario or source, and what each call took."""
    (key,) = [name for name in timing if name.startswith("by_")]
    rows = timing[key] | ({"total": timing["total"]} if len(timing[key]) > 1 else {})
    latency = [[name, latency_cell(row), str(row["n"]), *_lateness(row)]
               for name, row in rows.items()]
    late = ["misses", "stale", "age ms p50 / p99"] if "stale" in timing["total"] else []
    sessions = [[f"{each['start_s']:.1f}", f"{each['drive_s']:.1f}", str(each["episodes"]),
                 f"{each['environment_s']:.1f}", f"{each['inference_s']:.1f}",
                 f"{each['workers']} / {each['cores']} cores", number_cell(each["ratio"], 2)]
                for each in timing["sessions"]]
    return {f"Latency of one call, batch {timing['batch_size']}":
            ([key.removeprefix("by_"), "ms p50 / p95", "answers", *late], latency),
            "Seconds, processor time of world and policy summed over processes":
            (["start-up", "driving", "episodes", "world", "policy", "processes", "ratio"],
             sessions)}


def markdown(table: Table) -> str:
    """A table as Markdown."""
    headers, rows = table
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
                     for line in lines)


def _rates(rows: dict[str, Any]) -> Table:
    names = ("success", "reach", "side_compliance", "contact")
    headers = ["scenario", *[name.replace("_", " ") for name in names]]
    return headers, [[scenario, *[rate_cell(row[name]) for name in names]]
                     for scenario, row in rows.items()]


def _modes(rows: dict[str, Any]) -> Table:
    return ["scenario", *MODES], [
        [scenario, *[rate_cell(row[f"success_{mode}"]) for mode in MODES]]
        for scenario, row in rows.items()]


def _means(rows: dict[str, Any], columns: dict[str, tuple[str, int]]) -> Table:
    """One column a mean; n stands in it where fewer episodes than the others have the number."""
    most = {scenario: max(row[name]["n"] for name in columns) for scenario, row in rows.items()}
    return ["scenario", "n", *[header for header, _ in columns.values()]], [
        [scenario, str(most[scenario]), *[
            mean_cell(row[name], digits) + (
                f" (n = {row[name]['n']})" if row[name]["n"] != most[scenario] else "")
            for name, (_, digits) in columns.items()]] for scenario, row in rows.items()]


def _across(summary: dict[str, Any]) -> Table:
    return ["", "value", "these scenarios", "scenarios like these"], [
        [name.replace("_", " "), number_cell(row["value"], 3),
         *[_ends_cell(row[kind]) for kind in ("these", "like_these")]]
        for name, row in summary["across_scenarios"].items()]


def _ends_cell(ends: list[float] | None) -> str:
    return "-" if ends is None else f"[{ends[0]:.3f}, {ends[1]:.3f}]"


def _lateness(row: dict[str, Any]) -> list[str]:
    """Missed deadlines, stale commands and how old the pictures behind commands were."""
    if "stale" not in row:
        return []
    age = row["age"]
    ages = "-" if age["p50"] is None else f"{age['p50']:.3g} / {age['p99']:.3g}"
    return [rate_cell(row["misses"]), rate_cell(row["stale"]), ages]


def _ends(rows: dict[str, Any]) -> Table:
    ends = sorted({end for row in rows.values() for end in row["ends"]} - {"policy_error"})
    headers = ["scenario", "episodes", *ends, "policy_error (in no rate)"]
    return headers, [[scenario, str(row["episodes"]),
                      *[str(row["ends"].get(end, 0)) for end in ends], str(row["errors"])]
                     for scenario, row in rows.items()]


def _open_tables(summary: dict[str, Any]) -> dict[str, Table]:
    found = {}
    for source, row in summary["sources"].items():
        where = (f"source {source}: {row['episodes']} episodes, {row['decisions']} decisions, "
                 f"{row['errors']} errors (in no number)")
        if row["decisions"]:
            found[f"Errors in command units, {where}"] = _errors(row)
            found[f"Shares of decisions, source {source}: {INTERVAL}"] = _shares(row)
        else:
            found[f"Nothing to compare, {where}"] = (["source"], [[source]])
    return found


def _errors(row: dict[str, Any]) -> Table:
    headers = ["axes", "MAE", "RMSE", "test loss", "R2", "correlation"]
    planar = ["both linear", *_error_cells(row["planar"]), "", ""]
    return headers, [planar, *[
        [axis, *_error_cells(row["axes"][axis]), number_cell(row["axes"][axis]["r2"], 3),
         number_cell(row["axes"][axis]["correlation"], 3)] for axis in AXES]]


def _error_cells(part: dict[str, Any]) -> list[str]:
    return [number_cell(part[name], 4) for name in ("mae", "rmse", "test_loss")]


def _shares(row: dict[str, Any]) -> Table:
    planar, axes = row["planar"], row["axes"]
    body = [[f"accuracy {each} (|error| below)", rate_cell(planar["accuracy"][str(each)]),
             *[rate_cell(axes[axis]["accuracy"][str(each)]) for axis in AXES]]
            for each in THRESHOLDS]
    body.append(["tracking (|error| below 0.5)", rate_cell(planar["tracking"]), "", "", ""])
    body.append(["direction (dead band 0.1)", "",
                 *[rate_cell(axes[axis]["direction"]) for axis in AXES]])
    body.append(["magnitude order", rate_cell(planar["magnitude_order"]), "", "", ""])
    return ["measure", "both linear", *AXES], body


def rate_cell(rate: dict[str, Any]) -> str:
    """`9/10 = 90 % [60, 98]`, or `0/0` where nothing was counted."""
    if not rate["n"]:
        return "0/0"
    return (f"{rate['k']}/{rate['n']} = {100 * rate['rate']:.0f} % "
            f"[{100 * rate['low']:.0f}, {100 * rate['high']:.0f}]")


def mean_cell(mean: dict[str, Any], digits: int) -> str:
    """`0.723 [0.61, 0.82]`; without interval for one value, a dash for none."""
    value = number_cell(mean["mean"], digits)
    if mean["low"] is None:
        return value
    low, high = (number_cell(mean[end], min(digits, 2)) for end in ("low", "high"))
    return f"{value} [{low}, {high}]"


def number_cell(value: float | dict[str, str] | None, digits: int) -> str:
    """A number, why it is undefined, or a dash where nothing was counted."""
    if isinstance(value, dict):
        return f"undefined ({value['undefined']})"
    return "-" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"  # never -0.0


def latency_cell(latency: dict[str, Any] | None) -> str:
    """`12.3 / 15.0`, or a dash where nothing was asked."""
    if not latency or not latency["n"]:
        return "-"
    return f"{latency['p50']:.3g} / {latency['p95']:.3g}"
