"""One head: fresh behind shared towers, trained on shared features, stored with its record."""

from __future__ import annotations

import hashlib
import json
import logging
from collections import Counter
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from accelerate import PartialState

import policies
from episodes.hdf5 import read_episode
from policies import golden
from policies.backbone import Backbone
from policies.head import Head
from policies.layers import ALL
from policies.learned import Learned
from policies.tuned import FROZEN
from training.asking import rounds
from training.budget import Budget
from training.card import CARD_FILE, card
from training.features import Features, compute, wordings
from training.heads import HeadRecipe, split, train_head
from training.loop import once
from training.recipes import recipe_of
from training.tuning import tune
from training.validate import drive

if TYPE_CHECKING:
    from training.options import TrainingOptions

GOLDEN_PICTURES = 4
RECORD_FILE = "training.json"
ACTIVE = ("case5_active_learning",)  # choose their episodes themselves
ACTIVE_ROUNDS = 4
VERSIONS = ("torch", "transformers", "open_clip_torch", "accelerate", "numpy")
# Where things lie and run does not decide what is learned.
PLACES = ("work", "out", "log_level", "engine", "address")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lesson:
    """What all heads of a run learn from."""

    backbone: Backbone
    paths: list[Path]  # episode files
    features: Features
    trained_on: str  # in words
    towers: Any  # what is known of them


def prepare(backbone: Backbone, paths: list[Path], names: tuple[str, ...],
            options: TrainingOptions, trained_on: str, towers: Any) -> Lesson:
    """Everything that the heads of these policies want to see, looked at once."""
    parts: dict[str, None] = {}
    for name in names:
        wants = untrained(name, backbone, options, options.seed).head.wants
        parts |= dict.fromkeys((*wants.frame, *wants.text))
    features = once(lambda: compute(backbone, paths, options.work / "features", list(parts)))
    counts = Counter(features.sources)
    if "dummy" in counts and len(counts) > 1:
        raise ValueError(f"Dummy episodes are never mixed with others: got "
                         f"{_counted(counts)}; train on each folder alone.")
    if options.data is not None:
        trained_on = f"{_counted(counts)} episode files of {options.data.name}"
    return Lesson(backbone, paths, features, trained_on, towers)


def lesson_for(name: str, lesson: Lesson, options: TrainingOptions) -> Lesson:
    """The same lesson, seen by the towers that this policy has: the features may be others."""
    backbone = lesson.backbone.with_layers(tower_layers(name))
    if backbone is lesson.backbone:
        return lesson
    return prepare(backbone, lesson.paths, (name,), options, lesson.trained_on, lesson.towers)


def tower_layers(name: str) -> str:
    """Which layers of the towers a policy has, as in `policies.layers`."""
    return policies.find(name)[1].get("tower_layers", ALL)


def _counted(counts: Counter[str]) -> str:
    """`60 real and 12 simulated`."""
    return " and ".join(f"{count} {source}" for source, count in sorted(counts.items()))


def untrained(name: str, backbone: Backbone, options: TrainingOptions, seed: int) -> Learned:
    """A policy with a fresh head."""
    cls, fixed = policies.find(name)
    assert issubclass(cls, Learned), "options refuse what is not learned"
    return cls.untrained(backbone, options.size, seed, **fixed)


def learn(name: str, seed: int, lesson: Lesson, folder: Path, options: TrainingOptions,
          towers: Path | None = None) -> dict[str, Any]:
    """Train one head and write its checkpoint folder; returns the training record.

    Args:
        name: Of the policy.
        seed: Of its weights and of the order in which it learns.
        lesson: What it learns from.
        folder: Where the checkpoint goes.
        options: Of the run.
        towers: Where shared towers lie; without it they are copied.
    """
    policy = untrained(name, lesson.backbone, options, seed)
    recipe = recipe_of(name, options.epochs, seed)
    if name in ACTIVE:
        learned = _ask_and_learn(policy, lesson, recipe, options)
    elif policy.tuning != FROZEN:
        learned = tune(policy, lesson, recipe, _progress(name, recipe, lesson, options))
    else:
        learned = train_head(policy.head, lesson.features, recipe,
                             folder=_progress(name, recipe, lesson, options))
    if learned["overfitted"]:
        logger.warning("%s, seed %d: %s", name, seed, learned["overfitted"])
    once(lambda: _store(policy, lesson, folder, options, towers))
    record = {
        "command": command(options), "policy": name, "seed": seed,
        "options": {key: value.name if isinstance(value, Path) else value
                    for key, value in asdict(options).items() if key not in PLACES},
        "head": {"recipe": asdict(recipe),
                 "parameters": sum(each.numel() for each in policy.head.parameters())} | learned,
        "towers": lesson.towers, "lesson": _about(lesson),
        "versions": {package: version(package) for package in VERSIONS},
    }
    if options.validation_episodes and PartialState().is_main_process:
        record["closed_loop_val"] = drive(folder, options)
    write_record(folder, record)
    return record


def _ask_and_learn(policy: Learned, lesson: Lesson, recipe: HeadRecipe,
                   options: TrainingOptions) -> dict[str, Any]:
    """Learn from half of the episodes, which the head asks for in rounds."""
    pool = np.unique(lesson.features.episodes[split(lesson.features.layouts, recipe).training])
    share = len(pool) // (2 * ACTIVE_ROUNDS)
    budget = Budget(first=share, step=share, rounds=ACTIVE_ROUNDS - 1)

    def fresh(seed: int) -> Head:
        return untrained(policy.name, lesson.backbone, options, seed).head

    for each in rounds(fresh, lesson.features, recipe, budget, "dropout"):
        policy.head, learned = each.head, each.told | {
            "labelled_episodes": len(each.labelled), "of": len(pool)}
    return learned


def _store(policy: Learned, lesson: Lesson, folder: Path, options: TrainingOptions,
           towers: Path | None) -> None:
    """The checkpoint, and its answers to some pictures; by the first process alone."""
    if not PartialState().is_main_process:
        return
    half = f"half, chosen by uncertainty, of {lesson.trained_on}"
    policy.save_pretrained(folder, half if policy.name in ACTIVE else lesson.trained_on,
                           options.seed if options.data is None else None, towers)
    stored = read_episode(lesson.paths[0])
    golden.write(policies.make(str(folder)), folder, wordings(stored)[0],
                 list(stored.decisions[0][:GOLDEN_PICTURES]))


def _progress(name: str, recipe: HeadRecipe, lesson: Lesson, options: TrainingOptions) -> Path:
    """Where this very training is kept while it goes on; no other ever meets it."""
    what = json.dumps([name, asdict(recipe), _about(lesson)], sort_keys=True)
    return options.work / "progress" / f"{name}_{hashlib.sha256(what.encode()).hexdigest()[:12]}"


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """Record and card, by the first process; the record's presence says that the head is done."""
    if not PartialState().is_main_process:
        return
    (folder / CARD_FILE).write_text(card(record), encoding="utf-8")
    (folder / RECORD_FILE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def is_learned(name: str, seed: int, lesson: Lesson, folder: Path,
               options: TrainingOptions) -> bool:
    """Whether an earlier call trained the same head on the same and finished."""
    path = folder / RECORD_FILE
    if not path.is_file():
        return False
    record = json.loads(path.read_text(encoding="utf-8"))
    recipe = asdict(recipe_of(name, options.epochs, seed))
    return (record["head"]["recipe"], record["lesson"]) == (recipe, _about(lesson))


def _about(lesson: Lesson) -> dict[str, Any]:
    """What decides what a head can learn."""
    return {"trained_on": lesson.trained_on, "episodes": len(lesson.paths),
            "decisions": len(lesson.features.steps), "said": lesson.features.said,
            "towers_hash": lesson.backbone.hash}


def _told(value: Any) -> Any:
    """An option's value; of a path from the root its last name, for no other machine has it."""
    return value.name if isinstance(value, Path) and value.is_absolute() else value


def command(options: TrainingOptions) -> str:
    """The command line that trains the same, without the places of one machine."""
    words = ["python -m training.run"]
    for field in fields(options):
        value = getattr(options, field.name)
        if value != field.default and field.name not in PLACES:
            words.append(f"--{field.name.replace('_', '-')} "
                         f"{_told(value)}")
    return " ".join(words)
