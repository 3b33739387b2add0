"""Does the way follow the words? The same seed and pictures, told otherwise.

An episode goes left (+1) or right (-1) where every box was passed there, else neither (0).
Causality is half the difference that telling left instead of right makes: 1 where the way always
turns with the word, 0 where it does not care, -1 where it always does the opposite.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eval.layouts import Layouts
from eval.pairing import Line, Side
from eval.resampling import interval, or_none
from eval.statistics import Mean, Rate, rate, wilson
from eval.suites.arm import CONTROL, Arm, Extra, Found, Suite, chosen
from eval.suites.options import Config
from eval.table import Table, mean_cell, rate_cell
from eval.words import MARK

SWAPPED = "swapped"
SIDELESS = ("nonsense", "empty")  # wordings that name no side
HALF = 0.5  # chosen: what is surely more often so than not
WENT = {"left": 1, "right": -1}
ARMS = (
    Arm(SWAPPED, "left and right exchanged: the way should turn with them"),
    Arm("paraphrases", "the scenario's other sentences, in turn"),
    Arm("punctuation", "a full stop, an exclamation mark, spaces around, a comma, in turn"),
    Arm("capitals", "no capital letter, nothing but capital letters, in turn"),
    Arm("korean", "the laboratory's own sentence"),
    Arm("nonsense", "sentences about something else, in turn: no side is named"),
    Arm("empty", "no words at all"),
)


def _arms(config: Config, folder: Path) -> list[Arm]:
    return chosen([Arm(arm.name, arm.about, {"instruction": MARK + arm.name}) for arm in ARMS],
                  config.arms)


def told_side(arm: str, line: Line) -> str | None:
    """The side that an episode's words named; None where they named none."""
    if arm in SIDELESS:
        return None
    other = {"left": "right", "right": "left"}[line["pass_side"]]
    return other if arm == SWAPPED else line["pass_side"]


def causality(control: Side, swapped: Side) -> tuple[Mean, Rate]:
    """How much the way turns with the word, in [-1, 1], with a bootstrap over layouts.

    The rate says in how many layouts it did so every time: where nothing varies, a bootstrap does
    not know how few were looked at.
    """
    after = {(line["scenario"], line["seed"]): line for line in swapped.lines}
    pairs = [(line, after[line["scenario"], line["seed"]]) for line in control.lines
             if not line["error"] and not after[line["scenario"], line["seed"]]["error"]]
    if not pairs:
        return Mean(None, 0), rate([])
    turned = [WENT[first["pass_side"]] * (_went(first) - _went(then)) / 2 for first, then in pairs]
    layouts = Layouts.of([first["scenario"] for first, _ in pairs],
                         [first["seed"] for first, _ in pairs], np.array(turned)[:, None])
    low, high = interval(layouts.sums, layouts.counted, layouts.sizes)
    return (Mean(float(layouts.means[0]), len(pairs), or_none(low[0]), or_none(high[0])),
            rate((layouts.sums == layouts.counted)[:, 0]))


def _went(line: Line) -> int:
    return WENT.get(line["side_followed"] or "", 0)


def _result(found: Found) -> Extra:
    rows: list[list[str]] = []
    numbers: dict[str, Any] = {}
    for name, side in [(CONTROL, found.control), *[(arm.name, side) for arm, side in found.arms]]:
        sides = _sides(name, side)
        numbers[name] = sides
        rows.append([name, "-" if sides["follows"] is None else rate_cell(sides["follows"]),
                     rate_cell(sides["left"]), str(sides["neither"])])
    table: Table = (["arm", "took the side that was named", "went left", "neither side"], rows)
    title = "Which side: of episodes that passed every box on one side"
    swapped = next((side for arm, side in found.arms if arm.name == SWAPPED), None)
    if swapped is None:
        return Extra({"sides": numbers}, {title: table})
    turns, always = causality(found.control, swapped)
    return Extra({"sides": numbers, "causality": turns.as_json(), "always": always.as_json()},
                 {title: table}, [in_words(turns, always)], {"sides": _picture(numbers, turns)})


def _sides(name: str, side: Side) -> dict[str, Any]:
    """Which sides an arm's episodes took."""
    lines = [line for line in side.lines if not line["error"]]
    passed = [line for line in lines if _went(line)]
    follows = None if name in SIDELESS else rate(
        line["side_followed"] == told_side(name, line) for line in passed).as_json()
    return {"follows": follows, "left": rate(_went(line) > 0 for line in passed).as_json(),
            "neither": len(lines) - len(passed)}


def in_words(turns: Mean, always: Rate) -> str:
    """Causality as a sentence: the number, its interval, and what it means, if it can be said."""
    if turns.value is None:
        return "Language causality: nothing to compare, every pair ended by an error."
    return (f"Language causality {mean_cell(turns.as_json(), 2)} over {turns.n} pairs (1: the way "
            f"always turns with the word, 0: it does not care, -1: always against it; always with "
            f"it in {rate_cell(always.as_json())} layouts): {_meaning(turns, always)}.")


def _meaning(turns: Mean, always: Rate) -> str:
    if turns.low is None or turns.high is None or wilson(always.n, always.n).low <= HALF:
        return "too few layouts to say what that means"
    if turns.high < 0.0:
        return "the way turns against the word"
    if turns.low > HALF and always.low > HALF:
        return "the way turns with the word"
    return ("the words matter, and do not decide" if turns.low > 0.0 else
            "the words decide nothing that shows here")


def _picture(numbers: dict[str, Any], turns: Mean) -> bytes:
    """How often the named side was taken, or, where none is named, the left one."""
    from eval.suites.plots import BLUE, GREY, LINE_IN, new_figure, png

    figure = new_figure(1.5 + LINE_IN * len(numbers))
    axes = figure.add_subplot()
    for place, each in enumerate(numbers.values()):
        is_named = each["follows"] is not None
        share = each["follows"] if is_named else each["left"]
        if not share["n"]:
            continue
        value, low, high = (100 * share[end] for end in ("rate", "low", "high"))
        axes.barh(place, value, color=BLUE if is_named else GREY, height=0.68,
                  hatch="" if is_named else "//", edgecolor="white")
        axes.errorbar(value, place, xerr=[[value - low], [high - value]], color="black", capsize=3)
    axes.set_yticks(range(len(numbers)), [
        name if each["follows"] is not None else f"{name} (share that went left)"
        for name, each in numbers.items()])
    axes.set_ylim(len(numbers) - 0.5, -0.5)
    axes.set_xlim(0, 101)
    axes.axvline(50, color=GREY, linewidth=1, linestyle=":")
    axes.set_xlabel("took the side that was named, % of episodes that passed every box "
                    "(95 % Wilson)")
    axes.set_title(f"language causality {mean_cell(turns.as_json(), 2)}", fontsize=11, loc="left")
    axes.grid(axis="x", alpha=0.3)
    return png(figure)


SUITE = Suite("language", "The same seeds and pictures, told otherwise: does the way follow the "
              "words?", _arms, _result)
