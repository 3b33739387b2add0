"""Perturbations at graded strengths: a kind's arms, and what each kind costs at each strength."""

from __future__ import annotations

from typing import Any

from eval.suites.arm import Arm, Extra, Found
from eval.suites.judging import success_of
from eval.table import Table, rate_cell

GRADES = ("mild", "medium", "strong")


def graded(kind: str, about: str, values: tuple[Any, ...], changes: list[dict[str, Any]],
           unit: str = "") -> list[Arm]:
    """One kind at as many strengths; each arm is called `kind grade` and says its value."""
    return [Arm(f"{kind} {grade}", f"{about}: {value}{unit}", change, kind, float(number))
            for number, (grade, value, change) in enumerate(zip(GRADES, values, changes), start=1)]


def result(found: Found) -> Extra:
    """Success by kind and strength, and which kind costs most."""
    cells: dict[str, dict[str, Any]] = {}
    for (arm, side), each in zip(found.arms, found.contrasts):
        cells.setdefault(arm.group, {})[arm.name.removeprefix(arm.group).strip()] = {
            "success": success_of(side).as_json(), "difference": each.decides.difference,
            "is_found": each.better is not None}
    if not cells:
        return Extra()
    rows = [[kind, *[rate_cell(row[grade]["success"]) if grade in row else "-"
                     for grade in GRADES]] for kind, row in cells.items()]
    table: Table = (["kind", *GRADES], rows)
    worse = [arm.name for (arm, _), each in zip(found.arms, found.contrasts)
             if each.better == "baseline"]
    said = (f"Worse than the control (Holm, alpha 5 %): {', '.join(worse)}." if worse else
            "No arm is found to be worse than the control; with few episodes that excludes little.")
    return Extra({"kinds": cells}, {"Success by kind and strength": table}, [said],
                 {"strengths": _picture(found, cells)})


def _picture(found: Found, cells: dict[str, dict[str, Any]]) -> bytes:
    """A field a kind and strength, its success as a number and a shade."""
    from eval.suites.plots import LINE_IN, new_figure, png

    figure = new_figure(1.5 + LINE_IN * len(cells))
    axes = figure.add_subplot()
    shares = [[row[grade]["success"]["rate"] if grade in row else None for grade in GRADES]
              for row in cells.values()]
    shades = [[float("nan") if share is None else share for share in row] for row in shares]
    axes.imshow(shades, cmap="cividis", vmin=0.0, vmax=1.0, aspect="auto")
    for place, row in enumerate(cells.values()):
        for column, grade in enumerate(GRADES):
            share = shares[place][column]
            if share is not None:
                mark = " *" if row[grade]["is_found"] else ""
                axes.text(column, place, f"{100 * share:.0f} %{mark}", ha="center", va="center",
                          color="black" if share > 0.55 else "white", fontsize=9)
    axes.set_xticks(range(len(GRADES)), GRADES)
    axes.set_yticks(range(len(cells)), list(cells))
    control = success_of(found.control)
    axes.set_title(f"{found.control.policy}: success; control {100 * (control.share or 0):.0f} %; "
                   f"* differs from it (Holm)", fontsize=10, loc="left")
    return png(figure)
