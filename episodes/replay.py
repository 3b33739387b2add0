"""A file's commands through the simulator: `python -m episodes.replay FILE`.

A simulated episode is driven again in its own layout and compared with what its file holds. A
recording has no layout: its commands are driven in one of its scenario, by the seed that is given.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any

import numpy as np
import tyro

from episodes.guard import attributes, content, guarded
from episodes.hdf5 import Episode, read_episode
from episodes.pixels import JPEG
from episodes.record import Record
from policies.interface import Action, Observation, Policy, PolicySpec
from scenarios import load, names
from scenarios.cli import LogLevel, run_command

DIFFERS = 1  # the exit code
ALIKE_M = 1e-9  # by which places may differ that are the same
JPEG_GREYS = 3.0  # by which a JPEG of quality 95 differs at most, on average


@dataclass(frozen=True)
class Options:
    """Drive an episode's commands again and say what came of them."""

    file: Annotated[Path, tyro.conf.Positional]
    """An episode file of the laboratory's format or ours, .h5."""
    scenario: str | None = None
    """Where a recording is driven; its own scenario where not given."""
    seed: int = 0
    """Of the layout, for a recording; a simulated episode brings its own."""
    log_level: LogLevel = "info"
    """How much is said while it works."""


@dataclass(frozen=True)
class Replayed:
    """What came of it, and how it compares with what was stored."""

    record: Record
    stored: bool  # whether there is anything to compare with
    reason: str = ""  # why there is nothing
    furthest_m: float = 0.0  # between a stored place and the one now, before any decision
    other_pictures: int = 0  # of the decisions'
    apart: float = 0.0  # of those, mean difference in grey levels
    lossy: bool = False  # stored as JPEG: pictures cannot be the same
    warnings: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Whether it is what was stored, as far as that can be."""
        like = self.lossy and self.apart <= JPEG_GREYS
        return self.furthest_m <= ALIKE_M and (not self.other_pictures or like)


class Commands(Policy):
    """The commands of a file, one after the other, then standing still."""

    def __init__(self, commands: np.ndarray) -> None:
        """Takes [N, 3] command units."""
        self.spec = PolicySpec("replay")
        self._commands = commands

    def begin(self, instruction: str, seed: int) -> SimpleNamespace:
        """Counts decisions."""
        return SimpleNamespace(step=0)

    def act(self, memories: Sequence[SimpleNamespace],
            observations: Sequence[Observation]) -> list[Action]:
        """Each robot's next command."""
        actions = []
        for memory in memories:
            command = (self._commands[memory.step] if memory.step < len(self._commands)
                       else np.zeros(3, np.float32))
            memory.step += 1
            actions.append(Action(command[None]))
        return actions


def replay(path: Path, scenario: str | None = None, seed: int = 0) -> Replayed:
    """Drive the commands of a file in the simulator.

    Args:
        path: The file.
        scenario: Name or TOML file; the file's own where not given.
        seed: Of a recording's layout.

    Raises:
        ValueError: if it cannot be read, or nothing says where it is driven.
    """
    episode = read_episode(path)
    facts, poses = _simulated(path)
    where = scenario or episode.scenario
    if where is None or (scenario is None and where not in names()):
        raise ValueError(f"{path}: names no scenario that is known ({where!r}); say where it is "
                         f"driven with --scenario.")
    if not len(episode.decisions[0]):
        raise ValueError(f"{path}: holds no decision to drive.")
    if seed < 0:
        raise ValueError(f"seed must be at least 0, got {seed}.")
    reason = _not_comparable(episode, facts, scenario)
    record = _drive(episode, where, None if reason else facts, seed)
    if record.error:
        raise ValueError(f"{path}: its commands cannot be driven: {record.error}")
    if reason or facts is None:
        return Replayed(record, stored=False, reason=reason)
    return _compared(episode, record, facts, poses)


def _not_comparable(episode: Episode, facts: dict[str, Any] | None, scenario: str | None) -> str:
    """Why what is driven now cannot be compared with the file; empty where it can."""
    if episode.source != "simulated":
        return "A recording has no layout to compare with."
    if facts is None:
        return "The file holds no places to compare with, as converted ones do not."
    if scenario is not None:
        return f"Driven in {scenario} as asked, so nothing is compared."
    return ""


def _simulated(path: Path) -> tuple[dict[str, Any] | None, np.ndarray]:
    """The group sim/ of a simulated episode and its poses [N + 1, 3]; None for any other."""
    with guarded(path) as file:
        facts = attributes(file["sim"]) if "sim" in file else {}
        if facts.get("source") != "simulated" or "poses" not in file["sim"]:
            return None, np.zeros((0, 3))
        return facts, content(file["sim/poses"])


def _drive(episode: Episode, where: str, facts: dict[str, Any] | None, seed: int) -> Record:
    import envs
    from episodes.rollout import Task, rollout

    pictures, commands = episode.decisions
    request = json.loads(facts.get("request", "{}")) if facts else {}
    look: dict[str, Any] = {}
    if facts and "renderer" in facts:
        look["renderer"] = str(facts["renderer"]).split("-")[0]
    if "appearance" in request:
        look["appearance"] = request["appearance"]
    fixed = request.get("fixed", json.loads(facts["variation"]) if facts else {})
    world = envs.make(load(where), image_size=pictures.shape[1:3], **look)
    try:
        return rollout(world, Commands(commands), Task(
            int(facts["seed"]) if facts else seed, episode.instruction or "", fixed, keep_rgb=True,
            most=len(commands)))
    finally:
        world.close()


def _compared(episode: Episode, record: Record, facts: dict[str, Any],
              poses: np.ndarray) -> Replayed:
    pictures, _ = episode.decisions
    count = min(len(poses), len(record.poses))
    away = np.linalg.norm(record.poses[:count, :2] - poses[:count, :2], axis=1)
    seen = record.rgb if record.rgb is not None else np.zeros((0, *pictures.shape[1:]), np.uint8)
    pairs = list(zip(seen, pictures))
    others = [(one, other) for one, other in pairs if not np.array_equal(one, other)]
    apart = [np.abs(one.astype(np.int16) - other).mean() for one, other in others]
    now = load(record.scenario).hash()
    warnings = []
    if facts.get("scenario_hash") != now:
        warnings.append(f"the scenario is {now} now and was {facts.get('scenario_hash')}")
    if facts.get("ended_by") != record.ended_by:
        warnings.append(f"it ended by {facts.get('ended_by')} then, by {record.ended_by} now")
    missing = len(pictures) - len(pairs)
    return Replayed(record, True, "", float(away.max(initial=0.0)), len(others) + missing,
                    float(np.mean(apart or [0.0])), _is_lossy(episode.path) and not missing,
                    tuple(warnings))


def _is_lossy(path: Path) -> bool:
    with guarded(path) as file:
        return JPEG in file


def main(options: Options) -> None:
    """Replay, and leave with 0 where there was nothing to compare, or nothing differs."""
    found = replay(options.file, options.scenario, options.seed)
    record = found.record
    x_m, y_m, _ = record.poses[-1]
    away_m = np.linalg.norm(record.cup[-1] - record.poses[-1, :2])
    print(f"{record.scenario}: {record.decisions} commands, ended by {record.ended_by} at "
          f"x {x_m:.2f} m, y {y_m:.2f} m, {away_m:.2f} m from the cup; touched: "
          f"{', '.join(record.touched) or 'nothing'}.")
    for warning in found.warnings:
        print(f"warning: {warning}.")
    print(_verdict(found))
    sys.exit(0 if found.is_same else DIFFERS)


def _verdict(found: Replayed) -> str:
    """What the comparison says, or why there is none."""
    if not found.stored:
        return found.reason
    places = ("the same places" if found.furthest_m <= ALIKE_M else
              f"places up to {found.furthest_m:.3g} m away")
    pictures = (f"{found.other_pictures} pictures are others, by {found.apart:.2g} grey levels on "
                f"average" if found.other_pictures else "the same pictures")
    if found.is_same:
        return (f"The same places as stored; {pictures}, as JPEG leaves them."
                if found.other_pictures else "The same places and pictures as stored.")
    return f"DIFFERS: {places}, {pictures}."


if __name__ == "__main__":
    run_command(Options, main)
