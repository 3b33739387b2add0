"""What the arms of a suite say against the control: paired differences, and a table of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from eval.contrast import MIN_EFFECT, Contrast, contrast, decided
from eval.inference import ALPHA
from eval.pairing import Pairs, Side, matched, nothing_sound, of_keys
from eval.statistics import Rate, rate
from eval.suites.arm import CONTROL, Arm, Found
from eval.table import Table, rate_cell

METRIC = "success"
HOW = ("Differences are an arm's success minus the control's on the same episodes, in points, in "
       "[] the 95 % bootstrap interval over layouts; none where a group of scenarios has one "
       "layout. Left and right of one index share a layout: the success column's intervals count "
       "it twice, and are narrower than the truth. p: exact McNemar where each layout stands "
       "once, else sign flips of layouts; Holm's over all arms.")


def judged(driven: Iterable[tuple[Arm, Side]], same_versions: bool = True) -> Found:
    """Every arm against the control, the first of them.

    Args:
        driven: Control and arms.
        same_versions: Whether scenarios must be the same; where not, episodes of one name and seed
            pair.

    Raises:
        ValueError: if runs do not pair, or, before the second is asked for, if every episode of
            the control ended by an error.
    """
    arms = iter(driven)
    _, control = next(arms)
    if not success_of(control).n:
        raise ValueError(f"{control.name}: every episode of the control ended by an error of the "
                         f"policy, the first by {control.lines[0]['error']!r}; nothing can be "
                         f"compared with it.")
    paired = matched if same_versions else _by_name
    sides = list(arms)
    found = [(CONTROL, arm.name, contrast(paired(control, side), METRIC, MIN_EFFECT))
             for arm, side in sides]
    known = iter(decided([each for each in found if each[-1].pairs.baseline], ALPHA, MIN_EFFECT))
    return Found(control, sides, [
        next(known) if each.pairs.baseline else
        replace(each, verdict=nothing_sound(each.pairs, CONTROL, name))
        for _, name, each in found])


def _by_name(control: Side, side: Side) -> Pairs:
    """Episodes of one name and seed, though their scenarios differ."""
    return of_keys(control, side, ["scenarios"])


def success_of(side: Side) -> Rate:
    """Of the episodes without an error of the policy."""
    return rate(line["success"] for line in side.lines if line["error"] is None)


def differences(found: Found) -> Table:
    """One row an arm: its success, and the paired difference to the control."""
    rows = [[CONTROL, rate_cell(success_of(found.control).as_json()), "", "", "nothing changed"]]
    rows += [[arm.name, _success(side), _points(each), _p(each), arm.about]
             for (arm, side), each in zip(found.arms, found.contrasts)]
    return ["arm", "success", "difference, points", "p", "what"], rows


def numbers(found: Found) -> dict[str, Any]:
    """All numbers, ready for JSON."""
    return {
        "control": {"run": found.control.name, "success": success_of(found.control).as_json()},
        "arms": [{"arm": arm.name, "group": arm.group, "strength": arm.strength,
                  "run": side.name, "success": success_of(side).as_json(), **each.as_json()}
                 for (arm, side), each in zip(found.arms, found.contrasts)]}


def _success(side: Side) -> str:
    success = success_of(side)
    return rate_cell(success.as_json()) if success.n else "no episode without an error"


def _points(each: Contrast) -> str:
    found = each.decides
    if found.difference is None or found.low is None or found.high is None:
        return "-"
    return f"{100 * found.difference:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def _p(each: Contrast) -> str:
    return "-" if each.decides.p_holm is None else f"{each.decides.p_holm:.2g}"
