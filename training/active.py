"""Active learning: which episodes should the expert label? Those that a head is unsure of?

`python -m training.active` compares two ways to spend the same budget of labelled episodes, from
the same first ones on: those whose answers scatter most, and any by chance. After every round a
fresh head is trained on what is labelled, its one-step error is taken and it drives layouts of the
purpose `val`.
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from episodes.atomic import write_atomically
from scenarios.cli import run_command
from training.budget import Budget
from training.options import TrainingOptions

if TYPE_CHECKING:
    from training.asking import Round

logger = logging.getLogger(__name__)


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
    from training.asking import rounds
    from training.heads import HeadRecipe
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
