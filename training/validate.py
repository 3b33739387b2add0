"""A trained policy drives layouts of the purpose `val`: is it worth judging?"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.options import TrainingOptions

BATCH = 8

logger = logging.getLogger(__name__)


def drive(folder: Path, options: TrainingOptions) -> dict[str, Any]:
    """Success on layouts of the purpose `val`; never the evaluation's."""
    import envs
    from episodes.drive import Job
    from episodes.engine import drive_all
    from episodes.rollout import Task
    from episodes.shards import Recipe
    from eval.metrics import success
    from scenarios import episode_seed, load, names

    jobs = [Job(f"{name}_{index:03d}", scenario, Task(
        episode_seed("val", options.seed, scenario.layout_group, index),
        scenario.instructions.english))
        for name, scenario in ((name, load(name)) for name in names())
        for index in range(options.validation_episodes)]
    recipe = Recipe(str(folder.absolute()), {}, envs.load_robot(), batch=BATCH)
    won, errors = dict.fromkeys(names(), 0), 0
    for driven in drive_all(recipe, jobs, options.workers, options.engine, options.address):
        errors += driven.record.ended_by == "policy_error"
        won[driven.record.scenario] += success(driven.record)
    for name, count in won.items():
        logger.info("val: %s %d of %d", name, count, options.validation_episodes)
    return {"episodes_per_scenario": options.validation_episodes, "successes": won,
            "errors": errors, "n": len(jobs) - errors}
