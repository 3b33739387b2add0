"""Which recorded episodes a run of the open loop compares with."""

from __future__ import annotations

import contextlib
import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from envs.interface import RobotSpec
from eval.config import Config
from eval.openloop import answer, check_policy
from policies import Policy
from policies.interface import LABEL
from scenarios import Scenario

logger = logging.getLogger(__name__)


def readable(config: Config, policy: Policy, chosen: list[Scenario],
              robot: RobotSpec) -> dict[Path, str | None]:
    """The files to compare with and their scenarios.

    Each file is read once and the first is rehearsed, so that no damage comes as a surprise.
    """
    from episodes.hdf5 import find_episodes, read_episode

    check_policy(policy.spec)
    data = Path(config.data or "")
    counts: Counter[str | None] = Counter()
    found: dict[Path, str | None] = {}
    single = data.is_file() or (data.suffix in (".h5", ".hdf5") and not data.is_dir())
    for path in [data] if single else find_episodes(data):
        episode = read_episode(path)
        counts[episode.scenario] += 1
        if not _is_wanted(config, chosen, episode.scenario, counts):
            continue
        if episode.instruction is None and config.instruction == "default":
            raise ValueError(f"{path}: holds no instruction and names no known scenario; say what "
                             f"the policy is told with --instruction TEXT (or none).")
        if not found or LABEL in policy.spec.needs:
            with _said_where(policy, path.name):
                answer(policy, episode, "", config.seed, robot, pictures=1)
        found[path] = episode.scenario
    if not found:
        raise ValueError(f"{data}: holds no episode of {config.scenario}, found only "
                         f"{', '.join(sorted(map(str, counts)))}.")
    _say_what_is_ignored(config, Counter(found.values()))
    return found


def _say_what_is_ignored(config: Config, found: Counter[str | None]) -> None:
    """One line for each option that asked for more than recorded files can give."""
    if config.videos > Config.videos:
        logger.warning("--videos %d: the open loop films nothing.", config.videos)
    fewer = [f"{count} of {name}" for name, count in found.items()
             if count < (config.episodes or 0)]
    if fewer:
        logger.warning("--episodes %d: there are only %s.", config.episodes, ", ".join(fewer))


def _is_wanted(config: Config, chosen: list[Scenario], scenario: str | None,
               counts: Counter[str | None]) -> bool:
    """Whether an episode is of a chosen scenario and not more than --episodes asks for."""
    if config.scenario != "all" and scenario not in {each.name for each in chosen}:
        return False
    return config.episodes is None or counts[scenario] <= config.episodes


@contextlib.contextmanager
def _said_where(policy: Policy, where: str) -> Iterator[None]:
    """A policy that cannot even start: its sentence, and where it was said."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{policy.spec.name} cannot start in {where}: {error} "
                         f"(--log-level debug shows the traceback.)") from error
