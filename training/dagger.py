"""DAgger (Ross et al. 2011): the policy drives, the planner says what would have been right.

The policy slips now and then (`training.clumsy`), more in later rounds, so that its mistakes, which
get fewer, and what follows them are seen often enough. Each round's episodes become files of the
usual format whose actions are the planner's, so that the next head learns from them as from the
expert's own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from envs import planner
from episodes.atomic import write_atomically
from episodes.hdf5 import find_episodes
from episodes.names import simulated_start
from episodes.record import Record

if TYPE_CHECKING:
    from episodes.drive import Job
    from training.options import TrainingOptions

FIRST_INDEX = 500_000  # of a round's layouts: the expert's episodes begin at 0
ROUND_STRIDE = 100_000  # layouts of two rounds never meet
BATCH = 8
CLUMSY = "training.clumsy:Clumsy"
SLIPPING = ((0.5, 0.15), (1.0, 0.25))  # by round: share of the episodes, of their decisions

logger = logging.getLogger(__name__)


def collect(folder: Path, checkpoint: Path, round_number: int,
            options: TrainingOptions) -> list[Path]:
    """The files of one round; those of an earlier call with the same options are kept.

    Args:
        folder: Where they go.
        checkpoint: Who drives.
        round_number: From 0 on.
        options: How many episodes, how they look, in how many processes.
    """
    import envs
    from episodes.engine import drive_all
    from episodes.hdf5_writer import name_of, write_episode
    from episodes.shards import Recipe

    done = folder / "dagger.json"
    if done.is_file():
        return find_episodes(folder)
    folder.mkdir(parents=True, exist_ok=True)
    jobs = list(_jobs(round_number, options))
    share, slips = SLIPPING[min(round_number, len(SLIPPING) - 1)]
    driver = {"driver": str(checkpoint.absolute()), "share": share, "slips": slips}
    recipe = Recipe(CLUMSY, driver, envs.load_robot(),
                    {"appearance": options.appearance}, batch=BATCH)
    lost = 0
    for driven in drive_all(recipe, jobs, options.workers, options.engine, options.address):
        record = relabelled(driven.record)
        if record is None:
            lost += 1
            continue
        name = name_of(record, simulated_start(int(driven.key)))
        write_episode(folder / f"{name}.h5", record, facts={
            "purpose": "train", "seed_root": options.seed, "labelled_by": "planner"})
    logger.info("dagger, round %d: %d episodes, %d without a way out", round_number + 1,
                len(jobs) - lost, lost)
    write_atomically(done, json.dumps({"episodes": len(jobs), "no_way_out": lost}).encode())
    return find_episodes(folder)


def relabelled(record: Record) -> Record | None:
    """The same episode with the planner's command at every decision.

    None where there is nothing to learn: no decision at all, or no way to the cup any more.
    """
    try:
        labels = [planner.command(record.truth(step)) for step in range(record.decisions)]
    except ValueError:  # pushed boxes can close every way
        return None
    return replace(record, sent=np.array(labels, np.float32)) if labels else None


def _jobs(round_number: int, options: TrainingOptions) -> Iterator[Job]:
    """Layouts that no expert's episode has, all scenarios in turn."""
    from episodes.drive import Job
    from episodes.rollout import Task
    from scenarios import episode_seed, load, names

    scenarios = [load(name) for name in names()]
    first = FIRST_INDEX + round_number * ROUND_STRIDE
    for number in range(options.dagger_episodes):
        scenario = scenarios[number % len(scenarios)]
        seed = episode_seed("train", options.seed, scenario.layout_group,
                            first + number // len(scenarios))
        yield Job(str(number), scenario, Task(seed, scenario.instructions.english,
                                              {"pattern": "core"}, keep_rgb=True))
