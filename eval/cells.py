"""The runs behind a leaderboard: one a policy, training seed and loop, each kept by its content.

A cell's folder is named after what decides its numbers. A finished run is read again, one that was
killed goes on, and other weights, scenarios or files make another cell.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envs import load_robot
from envs.appearance import load_profile
from envs.camera import camera_version
from episodes.hdf5 import find_episodes, read_episode
from eval.config import Config as RunConfig
from eval.entrants import OWN, Entrant, Weights
from eval.results import Run
from policies.interface import LABEL, TRUTH
from scenarios import select

CLOSED, OPEN, LABORATORY = "closed", "open", "laboratory"
RUNS = "runs"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cell:
    """One run that is wanted: whose, and what `eval.run` is asked for."""

    entrant: str
    seed: int  # of the training
    loop: str  # closed, open or laboratory
    options: dict[str, Any]  # of eval.run
    identity: str  # hex digits of everything that decides its numbers

    @property
    def name(self) -> str:
        """Of its folder."""
        stem = f"{self.entrant}_seed_{self.seed}_{self.loop}_{self.identity}"
        return re.sub("[^A-Za-z0-9._-]+", "-", stem)

    @property
    def title(self) -> str:
        """For a person."""
        return f"{self.entrant}, seed {self.seed}, {self.loop}"


@dataclass(frozen=True)
class Recorded:
    """Recorded episodes to compare with, each read once."""

    folder: Path
    hashes: dict[str, str]  # sha256 by file name
    sources: dict[str, int]  # how many files are real, simulated, dummy
    seed_roots: frozenset[int]  # of the train seeds that simulated ones were generated from
    has_labels: bool  # whether all say scenario and distance


def recorded(folder: Path) -> Recorded:
    """What lies in a folder of episodes.

    Raises:
        ValueError: if there is none, or one is damaged.
    """
    hashes: dict[str, str] = {}
    sources: dict[str, int] = {}
    roots: set[int] = set()
    has_labels = True
    for path in find_episodes(folder):
        episode = read_episode(path)
        hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        sources[episode.source] = sources.get(episode.source, 0) + 1
        if episode.seed_root is not None:
            roots.add(episode.seed_root)
        has_labels &= None not in (episode.scenario, episode.distance)
    return Recorded(folder, hashes, sources, frozenset(roots), has_labels)


def closed_cell(entrant: Entrant, weights: Weights, options: dict[str, Any]) -> Cell:
    """Driving; `options` are those of eval.run beyond the policy."""
    chosen = select(options["scenario"])
    decides = {"scenarios": {each.name: each.hash() for each in chosen},
               "appearance": load_profile(options["appearance"]).hash(),
               "camera": camera_version("fast"), "batch": RunConfig.batch,
               **{name: options.get(name) for name in ("episodes", "seed", "device")}}
    return _cell(entrant, weights, CLOSED, options | {"videos": 0}, decides)


def open_cell(entrant: Entrant, weights: Weights, files: Recorded,
              options: dict[str, Any], loop: str = OPEN) -> Cell | None:
    """One-step errors on recorded episodes; None where these files cannot feed the policy."""
    if TRUTH in entrant.needs or (LABEL in entrant.needs and not files.has_labels):
        return None
    decides = {"files": files.hashes, "instruction": options.get("instruction", "default"),
               "seed": options["seed"], "device": options.get("device")}
    asked = options | {"loop": "open", "data": str(files.folder), "workers": None}
    return _cell(entrant, weights, loop, asked, decides)


def find_run(cell: Cell, folder: Path) -> Run | None:
    """The cell's run in the leaderboard's folder, finished or not."""
    begun = sorted((folder / RUNS / cell.name).glob("*/run.json"))
    return Run(begun[-1].parent) if begun else None


def is_finished(run: Run) -> bool:
    """Whether every episode has its line and the summary is written."""
    has_summary = (run.folder / "summary.json").is_file()
    return has_summary and len(run.lines()) >= run.facts["planned"]


def drive(cell: Cell, folder: Path) -> Run:
    """The cell's finished run: kept, resumed, or driven anew.

    Raises:
        ValueError: for anything that keeps the run from starting.
    """
    from eval.run import run

    begun = find_run(cell, folder)
    if begun is not None and is_finished(begun):
        return begun
    with quietly():
        if begun is not None and _asks_the_same(begun, cell):
            return Run(run(resume=str(begun.folder), workers=cell.options["workers"]).folder)
        return Run(run(**cell.options, out=str(folder / RUNS / cell.name)).folder)


def _cell(entrant: Entrant, weights: Weights, loop: str, options: dict[str, Any],
          decides: dict[str, Any]) -> Cell:
    whose: dict[str, Any] = {"policy": entrant.policy}
    if entrant.kind != OWN and weights.folder is not None:
        whose["checkpoint"] = str(weights.folder)
    elif entrant.kind != OWN and weights.is_random:
        whose["random_weights"] = True
    robot = dataclasses.asdict(load_robot())
    said = json.dumps([entrant.name, weights.seed, weights.identity, loop, robot, decides],
                      sort_keys=True)
    return Cell(entrant.name, weights.seed, loop, options | whose,
                hashlib.sha256(said.encode()).hexdigest()[:12])


def _asks_the_same(begun: Run, cell: Cell) -> bool:
    """Whether a run can go on: the same content may lie elsewhere by now."""
    stored = begun.facts["config"]
    return all(stored.get(name) == cell.options.get(name) for name in ("checkpoint", "data"))


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """What a run says of each episode stays in its own log; warnings are heard.

    But for how to go on with that run alone: the command that drives several does.
    """
    def is_loud(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING and record.name != "eval.run"

    handlers = logging.getLogger().handlers
    for handler in handlers:
        handler.addFilter(is_loud)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_loud)
