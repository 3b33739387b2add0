"""The pictures of a leaderboard, as PNGs.

Colours are Okabe and Ito's; nothing is said by colour alone.
"""

from __future__ import annotations

import io
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator

from eval.board_tables import ordered
from eval.entrants import ABLATION, BASELINE, MODEL, OWN, PRIVILEGED
from eval.standings import Row

STYLES = {  # kind -> colour, marker, hatch
    MODEL: ("#0072B2", "o", ""), OWN: ("#CC79A7", "D", "xx"), ABLATION: ("#56B4E9", "v", ".."),
    BASELINE: ("#808080", "s", "//"), PRIVILEGED: ("#E69F00", "*", "\\\\"),
}
DPI = 110
WIDTH_IN, LINE_IN = 8.6, 0.27
LEAST_MAE = 1e-3  # a logarithmic axis has no 0


def plots(rows: list[Row], ablations: list[dict[str, Any]]) -> dict[str, bytes]:
    """Every picture there are numbers for, as PNG by a name for its file."""
    driven = [row for row in ordered(rows) if row.first and row.first.success is not None]
    own = [row for row in driven if row.entrant.kind != ABLATION]
    asked = [row for row in driven if row.first and row.first.mae is not None]
    found = {}
    if own:
        found["success"] = _bars(own)
    if asked:
        found["success_against_error"] = _scatter(asked)
    if ablations:
        found["ablations"] = _differences(ablations)
    return found


def _bars(rows: list[Row]) -> bytes:
    """One bar a policy with its Wilson interval, one dot a training seed."""
    figure = _figure(1.2 + LINE_IN * len(rows))
    axes = figure.add_subplot()
    for place, row in enumerate(rows):
        rate = _rate(row)
        colour, _, hatch = STYLES[row.entrant.kind]
        share = 100 * rate["rate"]
        axes.barh(place, share, color=colour, hatch=hatch, edgecolor="white", height=0.72)
        off = [[share - 100 * rate["low"]], [100 * rate["high"] - share]]
        axes.errorbar(share, place, xerr=off, color="black", capsize=2.5, linewidth=1.1)
        dots = [100 * (each.success or 0.0) for each in row.seeds] if len(row.seeds) > 1 else []
        axes.plot(dots, [place] * len(dots), "o", markersize=3.6, markerfacecolor="white",
                  markeredgecolor="black", linestyle="none", zorder=4)
    axes.set_yticks(range(len(rows)), [_name(row) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, 101)
    axes.set_xlabel("closed-loop success, %: bars and 95 % Wilson intervals of the first weights,\n"
                    "white dots: each training seed")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    return _png(figure)


def _scatter(rows: list[Row]) -> bytes:
    """Success against one-step error: everybody, and closer the ranked models with numbers."""
    ranked = [row for row in rows if row.entrant.is_ranked]
    numbers = {row.name: str(number) for number, row in enumerate(
        [row for row in rows if row.entrant.kind != ABLATION], start=1)}
    close = len(ranked) > 1
    figure = _figure(max(4.2, 1.0 + 0.2 * len(numbers)), WIDTH_IN + 3.4 * close)
    panels = figure.subplots(1, 1 + close, squeeze=False)[0]
    for axes in panels:
        for row in rows:
            x, y = _point(axes, row)
            if close and axes is panels[0] and row.entrant.is_ranked:
                continue  # its number stands in the closer view
            axes.annotate(numbers.get(row.name, ""), (x, y), xytext=(4, 4), fontsize=8,
                          textcoords="offset points", annotation_clip=True)
        _label_axes(axes)
    panels[0].set_ylim(-3, 103)
    panels[0].set_ylabel("closed-loop success, %")
    if close:
        _look_closer(panels[1], ranked)
    panels[-1].legend(handles=_handles(rows, numbers), loc="center left", frameon=False,
                      bbox_to_anchor=(1.0, 0.5), fontsize=8)
    return _png(figure)


def _label_axes(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))
    axes.set_xlabel("one-step MAE, command units (log)")
    axes.grid(alpha=0.3)


def _look_closer(axes: Axes, rows: list[Row]) -> None:
    """Only where the ranked models lie, with their intervals of success."""
    errors = [max(_mae(row)["mean"], LEAST_MAE) for row in rows]
    axes.set_xlim(min(errors) / 1.25, max(errors) * 1.3)
    low = min(100 * _rate(row)["low"] for row in rows)
    axes.set_ylim(max(-3.0, low - 2.0), 103.0 if low < 50 else 101.0)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)))
    axes.set_title("closer: the models", fontsize=9)


def _handles(rows: list[Row], numbers: dict[str, str]) -> list[Line2D]:
    """The legend: everybody who has a number, and one line for all ablations."""
    named = [(row.entrant.kind, f"{numbers[row.name]}  {_name(row)}") for row in rows
             if row.name in numbers]
    if any(row.entrant.kind == ABLATION for row in rows):
        named.append((ABLATION, "ablations"))
    return [Line2D([], [], color=STYLES[kind][0], marker=STYLES[kind][1], linestyle="none",
                   label=label) for kind, label in named]


def _point(axes: Axes, row: Row) -> tuple[float, float]:
    """One policy's first weights with both intervals; where it stands."""
    colour, marker, _ = STYLES[row.entrant.kind]
    rate, mae = _rate(row), _mae(row)
    x, y = max(mae["mean"], LEAST_MAE), 100 * rate["rate"]
    low, high = (x if mae[end] is None else max(mae[end], LEAST_MAE) for end in ("low", "high"))
    axes.errorbar(x, y, xerr=[[max(0.0, x - low)], [max(0.0, high - x)]],
                  yerr=[[y - 100 * rate["low"]], [100 * rate["high"] - y]], color=colour,
                  marker=marker, markersize=6, capsize=2, linewidth=0.9)
    return x, y


def _differences(ablations: list[dict[str, Any]]) -> bytes:
    """How much success each variant gains or loses against its model."""
    lines = sorted(ablations, key=lambda each: each["success"]["mean"] or 0.0)
    figure = _figure(1.5 + LINE_IN * len(lines))
    axes = figure.add_subplot()
    axes.axvline(0.0, color="black", linewidth=0.9)
    for place, each in enumerate(lines):
        mean, low, high = (100 * (each["success"][name] or 0.0) for name in ("mean", "low", "high"))
        axes.errorbar(mean, place, xerr=[[max(0.0, mean - low)], [max(0.0, high - mean)]],
                      color=STYLES[MODEL][0], marker="o", markersize=5.5, capsize=2.5)
        seeds = [100 * value for value in each["success_by_seed"]] if len(each["seeds"]) > 1 else []
        axes.plot(seeds, [place + 0.22] * len(seeds), "o", markersize=3.4, linestyle="none",
                  markerfacecolor="white", markeredgecolor="black")
    axes.set_yticks(range(len(lines)), [f"{each['what']}\nminus {each['minus']}" for each in lines],
                    fontsize=8)
    axes.set_ylim(-0.6, len(lines) - 0.4)
    axes.set_xlabel("success of the variant minus its model's, points; 95 % over layouts,\n"
                    "white dots: each training seed")
    axes.grid(axis="x", alpha=0.3)
    return _png(figure)


def _rate(row: Row) -> dict[str, Any]:
    """The success of a driven row's first weights."""
    closed = row.first.closed if row.first else None
    assert closed is not None, "only driven rows are drawn"
    return closed["success"]


def _mae(row: Row) -> dict[str, Any]:
    """The one-step error of such a row's first weights."""
    found = row.first.open if row.first else None
    assert found is not None, "only rows with one-step errors are drawn"
    return found["mae"]


def _name(row: Row) -> str:
    kind = {BASELINE: " (baseline)", PRIVILEGED: " (privileged)", OWN: " (own)"}
    loud = " RANDOM WEIGHTS" if row.first and row.first.facts.get("weights") == "random" else ""
    return f"{row.name}{kind.get(row.entrant.kind, '')}{loud}"


def _figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    return Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
