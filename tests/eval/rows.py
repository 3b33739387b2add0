"""Rows of a leaderboard made by hand, whose numbers can be checked in the head."""

from collections.abc import Sequence

from eval.entrants import MODEL, Entrant, Weights
from eval.standings import Measured, Row
from eval.statistics import rate, wilson

SCENARIOS = ("1box_vert_left", "1box_vert_right")


def measured(seed: int, wins: Sequence[bool], mae: Sequence[float], *, window=1, weights="trained",
             ms=5.0, errors=0) -> Measured:
    """One training seed: wins[i] on layout i, on one side; mae[i] on file i of 10 decisions."""
    success = rate(wins).as_json()
    found = {"mean": sum(mae) / len(mae), "low": min(mae), "high": max(mae), "n": len(mae)}
    axes = {"linear_x": 0.9, "linear_y": 0.8}
    return Measured(
        seed, {"window": window, "plan_length": 1, "size": "mini", "weights": weights,
               "weights_hash": f"hash{seed}", "trained_on": "a test"},
        {"closed": f"cell/{seed}"}, [],
        {"success": success, "contact": wilson(0, len(wins)).as_json(),
         "spl": {"mean": 0.5, "low": 0.4, "high": 0.6, "n": len(wins)},
         "side_followed": success, "side_swapped": success,
         "worst": {"scenario": SCENARIOS[0]} | success,
         "scenarios": dict.fromkeys(SCENARIOS, success), "episodes": len(wins) + errors,
         "errors": errors, "ends": {}},
        {"episodes": len(mae), "decisions": 10 * len(mae), "errors": 0, "mae": found,
         "accuracy": {each: wilson(9, 10).as_json() for each in ("0.3", "0.1")}, "r2": axes,
         "correlation": axes},
        {}, {"p50": ms, "p95": 2 * ms, "n": 10},
        {(SCENARIOS[0], i): win for i, win in enumerate(wins)},
        {f"episode_{i}": (each, 10) for i, each in enumerate(mae)})


def row(name: str, *seeds: Measured, kind=MODEL, base=None, head=1000, towers=2000) -> Row:
    """A policy with these training seeds."""
    weights = tuple(Weights(each.seed, "random" if each.facts["weights"] == "random" else "abc")
                    for each in seeds)
    return Row(Entrant(name, name, kind, weights, base), list(seeds),
               {"head": head, "towers": towers} if seeds else None)


def of(share: float, count: int = 100) -> list[bool]:
    """The first so many of `count` layouts are won."""
    return [i < round(share * count) for i in range(count)]
