"""Which processes drive a run, chosen from its options and its size."""

from __future__ import annotations

import logging

from envs.interface import RobotSpec
from episodes.engine import Engine, check_engine, cores
from episodes.engine import open_engine as open_any
from episodes.shards import HANG_S, Recipe
from eval.config import Config
from policies.threads import is_large

POLICY_OPTIONS = ("size", "checkpoint", "device", "dtype", "random_weights")
EPISODES_PER_WORKER = 25  # with fewer, another process takes longer to start than it saves

logger = logging.getLogger(__name__)


def check_workers(config: Config) -> None:
    """Refuse an engine that is none, and more processes than make sense.

    Raises:
        ValueError: with what would do.
    """
    check_engine(config.engine, config.address, config.workers)
    if config.loop == "open" and config.engine != "local":
        raise ValueError("--engine belongs to the closed loop; the open loop is one process. "
                         "Leave it out.")
    if config.loop == "open" and config.workers not in (None, 0, 1):
        raise ValueError("--workers belongs to the closed loop; the open loop is one process. "
                         "Leave it out.")


def open_engine(config: Config, robot: RobotSpec, missing: int) -> Engine:
    """What drives, ready to rehearse."""
    workers = _workers(config, missing)
    options = {name: getattr(config, name) for name in POLICY_OPTIONS if getattr(config, name)}
    is_shared = is_large(config) and config.engine == "local"
    world = {"renderer": config.renderer, "appearance": config.appearance,
             "dynamics": config.dynamics}
    recipe = Recipe(config.policy or "", options, robot, world, batch=config.batch, hang_s=HANG_S,
                    processes=workers if is_shared and workers > 1 else 0,
                    one_thread=not is_shared)
    return open_any(recipe, workers, config.engine, config.address)


def _workers(config: Config, missing: int) -> int:
    """As many processes as were asked for, or as pay, none without an episode; 0 is this one."""
    if config.workers == 0:
        return 0
    if config.workers is None:
        most = cores() if config.engine == "local" else missing
        return max(1, min(most, missing // EPISODES_PER_WORKER))
    if config.workers > max(missing, 1):
        logger.info("--workers %d: only %d are of use, one an episode.", config.workers, missing)
    return max(1, min(config.workers, missing))
