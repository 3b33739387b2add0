"""The pictures of suites, as PNGs. Colours are Okabe and Ito's; nothing is said by colour alone."""

from __future__ import annotations

import io
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from eval.suites.arm import Found

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#606060"
STYLES = ((BLUE, "o", "-"), (ORANGE, "s", "--"), ("#009E73", "^", "-."), ("#CC79A7", "D", ":"))
DPI, WIDTH_IN, LINE_IN = 110, 8.0, 0.34


@dataclass(frozen=True)
class Point:
    """A number with its interval, at a place."""

    at: float
    value: float
    low: float
    high: float


def differences(found: Found, title: str) -> bytes:
    """Every arm's difference to the control with its interval, in points of success."""
    figure = new_figure(1.4 + LINE_IN * len(found.arms))
    axes = figure.add_subplot()
    for place, each in enumerate(found.contrasts):
        decides = each.decides
        if decides.difference is None or decides.low is None or decides.high is None:
            continue
        value, low, high = (100 * end for end in (decides.difference, decides.low, decides.high))
        is_found = each.better is not None
        axes.errorbar(value, place, xerr=[[value - low], [high - value]], capsize=3,
                      fmt="o", markersize=6, linewidth=1.6, color=ORANGE if is_found else BLUE,
                      markerfacecolor=ORANGE if is_found else "white")
    axes.axvline(0, color=GREY, linewidth=1)
    axes.set_yticks(range(len(found.arms)), [arm.name for arm, _ in found.arms])
    axes.set_ylim(len(found.arms) - 0.5, -0.5)
    axes.set_xlabel("success minus the control's, points; filled: p <= 0.05 (Holm)")
    axes.set_title(title, fontsize=11, loc="left")
    axes.grid(axis="x", alpha=0.3)
    return png(figure)


def curve(axes: Axes, points: list[Point], label: str, number: int) -> None:
    """A line through points, each with its interval; `number` says which style."""
    colour, marker, line = STYLES[number % len(STYLES)]
    values = [each.value for each in points]
    off = [[each.value - each.low for each in points], [each.high - each.value for each in points]]
    axes.errorbar([each.at for each in points], values, yerr=off, capsize=3, color=colour,
                  marker=marker, linestyle=line, linewidth=1.6, label=label)


def new_figure(height_in: float, width_in: float = WIDTH_IN) -> Figure:
    """An empty page."""
    figure = Figure(figsize=(width_in, height_in), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """A figure's bytes, the same for the same numbers."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
