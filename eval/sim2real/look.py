"""Reads both sides and puts numbers beside each other: what the suite sim2real finds."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from envs.interface import RobotSpec
from episodes.hdf5 import Episode, find_episodes, read_episode
from eval.paired import pooled
from eval.sim2real.contents import apart, contents
from eval.sim2real.exposure import exposure, simulated_starts
from eval.sim2real.fit import Fit, fit
from eval.sim2real.geometry import Guess
from eval.sim2real.profiles import fitted_robot
from eval.sim2real.tracks import Track, seen, track
from eval.statistics import Mean
from scenarios import load

MOST_STARTS = 24  # pictures by which brightness is compared

logger = logging.getLogger(__name__)


@dataclass
class Side:
    """What was read of a folder, file by file; pictures are kept of the first episodes only."""

    sources: dict[str, int] = field(default_factory=dict)  # real, simulated, dummy
    numbers: list[dict[str, float]] = field(default_factory=list)
    tracks: list[Track] = field(default_factory=list)
    starts: list[np.ndarray] = field(default_factory=list, repr=False)
    start_of: list[tuple[str, str | None]] = field(default_factory=list)  # scenario, distance

    @property
    def source(self) -> str:
        """What all of it is, or a list of what it is of."""
        return ", ".join(f"{count} {name}" for name, count in sorted(self.sources.items()))


@dataclass(frozen=True)
class Found:
    """Everything that is told of two sides."""

    recorded: Side
    simulated: Side
    apart: dict[str, tuple[float, float, float | None]]
    fit: Fit | None
    no_fit: str  # why there is none
    exposure: tuple[float, float] | None
    robot: RobotSpec  # with what was told
    errors: dict[str, dict[str, Mean]]  # by folder's side and source: one-step MAE


def compared(recorded: Side, simulated: Side, robot: RobotSpec,
             errors: dict[str, dict[str, Mean]]) -> Found:
    """Fit, and put both sides beside each other."""
    found, why = None, ""
    cup = load(recorded.start_of[0][0]).cup if recorded.start_of else load("1box_vert_left").cup
    camera = robot.camera
    begin = Guess(math.tan(camera.horizontal_fov_rad / 2), camera.height_m, camera.tilt_rad,
                  robot.step_m, 0.0)
    try:
        found = fit(recorded.tracks, begin, camera.aspect, (cup.diameter_m, cup.height_m))
    except ValueError as error:
        why = str(error)
    fitted = fitted_robot(robot, found)
    bright = None
    if recorded.starts:
        size = (126, 224)  # of the simulated pictures; quantiles do not depend on it
        bright = exposure(recorded.starts, simulated_starts(recorded.start_of, fitted, size))
    return Found(recorded, simulated, apart(recorded.numbers, simulated.numbers), found, why,
                 bright, fitted, errors)


def one_step_errors(policy: str, folders: dict[str, Path], out: Path,
                    ) -> dict[str, dict[str, Mean]]:
    """The policy's mean absolute error by side and source, with a bootstrap over episodes."""
    from eval.results import Run
    from eval.run import run

    found = {}
    for side, folder in folders.items():
        lines = Run(run(policy=policy, loop="open", data=str(folder), out=str(out)).folder).lines()
        sound = [line for line in lines if line["metrics"]]
        found[side] = {source: pooled([(line["metrics"]["mae"], line["decisions"])
                                       for line in sound if line["source"] == source])
                       for source in sorted({line["source"] for line in sound})}
    return found


def read(folder: Path, robot: RobotSpec, *, with_tracks: bool) -> Side:
    """Read a folder of episodes.

    Args:
        folder: With files episode_*.h5.
        robot: Says which way commands drive.
        with_tracks: Whether the cup is looked for.

    Raises:
        ValueError: for a folder without episodes, damaged files, or an episode without decisions.
    """
    side = Side()
    for episode in _episodes(folder):
        side.sources[episode.source] = side.sources.get(episode.source, 0) + 1
        side.numbers.append(contents(episode))
        if with_tracks:
            side.tracks.append(track(episode, robot))
        if episode.scenario is not None and len(side.starts) < MOST_STARTS:
            step = max(1, episode.images.shape[1] // 180)
            side.starts.append(episode.decisions[0][0][::step, ::step].copy())
            side.start_of.append((episode.scenario, episode.distance))
    if with_tracks:
        logger.info("%s: the cup was seen in %d of %d pictures.", folder, *seen(side.tracks))
    return side


def _episodes(folder: Path) -> Iterator[Episode]:
    for path in find_episodes(folder):
        episode = read_episode(path)
        if not len(episode.decisions[0]):
            raise ValueError(f"{path}: holds no decision; take it out of the folder.")
        yield episode
