"""A run that is ready: drive what is missing, episode by episode, and store it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import envs
from envs.interface import RobotSpec
from episodes.rollout import Task, rollout
from eval.config import Config
from eval.openloop import answer
from eval.provenance import told
from eval.results import Run, add_answers, add_record, episode_id
from policies import Policy
from scenarios import Scenario, episode_seed
from scenarios.cli import ROOMS

PURPOSE = "eval"
EPISODES = 10  # per scenario, in the closed loop

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """A run that is ready to drive, or to go on."""

    config: Config
    policy: Policy
    scenarios: list[Scenario]
    robot: RobotSpec
    files: list[Path]  # recorded episodes, for the open loop
    run: Run

    def drive(self) -> Iterator[dict[str, Any]]:
        """Drive what is not driven yet; yields each episode's line as soon as it is stored."""
        with _run_log(self.run.folder / "run.log", self.config.log_level):
            logger.info("%s: policy %s", self.run.folder, self.policy.spec.name)
            for line in self._closed() if self.config.loop == "closed" else self._open():
                logger.info("%s: %s", line["id"], _in_short(line))
                yield line

    def _closed(self) -> Iterator[dict[str, Any]]:
        done = {line["id"] for line in self.run.lines()}
        for number, scenario in enumerate(self.scenarios):
            missing = [index for index in range(self.config.episodes or EPISODES)
                       if episode_id(scenario.name, index) not in done]
            if not missing:
                continue
            with open_world(scenario, self.robot, self.policy) as world:
                for index in missing:
                    yield self._episode(world, scenario, number, index)

    def _episode(self, world: Any, scenario: Scenario, number: int, index: int) -> dict[str, Any]:
        """Drive, film and store one episode; its line comes last."""
        filmed = index * len(self.scenarios) + number < self.config.videos
        task = task_of(self.config, scenario, index, keep_rgb=filmed)
        start = time.perf_counter()
        record = rollout(world, self.policy, task)
        wall_s = time.perf_counter() - start
        if filmed:
            from eval.pictures import film

            film(record, self.run.videos / episode_id(scenario.name, index))
        return add_record(self.run, index, record, wall_s)

    def _open(self) -> Iterator[dict[str, Any]]:
        from episodes.hdf5 import read_episode

        done = {line["id"] for line in self.run.lines()}
        for path in self.files:
            if path.stem not in done:
                episode = read_episode(path)
                words = _words(self.config, episode.instruction or "")
                answers = answer(self.policy, episode, words, self.config.seed, self.robot)
                yield add_answers(self.run, self.policy.spec.name, answers)


def _in_short(line: dict[str, Any]) -> str:
    """One line of episodes.jsonl in a few words."""
    if line["error"]:
        return f"error of the policy: {line['error']}"
    if "ended_by" in line:
        return f"{'success' if line['success'] else 'failed'} ({line['ended_by']})"
    mae = line["metrics"].get("mae", float("nan"))
    return f"MAE {mae:.4f} over {line['decisions']} decisions"


def task_of(config: Config, scenario: Scenario, index: int, keep_rgb: bool = False) -> Task:
    """Episode `index` of a scenario: seed, words and all."""
    seed = episode_seed(PURPOSE, config.seed, scenario.layout_group, index)
    words = _words(config, scenario.instructions.english)
    return Task(seed, words, execute=config.execute, keep_rgb=keep_rgb)


def _words(config: Config, default: str) -> str:
    """What the policy is told."""
    return {"default": default, "none": "", "own_words": config.instruction}[
        told(config.instruction)]


@contextlib.contextmanager
def open_world(scenario: Scenario, robot: RobotSpec, policy: Policy) -> Iterator[Any]:
    """A world with the pictures that the policy wants, closed afterwards."""
    world = envs.make(scenario, robot, image_size=policy.spec.image_size)
    try:
        yield world
    finally:
        world.close()


@contextlib.contextmanager
def _run_log(path: Path, level: str) -> Iterator[None]:
    """What our rooms log goes to the run's own file too."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(room) for room in ROOMS]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(level.upper())
        each.addHandler(handler)
    try:
        yield
    finally:
        for each, was in zip(loggers, before):
            each.setLevel(was)
            each.removeHandler(handler)
        handler.close()
