"""All numbers of a run from its stored lines: pure functions of what the folder holds.

Episodes that ended by an error of the policy are counted apart and are in no rate and no mean.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from eval import metrics, openloop
from eval.layouts import Layouts, table
from eval.provenance import changed_world, stopped_early, warnings
from eval.resampling import interval
from eval.results import SCHEMA_VERSION, Run
from eval.statistics import Mean, Rate, mean, rate

DENOMINATORS = {
    "success": metrics.EVERY,
    "reach": f"{metrics.EVERY}; whether the robot was ever inside the goal circle (oracle success)",
    "side_compliance": f"{metrics.EVERY} in which every box was passed",
    "contact": metrics.EVERY,
    **metrics.MEANS,
}
ACROSS = ("success", "contact", "spl", "soft_spl")  # of all scenarios together
SHARED_LAYOUTS = ("Left and right of one index share a layout: the total's n counts such layouts "
                  "twice, so that its intervals are narrower than the truth; those of all "
                  "scenarios together are not.")


def summarise(run: Run, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """The content of summary.json from the lines of episodes.jsonl: it follows from the seeds."""
    facts = run.facts
    said = warnings(facts["policy"], facts["config"]["instruction"])
    said += changed_world(facts) + stopped_early(facts)
    seen = _seen_in_training(facts["policy"], lines)
    if seen:
        said.append(f"TRAINED ON THESE: {seen} of {len(lines)} files come from the seeds this "
                    f"policy was trained on; generate others with --seed N.")
    if len(lines) < facts["planned"]:
        said.append(f"INCOMPLETE: {len(lines)} of {facts['planned']} episodes; "
                    f"continue with --resume {run.folder}.")
    errors = sum(line["error"] is not None for line in lines)
    if errors:
        said.append(f"ERRORS: {errors} of {len(lines)} episodes ended by an error of the policy; "
                    f"they are in no number.")
    head = {"schema_version": SCHEMA_VERSION, "loop": facts["config"]["loop"],
            "policy": facts["policy"], "seed": facts["config"]["seed"],
            "planned": facts["planned"], "warnings": said}
    if facts["config"]["loop"] == "open":
        return head | {"sources": _open_rows(run, lines)}
    names = list(facts["scenarios"])
    notes = [SHARED_LAYOUTS] if len(names) > 1 else []
    rows = {name: closed_row([line for line in lines if line["scenario"] == name])
            for name in names}
    found = head | {"source": facts["source"], "denominators": DENOMINATORS, "notes": notes,
                    "scenarios": rows, "total": closed_row(lines)}
    return found | ({"across_scenarios": across_scenarios(lines)} if len(names) > 1 else {})


def across_scenarios(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Rates and means of all scenarios together, by a bootstrap that knows what shares a layout.

    Layouts are drawn anew within every scenario, left and right of one together; for `like_these`,
    scenarios are drawn anew before, and None stands where all share their layouts.
    """
    judged = [line for line in lines if line["ended_by"] != "policy_error"]
    if not judged:
        return {}
    layouts = Layouts.of([line["scenario"] for line in judged], [line["seed"] for line in judged],
                         table(judged, ACROSS))
    ends = {kind: np.round(interval(layouts.sums, layouts.counted, layouts.sizes, across=across), 6)
            for kind, across in (("these", False), ("like_these", True))}
    return {name: {"value": round(float(layouts.means[number]), 6),
                   **{kind: _ends(each[:, number]) for kind, each in ends.items()}}
            for number, name in enumerate(ACROSS)}


def _ends(interval_of: np.ndarray) -> list[float] | None:
    return interval_of.tolist() if np.isfinite(interval_of).all() else None


def closed_row(lines: list[dict[str, Any]]) -> dict[str, Any]:
    """One row of the table: rates and means over the lines of driven episodes."""
    judged = [line for line in lines if line["ended_by"] != "policy_error"]
    passed = [line for line in judged if line["side_compliant"] is not None]
    rates = {
        "success": rate(line["success"] for line in judged),
        **{f"success_{mode}": rate(line["metrics"][f"success_{mode}"] for line in judged)
           for mode in metrics.MODES},
        "reach": rate(line["reach"] for line in judged),
        "side_compliance": rate(line["side_compliant"] for line in passed),
        "contact": rate(line["contact"] for line in judged),
    }
    means = {name: mean(each for line in judged if (each := line["metrics"][name]) is not None)
             for name in metrics.MEANS}
    return {"episodes": len(lines), "errors": len(lines) - len(judged),
            **plain({**rates, **means}),
            "ends": dict(sorted(Counter(line["ended_by"] for line in lines).items())),
            "error_messages": dict(Counter(line["error"] for line in lines if line["error"]))}


def plain(value: Any) -> Any:
    """Rates, means and numbers ready for JSON."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, Rate | Mean):
        return value.as_json()
    return round(value, 6) if isinstance(value, float) else value


def _open_rows(run: Run, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """One row a source: real, simulated and dummy episodes are never pooled."""
    rows = {}
    for source in sorted({line["source"] for line in lines}):
        of_source = [line for line in lines if line["source"] == source]
        sound = [line for line in of_source if line["error"] is None]
        arrays = [run.arrays(line) for line in sound]
        row: dict[str, Any] = {"episodes": len(of_source), "errors": len(of_source) - len(sound),
                               "decisions": sum(len(each["recorded"]) for each in arrays)}
        if row["decisions"]:
            row |= plain(openloop.scores(np.concatenate([each["predicted"] for each in arrays]),
                                         np.concatenate([each["recorded"] for each in arrays])))
        rows[source] = row
    return rows


def _seen_in_training(policy: dict[str, Any], lines: list[dict[str, Any]]) -> int:
    """How many recorded files come from the seeds that the policy learned from."""
    seed = policy.get("trained_seed")
    return sum(seed is not None and line.get("seed_root") == seed for line in lines)
