"""Two runs on the same episodes: what pairs, and in one sentence why two runs do not.

A pair is the same scenario, variation and seed. Whatever else differs is what is compared; it is
listed, so that nobody takes the effect of other words for that of another policy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.provenance import changed_world, stopped_early, warnings
from eval.results import Run, episodes_sha256

Line = dict[str, Any]
Facts = dict[str, Any]
MUST_AGREE = {  # of run.json -> what it is called
    "source": "source", "renderer": "renderer", "config.seed": "seed (--seed)",
}
MAY_DIFFER = ("policy.name", "policy.size", "policy.weights", "policy.weights_hash",
              "config.instruction", "config.execute", "config.checkpoint", "latency",
              "config.dynamics", "robot",
              "appearance", "batch_size", "git", "packages", "machine")
BATCH_NOTE = "across batch sizes actions agree within 1e-5, not bit for bit"


@dataclass(frozen=True)
class Side:
    """A finished run whose episodes are those that were judged."""

    run: Run
    lines: list[Line]

    @property
    def name(self) -> str:
        """Its folder's."""
        return self.run.folder.name

    @property
    def policy(self) -> str:
        """Its policy's name."""
        return self.run.facts["policy"]["name"]


@dataclass(frozen=True)
class Pairs:
    """Episodes that both runs drove without an error of the policy."""

    baseline: list[Line]
    other: list[Line]
    unpaired: tuple[int, int]  # episodes that only one run drove
    errors: tuple[int, int]  # episodes of both that ended by an error of this one's policy
    differs: list[str]  # what else is not the same


def open_side(folder: Path | str) -> Side:
    """A run that can be compared.

    Raises:
        ValueError: if it is no run, an open-loop one, unfinished, or changed since it was judged.
    """
    run = Run(Path(folder))
    loop = run.facts["config"]["loop"]
    if loop != "closed":
        raise ValueError(f"{folder}: is a run of the {loop} loop; only driven episodes are "
                         f"compared, for one-step errors do not rank driving.")
    lines = run.lines()
    if len(lines) < run.facts["planned"]:
        raise ValueError(f"{folder}: holds {len(lines)} of {run.facts['planned']} episodes; finish "
                         f"it with python -m eval.run --resume {folder}.")
    _check_unchanged(run, lines)
    return Side(run, lines)


def pair(baseline: Side, other: Side) -> Pairs:
    """Match two runs' episodes by scenario, variation and seed.

    Raises:
        ValueError: saying what differs, if they are no two looks at the same episodes; or if no
            episode of both ended without an error.
    """
    found = matched(baseline, other)
    if not found.baseline:
        raise ValueError(f"{nothing_sound(found, baseline.name, other.name)}.")
    return found


def matched(baseline: Side, other: Side) -> Pairs:
    """As `pair`, but maybe of no episodes.

    Raises:
        ValueError: saying what differs, if they are no two looks at the same episodes.
    """
    if baseline.run.folder.resolve() == other.run.folder.resolve():
        raise ValueError(f"{baseline.name}: is given twice; a run is no other than itself.")
    check_same_world(baseline.name, baseline.run.facts, other.name, other.run.facts)
    mine, theirs = ({(line["scenario"], line["seed"]): line for line in side.lines}
                    for side in (baseline, other))
    shared = [key for key in mine if key in theirs]
    if not shared:
        raise ValueError(f"{baseline.name} and {other.name} have no episode in common: scenarios "
                         f"{_named(baseline)} against {_named(other)}.")
    for key in shared:
        if mine[key]["variation"] != theirs[key]["variation"]:
            raise ValueError(f"{key[0]}, seed {key[1]}: variation {mine[key]['variation']} in "
                             f"{baseline.name}, {theirs[key]['variation']} in {other.name}; these "
                             f"are two layouts. Drive one of them anew.")
    return of_keys(baseline, other, _differences(baseline, other))


def of_keys(baseline: Side, other: Side, differs: list[str]) -> Pairs:
    """Episodes of one scenario's name and seed, without a look at what else is not the same."""
    mine, theirs = ({(line["scenario"], line["seed"]): line for line in side.lines}
                    for side in (baseline, other))
    shared = [key for key in mine if key in theirs]
    sound = [key for key in shared if not mine[key]["error"] and not theirs[key]["error"]]
    errors = [sum(bool(lines[key]["error"]) for key in shared) for lines in (mine, theirs)]
    return Pairs([mine[key] for key in sound], [theirs[key] for key in sound],
                 (len(mine) - len(shared), len(theirs) - len(shared)), (errors[0], errors[1]),
                 differs)


def nothing_sound(found: Pairs, baseline: str, other: str) -> str:
    """Why there is nothing to compare, in a sentence that says whose errors there were."""
    return (f"nothing to compare: no episode that both drove without an error of the policy "
            f"(errors: {found.errors[0]} in {baseline}, {found.errors[1]} in {other})")


def check_same_world(baseline: str, facts: Facts, other: str, other_facts: Facts) -> None:
    """Refuse what no two runs may differ in, from what their run.json says.

    Raises:
        ValueError: saying what differs.
    """
    for key, called in MUST_AGREE.items():
        mine, theirs = _fact(facts, key), _fact(other_facts, key)
        if mine != theirs:
            raise ValueError(f"{baseline} and {other} cannot pair: {called} is {mine!r} in the "
                             f"first and {theirs!r} in the second.")
    versions = other_facts["scenarios"]
    for name, version in facts["scenarios"].items():
        if versions.get(name, version) != version:
            raise ValueError(f"{baseline} and {other} cannot pair: scenario {name} is version "
                             f"{version} in the first and {versions[name]} in the second; drive "
                             f"one of them anew.")


def said_of(side: Side) -> list[str]:
    """What must be said loudly about a run."""
    facts = side.run.facts
    return (warnings(facts["policy"], facts["config"]["instruction"]) + changed_world(facts)
            + stopped_early(facts))


def _check_unchanged(run: Run, lines: list[Line]) -> None:
    """Refuse episodes that are not those of the summary."""
    path, again = run.folder / "summary.json", f"python -m eval.score {run.folder}"
    try:
        said = json.loads(path.read_text(encoding="utf-8")).get("episodes_sha256")
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(f"{path}: cannot be read, so the run is not finished; finish it with "
                         f"{again}.") from error
    if said is None:
        raise ValueError(f"{path}: holds no hash of the episodes, as earlier versions wrote it; "
                         f"judge them anew with {again}.")
    if said != episodes_sha256(lines):
        raise ValueError(f"{run.folder / 'episodes.jsonl'}: was edited since it was judged (its "
                         f"hash is not that of summary.json). Restore it, or judge the stored "
                         f"records anew with {again}.")


def _differences(baseline: Side, other: Side) -> list[str]:
    """What else is not the same, for a person."""
    found = []
    for key in MAY_DIFFER:
        mine, theirs = (_fact(side.run.facts, key) for side in (baseline, other))
        if mine == theirs:
            continue
        if isinstance(mine, dict) and isinstance(theirs, dict):
            names = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
            found += [f"{key}.{name}: {mine.get(name)} -> {theirs.get(name)}" for name in names]
        else:
            note = f" ({BATCH_NOTE})" if key == "batch_size" else ""
            found.append(f"{key}: {mine} -> {theirs}{note}")
    return found


def _fact(facts: Facts, key: str) -> Any:
    value: Any = facts
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _named(side: Side) -> str:
    return ", ".join(side.run.facts["scenarios"])
