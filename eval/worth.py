"""What a part of a model is worth: paired differences on the same layouts and files.

An ablation is compared with its model on the training seeds that both have. Its interval is a
bootstrap over layouts (left and right of one stand together) or files with the training seeds as
they are: how much another training would change stands beside it, seed by seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import policies
from eval.entrants import ABLATION, MODEL
from eval.paired import difference, error_difference, rank_correlation
from eval.standings import Measured, Row

CONTRASTS = (  # what, with it, without it: models that differ in more than this one thing
    ("CLIP beside Kosmos-2", "hybrid", "kosmos_lstm"),
    ("an LSTM over 8 frames on pooled features", "kosmos_lstm", "case1_simplified"),
    ("CLIP normalisation and resampler", "case2_clip_normalized", "case1_simplified"),
    ("resampler, planner, sequencer, predictor", "case4_robovlms_complete", "case1_simplified"),
    ("five epochs instead of the full training", "case3_simple", "case1_simplified"),
    ("episodes chosen by uncertainty", "case5_active_learning", "case1_simplified"),
    ("LSTM head instead of FC", "robovlms_lstm", "robovlms_fc"),
    ("GPT head instead of FC", "robovlms_gpt", "robovlms_fc"),
    ("discrete head instead of FC", "robovlms_discrete", "robovlms_fc"),
    ("GPT head instead of LSTM", "robovlms_gpt", "robovlms_lstm"),
)
HELPS, HURTS, NOTHING = "drives better", "drives worse", "no measurable difference"


def ablations(rows: list[Row]) -> list[dict[str, Any]]:
    """Every ablation minus its model, where both were measured."""
    known = _driven(rows)
    return [compared(row.name, row, known[row.entrant.base]) for row in rows
            if row.entrant.kind == ABLATION and row.name in known and row.entrant.base in known]


def contrasts(rows: list[Row]) -> list[dict[str, Any]]:
    """Models with and without a part, where both were measured."""
    known = _driven(rows)
    return [compared(what, known[having], known[lacking]) for what, having, lacking in CONTRASTS
            if having in known and lacking in known]


def compared(what: str, row: Row, other: Row) -> dict[str, Any]:
    """One policy minus another, on the training seeds that both have."""
    mine, theirs = ({each.seed: each for each in one.seeds if each.wins} for one in (row, other))
    seeds = sorted(set(mine) & set(theirs))
    by_seed = [difference(_layouts(mine[seed]), _layouts(theirs[seed])).value for seed in seeds]
    success = difference(row.shares(set(seeds)), other.shares(set(seeds)))
    errors = error_difference(_mean_errors(mine, seeds), _mean_errors(theirs, seeds))
    return {"what": what, "policy": row.name, "minus": other.name, "seeds": seeds,
            "success": success.as_json(), "success_by_seed": [_rounded(each) for each in by_seed],
            "mae": errors.as_json(), "verdict": _verdict(success.as_json(), by_seed)}


def memory(rows: list[Row]) -> dict[str, Any] | None:
    """The weakest model that looks back over frames against the strongest that does not.

    None unless both kinds of models with a trained head were driven.
    """
    models = sorted((row for row in rows if row.entrant.kind == MODEL and row.entrant.is_ranked
                     and row.name in policies.LEARNED and row.success is not None),
                    key=lambda row: row.success or 0.0)
    looking = [row for row in models if (row.looks_back or 1) > 1]
    forgetful = [row for row in models if row.looks_back == 1]
    if not looking or not forgetful:
        return None
    weakest, strongest = looking[0], forgetful[-1]
    return {"weakest_with": weakest.name, "strongest_without": strongest.name,
            "with": [row.name for row in looking], "without": [row.name for row in forgetful],
            **compared("memory", weakest, strongest)}


def correlations(rows: list[Row]) -> dict[str, dict[str, Any]]:
    """Rank correlation of one-step measures with success, by who is counted and by measure.

    Each policy is one point: the means over its training seeds.
    """
    trained = [row for row in rows if row.seeds and row.success is not None and row.mae is not None
               and row.seeds[0].facts.get("weights") != "random"]
    models = [row for row in trained if row.entrant.is_ranked]
    groups = {"models": models,
              "models and ablations": [row for row in trained if row in models
                                       or row.entrant.kind == ABLATION],
              "models, ablations and baselines": trained}
    measures = {"mae": lambda each: each.mae, "accuracy_0.3": lambda each: accuracy(each, "0.3"),
                "accuracy_0.1": lambda each: accuracy(each, "0.1")}
    found: dict[str, dict[str, Any]] = {}
    for name, group in groups.items():
        if found and len(group) == len(models):
            continue  # nobody else: the same line twice
        points = {measure: [_mean(row, of) for row in group] for measure, of in measures.items()}
        found[name] = {measure: rank_correlation(each, [row.success or 0.0 for row in group])
                       for measure, each in points.items()}
    return found


def accuracy(measured: Measured, threshold: str) -> float | None:
    """The share of held-out decisions within a threshold on both axes."""
    found = (measured.open or {}).get("accuracy", {}).get(threshold)
    return found and found["rate"]


def _mean(row: Row, of: Any) -> float:
    spread = row.spread(of)
    return spread["mean"] if spread else 0.0


def _driven(rows: list[Row]) -> dict[str | None, Row]:
    return {row.name: row for row in rows if row.success is not None}


def _layouts(measured: Measured) -> dict[int, float]:
    return {layout: sum(wins) / len(wins) for layout, wins in measured.wins.items()}


def _mean_errors(by_seed: Mapping[int, Measured], seeds: list[int]) -> dict[str, tuple[float, int]]:
    """Each file's error, averaged over training seeds; only files that all of them answered."""
    if not seeds:
        return {}
    errors = [by_seed[seed].errors for seed in seeds]
    return {name: (sum(each[name][0] for each in errors) / len(errors), errors[0][name][1])
            for name in errors[0] if all(name in each for each in errors)}


def _verdict(success: dict[str, Any], by_seed: list[float | None]) -> str:
    """Better or worse only where the interval leaves out 0 and every training seed agrees."""
    low, high = success["low"], success["high"]
    if low is None or high is None:
        return NOTHING
    if low > 0 and all((each or 0.0) > 0 for each in by_seed):
        return HELPS
    if high < 0 and all((each or 0.0) < 0 for each in by_seed):
        return HURTS
    return NOTHING


def _rounded(value: float | None) -> float | None:
    return value if value is None else round(value, 6)
