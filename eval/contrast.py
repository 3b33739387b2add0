"""What the pairs of two runs say: differences with intervals, p-values, and a verdict in words.

All differences are the other run minus the baseline, over the same episodes. Layouts are what is
drawn anew and what signs are flipped by: a layout's left and right are no two witnesses.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from eval.inference import (
    ALPHA,
    EXPECTED_DISAGREEING,
    holm,
    mcnemar,
    samples_needed,
    share_at_most,
)
from eval.layouts import JUDGED, Layouts, table
from eval.metrics import MEANS, MODES
from eval.pairing import Pairs
from eval.resampling import interval, or_none, sign_flip

RATES = (*JUDGED, *(f"success_{mode}" for mode in MODES))
METRICS = (*RATES, *MEANS)
LOWER_IS_BETTER = ("contact", "remaining_m", "path_length_m", "time_s", "near_box_s", "contacts",
                   "impact_speed_m_s", "jerk_m_s3", "curvature_1_m", "roughness",
                   "angle_over_length_rad_m")
ALSO = ("reach", "side_compliant", "contact", "spl", "soft_spl", "ndtw", "barn", "time_s",
        "path_length_m", "box_gap_min_m", "jerk_m_s3")  # compared beside the one that decides
MIN_EFFECT = 0.05  # a difference that matters: five points of a rate
FEW_DIFFER = 5  # so few layouts that differ, and a bootstrap does not know how few were looked at
FEW_LAYOUTS = 10  # of fewer, how often they differ is not taken from them


@dataclass(frozen=True)
class Difference:
    """One metric of two runs over their pairs; None where no pair has it."""

    metric: str
    pairs: int
    baseline: float | None
    other: float | None
    difference: float | None = None
    low: float | None = None  # 95 % bootstrap over layouts, these scenarios; None: too few layouts
    high: float | None = None
    low_like: float | None = None  # the same with scenarios drawn anew too
    high_like: float | None = None
    p: float | None = None
    p_holm: float | None = None  # beside the other tests of its family


@dataclass(frozen=True)
class Contrast:
    """One run against the baseline."""

    pairs: Pairs
    layouts: int
    decides: Difference
    also: list[Difference]
    counts: dict[str, int] | None  # of a rate: how often both, one or none
    p_mcnemar: float | None
    unlike: int  # pairs of which the two have different numbers
    differing: int  # layouts over which the two differ
    layouts_needed: int | None  # to find a difference of min_effect; None where nothing says it
    verdict: str = ""
    better: str | None = None  # baseline | other

    @property
    def lead(self) -> tuple[float, float | None, float | None] | None:
        """By how much the better one is better, and the interval's ends: above 0 is in its favour.

        None where neither is better.
        """
        if self.better is None or self.decides.difference is None:
            return None
        return _in_favour(self.decides.difference, self.decides)

    def as_json(self) -> dict[str, Any]:
        """Everything but the episodes."""
        return {
            "difference_is": "other minus baseline",
            "pairs": len(self.pairs.baseline), "layouts": self.layouts,
            "unpaired": self.pairs.unpaired, "errors": self.pairs.errors,
            "differs": self.pairs.differs, "decides": _rounded(self.decides),
            "counts": self.counts, "p_mcnemar": self.p_mcnemar,
            "unlike": self.unlike, "differing": self.differing,
            "also": [_rounded(each) for each in self.also],
            "layouts_needed": self.layouts_needed, "verdict": self.verdict, "better": self.better,
            "better_by": self.lead and [None if each is None else round(each, 6)
                                        for each in self.lead],
        }


def contrast(pairs: Pairs, metric: str, min_effect: float, alpha: float = ALPHA) -> Contrast:
    """All numbers of one comparison; `decided` adds the verdict once all are there."""
    names = (metric, *[each for each in ALSO if each != metric])
    mine, theirs = (table(lines, names) for lines in (pairs.baseline, pairs.other))
    seeds = [line["seed"] for line in pairs.baseline]
    layouts = Layouts.of([line["scenario"] for line in pairs.baseline], seeds, theirs - mine)
    differences = _differences(names, mine, theirs, layouts)
    counts, p_mcnemar = None, None
    if metric in RATES and differences[0].pairs:
        counts = _counts(mine[:, 0], theirs[:, 0])
        p_mcnemar = mcnemar(counts["only_baseline"], counts["only_other"])
        if layouts.counted[:, 0].max() <= 1.0:  # no two pairs share a layout: the exact test
            differences[0] = replace(differences[0], p=p_mcnemar)
    rows = layouts.counted[:, 0] > 0
    each = layouts.sums[rows, 0] / layouts.counted[rows, 0]
    return Contrast(pairs, int(rows.sum()), differences[0], differences[1:], counts, p_mcnemar,
                    int((np.nan_to_num(theirs - mine)[:, 0] != 0.0).sum()),
                    int((each != 0.0).sum()), _needed(metric, each, min_effect, alpha))


def decided(found: list[tuple[str, str, Contrast]], alpha: float,
            min_effect: float) -> list[Contrast]:
    """The same comparisons with p-values that know of each other, and verdicts.

    Args:
        found: What baseline and other run are called, and their comparison.
        alpha: Chance of a false alarm, in all comparisons together.
        min_effect: The difference that matters.
    """
    first = holm([1.0 if each.decides.p is None else each.decides.p for *_, each in found])
    others = iter(holm([1.0 if also.p is None else also.p
                        for *_, each in found for also in each.also]))
    done = []
    for (baseline, other, each), p_holm in zip(found, first):
        judged = replace(each, decides=replace(each.decides, p_holm=p_holm),
                         also=[replace(also, p_holm=next(others)) for also in each.also])
        verdict, better = _verdict(judged, baseline, other, alpha, min_effect)
        done.append(replace(judged, verdict=verdict, better=better))
    return done


def amount(metric: str, value: float, *, signed: bool = True) -> str:
    """A difference in words: points of a rate, or the metric's own unit."""
    sign = "+" if signed else ""
    if metric in RATES:
        return f"{100 * value:{sign}.1f} points"
    unit = next((f" {unit}" for end, unit in (
        ("_m_s3", "m/s3"), ("_rad_m", "rad/m"), ("_m_s", "m/s"), ("_1_m", "1/m"), ("_m", "m"),
        ("_s", "s")) if metric.endswith(end)), "")
    return f"{value:{sign}.3g}{unit}"


def _verdict(each: Contrast, baseline: str, other: str, alpha: float,
             min_effect: float) -> tuple[str, str | None]:
    found, what = each.decides, each.decides.metric.replace("_", " ")
    if found.difference is None:
        return f"nothing to compare: no pair has {what}", None
    better = favours(found, alpha)
    if better is not None:
        names = (other, baseline) if better == "other" else (baseline, other)
        by = _with_ends(found.metric, *_in_favour(found.difference, found))
        less = " (less is better)" if found.metric in LOWER_IS_BETTER else ""
        return (f"{names[0]} is better than {names[1]} by {by} in {what}{less}, "
                f"p = {found.p_holm:.2g}"), better
    where = (f"{other} minus {baseline} is "
             f"{_with_ends(found.metric, found.difference, found.low, found.high, '+')} in {what}"
             if each.unlike else f"{other} and {baseline} are alike in all {found.pairs} pairs")
    largest = _largest(each)
    if largest is not None and largest <= min_effect:
        return (f"no difference: one larger than {amount(found.metric, largest, signed=False)} can "
                f"be excluded ({where})"), None
    remain = ("no interval can be given" if largest is None else
              f"differences up to {amount(found.metric, largest, signed=False)} remain possible")
    if each.layouts_needed is None:
        return f"underpowered: {where}; {remain}", None
    needed = math.ceil(each.layouts_needed * found.pairs / each.layouts)
    if needed <= found.pairs:
        return f"not decided: {where}; {remain}", None
    return (f"underpowered: {where}{'' if each.unlike else '; ' + remain}; a difference of "
            f"{amount(found.metric, min_effect, signed=False)} needs about {needed} episodes, "
            f"here are {found.pairs}"), None


def _largest(each: Contrast) -> float | None:
    """The largest difference that the pairs leave possible; None where they do not say.

    A rate cannot differ by more than the share of layouts that differ, and where few do, that
    share's exact upper end is more than a bootstrap of these few finds.
    """
    found = each.decides
    ends = [abs(end) for end in (found.low, found.high) if end is not None]
    if each.differing > FEW_DIFFER:
        return max(ends, default=None)
    if found.metric not in RATES:
        return None
    return max([*ends, share_at_most(each.differing, each.layouts)])


def _needed(metric: str, each: np.ndarray, min_effect: float, alpha: float) -> int | None:
    """How many layouts show `min_effect`; None where differences [L] do not say how they vary.

    That few layouts agree, or all differ alike, does not show that others will: a rate's variance
    counts as the one expected of any two policies, with more layouts as if one more had differed.
    """
    variance = float(each.var(ddof=1)) if len(each) > 1 else 0.0
    if metric in RATES:
        least = (EXPECTED_DISAGREEING if len(each) < FEW_LAYOUTS
                 else float((each ** 2).sum() + 1.0) / (len(each) + 2))
        variance = max(variance, least)
    return samples_needed(min_effect, variance, alpha=alpha) if variance else None


def favours(found: Difference, alpha: float) -> str | None:
    """Who is better in this metric: baseline, other, or None where chance may have done it."""
    if found.difference is None or found.p_holm is None or found.p_holm > alpha:
        return None
    is_other = (found.difference < 0) == (found.metric in LOWER_IS_BETTER)
    return "other" if is_other else "baseline"


def _in_favour(difference: float,
               found: Difference) -> tuple[float, float | None, float | None]:
    """A difference and its ends, seen from the side of whom it favours."""
    if difference >= 0.0 or found.low is None or found.high is None:
        return abs(difference), found.low, found.high
    return -difference, -found.high, -found.low


def _with_ends(metric: str, difference: float, low: float | None, high: float | None,
               sign: str = "") -> str:
    """`+10.0 points [-6.0, +26.0]`; a sign is shown where it says who is ahead."""
    digits, factor = (".1f", 100.0) if metric in RATES else (".3g", 1.0)
    ends = "-" if low is None or high is None else ", ".join(
        f"{factor * each + 0.0:{sign}{digits}}" for each in (low, high))
    return f"{amount(metric, difference, signed=bool(sign))} [{ends}]"


def _differences(names: tuple[str, ...], mine: np.ndarray, theirs: np.ndarray,
                 layouts: Layouts) -> list[Difference]:
    both = np.isfinite(mine) & np.isfinite(theirs)
    pairs = both.sum(axis=0)
    means = [np.where(both, side, 0.0).sum(axis=0) / np.maximum(pairs, 1)
             for side in (mine, theirs)]
    (low, high), (low_like, high_like) = (
        interval(layouts.sums, layouts.counted, layouts.sizes, across=across)
        for across in (False, True))
    p = sign_flip(layouts.sums)
    found = []
    for k, name in enumerate(names):
        if not pairs[k]:
            found.append(Difference(name, 0, None, None))
            continue
        numbers = [or_none(each) for each in (
            layouts.means[k], low[k], high[k], low_like[k], high_like[k], p[k])]
        found.append(Difference(name, int(pairs[k]), float(means[0][k]), float(means[1][k]),
                                *numbers))
    return found


def _counts(mine: np.ndarray, theirs: np.ndarray) -> dict[str, int]:
    known = np.isfinite(mine) & np.isfinite(theirs)
    mine, theirs = mine[known] > 0, theirs[known] > 0
    return {"both": int((mine & theirs).sum()), "only_baseline": int((mine & ~theirs).sum()),
            "only_other": int((~mine & theirs).sum()), "neither": int((~mine & ~theirs).sum())}


def _rounded(each: Difference) -> dict[str, Any]:
    return {name: round(value, 6) if isinstance(value, float) else value
            for name, value in asdict(each).items()}
