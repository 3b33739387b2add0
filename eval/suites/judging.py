"""What the arms of a suite say against the control: paired differences, and a table of them."""

from __future__ import annotations

from typing import Any

from eval.contrast import MIN_EFFECT, Contrast, contrast, decided
from eval.inference import ALPHA
from eval.pairing import Pairs, Side, pair
from eval.statistics import Rate, rate
from eval.suites.arm import CONTROL, Arm, Found
from eval.table import Table, rate_cell

METRIC = "success"
HOW = ("Differences are an arm's success minus the control's on the same episodes, in points, in "
       "[] the 95 % bootstrap interval over layouts; none where a group of scenarios has one "
       "layout. Left and right of one index share a layout: the success column's intervals count "
       "it twice, and are narrower than the truth. p: exact McNemar where each layout stands "
       "once, else sign flips of layouts; Holm's over all arms.")


def judged(driven: list[tuple[Arm, Side]], same_versions: bool = True) -> Found:
    """Every arm against the control, the first of them.

    Args:
        driven: Control and arms.
        same_versions: Whether scenarios must be the same; where not, episodes of one name and seed
            pair.

    Raises:
        ValueError: if runs do not pair.
    """
    (_, control), *arms = driven
    paired = pair if same_versions else _matched
    found = [(CONTROL, arm.name, contrast(paired(control, side), METRIC, MIN_EFFECT))
             for arm, side in arms]
    return Found(control, arms, decided(found, ALPHA, MIN_EFFECT))


def _matched(control: Side, side: Side) -> Pairs:
    """Episodes of one name and seed, though their scenarios differ."""
    mine, theirs = ({(line["scenario"], line["seed"]): line for line in each.lines}
                    for each in (control, side))
    shared = [key for key in mine if key in theirs]
    sound = [key for key in shared if not mine[key]["error"] and not theirs[key]["error"]]
    if not sound:
        raise ValueError(f"{side.name}: no episode to compare with {control.name}: all ended by an "
                         f"error of the policy.")
    return Pairs([mine[key] for key in sound], [theirs[key] for key in sound],
                 (len(mine) - len(shared), len(theirs) - len(shared)),
                 (sum(bool(mine[key]["error"]) for key in shared),
                  sum(bool(theirs[key]["error"]) for key in shared)), ["scenarios"])


def success_of(side: Side) -> Rate:
    """Of the episodes without an error of the policy."""
    return rate(line["success"] for line in side.lines if line["error"] is None)


def differences(found: Found) -> Table:
    """One row an arm: its success, and the paired difference to the control."""
    rows = [[CONTROL, rate_cell(success_of(found.control).as_json()), "", "", "nothing changed"]]
    rows += [[arm.name, rate_cell(success_of(side).as_json()), _points(each), _p(each), arm.about]
             for (arm, side), each in zip(found.arms, found.contrasts)]
    return ["arm", "success", "difference, points", "p", "what"], rows


def numbers(found: Found) -> dict[str, Any]:
    """All numbers, ready for JSON."""
    return {
        "control": {"run": found.control.name, "success": success_of(found.control).as_json()},
        "arms": [{"arm": arm.name, "group": arm.group, "strength": arm.strength,
                  "run": side.name, "success": success_of(side).as_json(), **each.as_json()}
                 for (arm, side), each in zip(found.arms, found.contrasts)]}


def _points(each: Contrast) -> str:
    found = each.decides
    if found.difference is None or found.low is None or found.high is None:
        return "-"
    return f"{100 * found.difference:+.1f} [{100 * found.low:+.1f}, {100 * found.high:+.1f}]"


def _p(each: Contrast) -> str:
    return "-" if each.decides.p_holm is None else f"{each.decides.p_holm:.2g}"
