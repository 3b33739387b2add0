"""Which policy to take for what: every word follows from the measurements by a rule stated here.

- Counted are models and users' own policies with trained weights, told no more than a robot knows.
- The best drives best: highest success, mean over its training seeds.
- What saves memory or time may cost at most `TOLERANCE` of success against the best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import policies
from eval.curves import Curves, smallest_shared
from eval.inference import ALPHA
from eval.paired import difference
from eval.resampling import FLIPS
from eval.standings import Row
from eval.table import rate_cell
from eval.worth import compared, judged

TOLERANCE = 0.02
FLIPS_A_PAIR = 100  # of signs: so many that the least p times all pairs is 0.01
NOT_MEASURED = "not measured"
HEADS = {  # the documents' guide to the four heads
    "robovlms_fc": "simple, immediate reaction: fast and light; no sense of time",
    "robovlms_lstm": "sequences: models time; limited over long ones",
    "robovlms_gpt": "long, complex sequences: strong; costly to compute",
    "robovlms_discrete": "together with a language model; loses continuity",
}
MAIN, BACK_UP = "case2_clip_normalized", "case1_simplified"  # the documents' rule
Advice = dict[str, str | None]  # need, take (None: nobody), because


def advice(rows: list[Row], curves: Curves | None = None) -> list[Advice]:
    """One line a need, in the documents' order."""
    ranked = sorted((row for row in rows if row.entrant.is_ranked and row.success is not None),
                    key=lambda row: -(row.success or 0.0))
    if not ranked:
        return [_line("all needs", None, f"{NOT_MEASURED}: no trained model was driven")]
    best = ranked[0]
    near = [row for row in ranked if (row.success or 0.0) >= (best.success or 0.0) - TOLERANCE]
    return [_accuracy(best, ranked), _least(near, best, "memory and other resources", _size,
                                            "parameters of head and towers"),
            _least(near, best, "speed, real-time control", _latency,
                   "ms a decision (p50, one robot)"),
            _stable(near), _little_data(curves), _back_up(best, ranked), *_documents_rule(rows),
            _line("quick implementation", None, f"{NOT_MEASURED}: every model here is one file "
                                                f"behind one interface")]


def head_guide(rows: list[Row]) -> list[Row]:
    """The rows of the documents' four heads that were driven, best first."""
    return sorted((row for row in rows if row.name in HEADS and row.success is not None),
                  key=lambda row: -(row.success or 0.0))


def behind(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """By policy: its success minus that of the best, over all training seeds of each.

    `p_adjusted` is p times the number of all pairs of policies, because which one is the best was
    read from what is compared. Of 300 simulated leaderboards of nine policies that drive alike, on
    20 and on 100 layouts, none and 2 % called one of them worse; with Holm over the eight rows
    1 and 10 % would, with intervals that leave out 0 55 and 57 %.
    """
    ranked = [row for row in rows if row.entrant.is_ranked and row.success is not None]
    if not ranked:
        return {}
    best = max(ranked, key=lambda row: row.success or 0.0)
    pairs = len(ranked) * (len(ranked) - 1) // 2
    found = {row.name: difference(row.wins, best.wins, max(FLIPS, FLIPS_A_PAIR * pairs)).as_json()
             for row in ranked if row is not best}
    return {name: each | {"p_adjusted": each["p"] and round(min(1.0, each["p"] * pairs), 6)}
            for name, each in found.items()}


def _accuracy(best: Row, ranked: list[Row]) -> Advice:
    apart = {name: each["p_adjusted"] for name, each in behind(ranked).items()}
    alike = [row.name for row in ranked
             if row is not best and (apart[row.name] is None or apart[row.name] > ALPHA)]
    beside = (f"not measurably worse: {', '.join(alike)}" if alike
              else "all others drive worse" if len(ranked) > 1 else "nobody else was driven")
    return _line("accuracy: driving", best.name, f"{_points(best)} of episodes are successes; "
                                                 f"{beside}")


def _least(near: list[Row], best: Row, need: str, of: Callable[[Row], float | None],
           what: str) -> Advice:
    found = [(value, row) for row in near if (value := of(row)) is not None]
    if not found:
        return _line(need, None, f"{NOT_MEASURED}: {what} of nobody near the best are known")
    value, row = min(found, key=lambda each: each[0])
    return _line(need, row.name, _why(value, what, row, best))


def _why(value: float, what: str, row: Row, best: Row) -> str:
    number = f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
    beside = "the best as well" if row is best else f"the best, {best.name}, has {_points(best)}"
    return (f"{number} {what}: least of all within {100 * TOLERANCE:.0f} points of the best; "
            f"{_points(row)} are successes, {beside}")


def _stable(near: list[Row]) -> Advice:
    need = "stable training"
    spreads = [(spread["max"] - spread["min"], row) for row in near
               if (spread := row.spread(lambda each: each.success)) and spread["n"] > 1]
    if not spreads:
        return _line(need, None, f"{NOT_MEASURED}: one training seed a model; more come with "
                                 f"--seeds-from")
    width, row = min(spreads, key=lambda each: each[0])
    return _line(need, row.name, f"its {len(row.seeds)} training seeds lie within "
                                 f"{100 * width:.1f} points of success, the closest of all within "
                                 f"{100 * TOLERANCE:.0f} points of the best")


def _little_data(curves: Curves | None) -> Advice:
    need = "little data"
    if curves is None:
        return _line(need, None, f"{NOT_MEASURED}: needs learning curves (--curves FILE)")
    budget = smallest_shared(curves)
    if budget is None or len(curves) < 2:
        return _line(need, None, f"{NOT_MEASURED}: the curves share no number of episodes of two "
                                 f"policies")
    name = max(curves, key=lambda each: curves[each][budget]["rate"])
    others = ", ".join(f"{each} {rate_cell(points[budget])}" for each, points in curves.items()
                       if each != name)
    return _line(need, name, f"after {budget} training episodes {rate_cell(curves[name][budget])}; "
                             f"{others}")


def _back_up(best: Row, ranked: list[Row]) -> Advice:
    need = "back-up beside the best"
    others = [row for row in ranked if _structure(row) != _structure(best)]
    if not others:
        return _line(need, None, f"{NOT_MEASURED}: no other structure was driven")
    return _line(need, others[0].name, f"the best of another structure: {_points(others[0])}")


def _documents_rule(rows: list[Row]) -> list[Advice]:
    """Case 2 in front, Case 1 behind: does it hold here?"""
    known = {row.name: row for row in rows if row.success is not None and row.entrant.is_ranked}
    if MAIN not in known or BACK_UP not in known:
        return []
    (found,) = judged([compared("rule", known[MAIN], known[BACK_UP])])
    return [_line(f"the documents' rule ({MAIN}, {BACK_UP} as back-up)", None,
                  f"{MAIN} against {BACK_UP} here: {found['verdict']}, {_points(known[MAIN])} and "
                  f"{_points(known[BACK_UP])}")]


def _structure(row: Row) -> str:
    target = policies.REGISTRY.get(row.entrant.policy, (row.entrant.policy, {}))[0]
    return target.partition(":")[0]


def _size(row: Row) -> float | None:
    return sum(row.parameters.values()) if row.parameters else None


def _latency(row: Row) -> float | None:
    return row.first.latency_ms["p50"] if row.first and row.first.latency_ms else None


def _points(row: Row) -> str:
    seeds = len(row.seeds)
    said = f" (mean of {seeds} seeds)" if seeds > 1 else ""
    return f"{100 * (row.success or 0.0):.1f} %{said}"


def _line(need: str, take: str | None, because: str) -> Advice:
    return {"need": need, "take": take, "because": because}
