"""What a part of a model is worth: paired differences on the same layouts and files.

An ablation is compared with its model on the training seeds that both have. It is better or worse
where a sign-flip test of layouts says so, by Holm over all rows of its table. Its interval is a
bootstrap over layouts (left and right of one stand together) or files with the training seeds as
they are: how much another training would change stands beside it, seed by seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import policies
from eval.entrants import ABLATION, MODEL
from eval.inference import ALPHA, holm
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
    return judged([compared(row.name, row, known[row.entrant.base]) for row in rows
                   if row.entrant.kind == ABLATION and row.name in known
                   and row.entrant.base in known])


def contrasts(rows: list[Row]) -> list[dict[str, Any]]:
    """Models with and without a part, where both were measured."""
    known = _driven(rows)
    return judged([compared(what, known[having], known[lacking])
                   for what, having, lacking in CONTRASTS if having in known and lacking in known])


def compared(what: str, row: Row, other: Row) -> dict[str, Any]:
    """One policy minus another, on the training seeds that both have."""
    mine, theirs = ({each.seed: each for each in one.seeds if each.wins} for one in (row, other))
    seeds = [seed for seed in sorted(set(mine) & set(theirs))
             if mine[seed].wins.keys() & theirs[seed].wins.keys()]
    by_seed = [difference([mine[seed].wins], [theirs[seed].wins]).mean.value for seed in seeds]
    success = difference([mine[seed].wins for seed in seeds], [theirs[seed].wins for seed in seeds])
    errors = error_difference(_mean_errors(mine, seeds), _mean_errors(theirs, seeds))
    return {"what": what, "policy": row.name, "minus": other.name, "seeds": seeds,
            "success": success.as_json(), "success_by_seed": [_rounded(each) for each in by_seed],
            "mae": errors.as_json()}


def judged(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same comparisons with p-values that know of each other (Holm), and verdicts."""
    p_holm = holm([_p(each) for each in found])
    return [each | {"p_holm": round(p, 6), "verdict": _verdict(each, p)}
            for each, p in zip(found, p_holm)]


def memory(rows: list[Row]) -> dict[str, Any] | None:
    """The weakest model that looks back over frames against the strongest that does not.

    These two were chosen from what is compared, so p counts as one of all such pairs. None unless
    both kinds of models with a trained head were driven.
    """
    models = sorted((row for row in rows if row.entrant.kind == MODEL and row.entrant.is_ranked
                     and row.name in policies.LEARNED and row.success is not None),
                    key=lambda row: row.success or 0.0)
    looking = [row for row in models if (row.looks_back or 1) > 1]
    forgetful = [row for row in models if row.looks_back == 1]
    if not looking or not forgetful:
        return None
    weakest, strongest = looking[0], forgetful[-1]
    found = compared("memory", weakest, strongest)
    p = min(1.0, _p(found) * len(looking) * len(forgetful))
    return {"weakest_with": weakest.name, "strongest_without": strongest.name,
            "with": [row.name for row in looking], "without": [row.name for row in forgetful],
            **found, "p_holm": round(p, 6), "verdict": _verdict(found, p)}


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


def _mean_errors(by_seed: Mapping[int, Measured], seeds: list[int]) -> dict[str, tuple[float, int]]:
    """Each file's error, averaged over training seeds; only files that all of them answered."""
    if not seeds:
        return {}
    errors = [by_seed[seed].errors for seed in seeds]
    return {name: (sum(each[name][0] for each in errors) / len(errors), errors[0][name][1])
            for name in errors[0] if all(name in each for each in errors)}


def _p(found: dict[str, Any]) -> float:
    p = found["success"]["p"]
    return 1.0 if p is None else p


def _verdict(found: dict[str, Any], p: float) -> str:
    """Better or worse only where chance hardly does it and every training seed agrees."""
    mean, by_seed = found["success"]["mean"], found["success_by_seed"]
    if mean is None or p > ALPHA or not all((each or 0.0) * mean > 0 for each in by_seed):
        return NOTHING
    return HELPS if mean > 0 else HURTS


def _rounded(value: float | None) -> float | None:
    return value if value is None else round(value, 6)
