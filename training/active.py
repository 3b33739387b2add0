"""Active learning: which episodes should the expert label? Those that a head is unsure of?

`python -m training.active` compares two ways to spend the same budget of labelled episodes, from
the same first ones on: those whose answers scatter most, and any by chance. After every round a
fresh head is trained on what is labelled, its one-step error is taken and it drives layouts of the
purpose `val`. Labels of the pool are not looked at before they are asked for.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from episodes.atomic import write_atomically
from policies.case5_active_learning import uncertainty
from policies.head import Head
from scenarios.cli import run_command
from training.features import Features
from training.heads import HeadRecipe, split, train_head
from training.options import TrainingOptions

SAMPLES = 8  # answers with dropout left on
MEMBERS = 3  # heads of an ensemble
ROWS = 1024  # asked about at once
STREAM = 5  # keeps the draw of episodes apart from other chance of a seed

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Budget:
    """How many episodes may be labelled."""

    first: int = 24  # by chance, before anything is known
    step: int = 24  # in each round
    rounds: int = 6


@dataclass(frozen=True)
class Round:
    """What was known, and the head that learned it."""

    number: int
    labelled: np.ndarray  # numbers of episodes
    head: Head
    told: dict[str, Any]  # by `train_head`


def rounds(untrained: Callable[[int], Head], features: Features, recipe: HeadRecipe,
           budget: Budget, choose: str) -> Iterator[Round]:
    """Train, ask for labels, train again; the first round has `budget.first` episodes.

    Args:
        untrained: A fresh head of a seed.
        features: Of all episodes, those without labels too.
        recipe: Of every training; its seed is that of all chance here.
        budget: How many episodes are labelled.
        choose: `dropout`, `ensemble` or `random`.

    Raises:
        ValueError: for an unknown way to choose, or more episodes than there are.
    """
    if choose not in CHOICES:
        raise ValueError(f"choose must be one of {', '.join(CHOICES)}, got {choose!r}.")
    pool = np.unique(features.episodes[split(features.layouts, recipe).training])
    wanted = budget.first + budget.rounds * budget.step
    if wanted > len(pool):
        raise ValueError(f"{wanted} episodes to label, but the pool has {len(pool)}; generate more "
                         f"or ask for fewer.")
    rng = np.random.default_rng([recipe.seed, STREAM])
    labelled = rng.choice(pool, budget.first, replace=False)
    for number in range(budget.rounds + 1):
        allowed = np.isin(features.episodes, labelled)
        head = untrained(recipe.seed)
        told = train_head(head, features, recipe, allowed)
        yield Round(number, labelled, head, told)
        if number == budget.rounds:
            return
        rest = np.setdiff1d(pool, labelled)
        heads = [head]
        if choose == "ensemble":
            heads += [_member(untrained, features, recipe, allowed, k) for k in range(1, MEMBERS)]
        scores = CHOICES[choose](heads, features, rest, rng)
        labelled = np.concatenate([labelled, rest[np.argsort(-scores, kind="stable")]
                                   [:budget.step]])


def _member(untrained: Callable[[int], Head], features: Features, recipe: HeadRecipe,
            allowed: np.ndarray, number: int) -> Head:
    """One more head of an ensemble: other weights to begin with, another order; the same split."""
    head = untrained(recipe.seed + 1000 * number)
    train_head(head, features, recipe, allowed)
    return head


def _by_chance(heads: list[Head], features: Features, episodes: np.ndarray,
               rng: np.random.Generator) -> np.ndarray:
    return rng.random(len(episodes))


def _by_dropout(heads: list[Head], features: Features, episodes: np.ndarray,
                rng: np.random.Generator) -> np.ndarray:
    """The mean scatter of one head's answers to an episode's pictures."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))

    def scatter(parts: dict[str, torch.Tensor], lengths: torch.Tensor) -> torch.Tensor:
        return uncertainty(heads[0], parts, lengths, SAMPLES, generator)

    return _episode_means(scatter, heads[0], features, episodes)


def _by_ensemble(heads: list[Head], features: Features, episodes: np.ndarray,
                 rng: np.random.Generator) -> np.ndarray:
    """How far several heads disagree about an episode's pictures."""
    def scatter(parts: dict[str, torch.Tensor], lengths: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            answers = torch.stack([head.eval()(parts, lengths) for head in heads])
        return answers.var(dim=0).mean(dim=(-2, -1))

    return _episode_means(scatter, heads[0], features, episodes)


CHOICES = {"random": _by_chance, "dropout": _by_dropout, "ensemble": _by_ensemble}


def _episode_means(scatter: Callable[..., torch.Tensor], head: Head, features: Features,
                   episodes: np.ndarray) -> np.ndarray:
    """Mean over each episode's decisions of what `scatter` says of their last frames."""
    rows = np.flatnonzero(np.isin(features.episodes, episodes))
    found = []
    for some in np.array_split(rows, len(rows) // ROWS + 1):
        parts, lengths = features.windows(some, head.wants, None)
        found.append(scatter(parts, lengths)[torch.arange(len(some)), lengths - 1].numpy())
    place = np.searchsorted(episodes, features.episodes[rows])
    values = np.concatenate(found)
    return np.bincount(place, values, len(episodes)) / np.bincount(place, minlength=len(episodes))


@dataclass(frozen=True)
class ActiveOptions(TrainingOptions):
    """Compare episodes chosen by uncertainty with as many chosen at random."""

    policy: str = "case5_active_learning"
    """Whose head is trained; it needs dropout for `--choose dropout`."""
    seeds: int = 3
    """Repetitions, each with its own split, first episodes and weights, shared by both arms."""
    choose: str = "dropout"
    """dropout: one head's answers with dropout left on; ensemble: three heads' answers."""
    first: int = Budget.first
    """Episodes labelled before anything is known."""
    step: int = Budget.step
    """Episodes labelled in each round."""
    rounds: int = Budget.rounds
    """How often is asked."""
    epochs: int = 60
    """Passes of each training."""


def curves(options: ActiveOptions) -> Path:
    """Both arms, all seeds; returns the file with every round's numbers. Finished arms are kept."""
    from training.learn import untrained
    from training.stages import lesson_of

    lesson = lesson_of(options)
    budget = Budget(options.first, options.step, options.rounds)
    out = options.out or options.work / "active"
    out.mkdir(parents=True, exist_ok=True)
    lines: list[dict[str, Any]] = []
    for seed in range(options.seed, options.seed + options.seeds):
        for arm in (options.choose, "random"):
            what = {"arm": arm, "seed": seed, "budget": asdict(budget), "epochs": options.epochs,
                    "validation_episodes": options.validation_episodes,
                    "lesson": len(lesson.features.steps), "towers": lesson.backbone.hash}
            place = out / f"{arm}_{seed}.json"
            if place.is_file() and json.loads(place.read_text(encoding="utf-8"))["what"] == what:
                lines += json.loads(place.read_text(encoding="utf-8"))["rounds"]
                continue
            recipe = HeadRecipe(epochs=options.epochs, patience=options.epochs, seed=seed)
            found = [_measured(each, arm, seed, lesson, out, options) for each in rounds(
                lambda number: untrained(options.policy, lesson.backbone, options, number).head,
                lesson.features, recipe, budget, arm)]
            write_atomically(place, json.dumps({"what": what, "rounds": found}).encode())
            lines += found
    said = {"policy": options.policy, "choose": options.choose, "budget": asdict(budget),
            "trained_on": lesson.trained_on, "rounds": lines, "curves": _summed(lines)}
    path = out / "curves.json"
    write_atomically(path, (json.dumps(said, indent=1) + "\n").encode())
    return path


def _summed(lines: list[dict[str, Any]]) -> dict[str, list[dict[str, int]]]:
    """Successes over all seeds, as `eval.leaderboard --curves` reads them."""
    found: dict[str, dict[int, list[int]]] = {}
    for line in lines:
        if "n" in line:
            point = found.setdefault(line["arm"], {}).setdefault(line["episodes"], [0, 0])
            point[0] += line["successes"]
            point[1] += line["n"]
    return {arm: [{"episodes": episodes, "k": k, "n": n}
                  for episodes, (k, n) in sorted(points.items())] for arm, points in found.items()}


def _measured(each: Round, arm: str, seed: int, lesson: Any, out: Path,
              options: ActiveOptions) -> dict[str, Any]:
    """One point of a learning curve."""
    from training.learn import untrained
    from training.validate import drive

    line: dict[str, Any] = {"arm": arm, "seed": seed, "round": each.number,
                            "episodes": len(each.labelled), "test_mae": each.told["test_mae"]}
    if options.validation_episodes:
        policy = untrained(options.policy, lesson.backbone, options, seed)
        policy.head = each.head
        folder = out / "last"
        policy.save_pretrained(folder, f"{len(each.labelled)} of {lesson.trained_on}")
        driven = drive(folder, replace(options, seed=seed))
        line |= {"successes": sum(driven["successes"].values()), "n": driven["n"]}
    logger.info("active: %s", line)
    return line


def main(options: ActiveOptions) -> None:
    """The command."""
    print(f"Learning curves: {curves(options)}")


if __name__ == "__main__":
    run_command(ActiveOptions, main)
