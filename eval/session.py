"""A run that is ready: drive what is missing, episode by episode, and store it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from envs.interface import RobotSpec
from episodes.clock import Latency
from episodes.drive import Driven, Job
from episodes.engine import Engine, LostRunError
from episodes.rollout import Task
from eval.config import Config
from eval.latencies import parse
from eval.openloop import answer
from eval.provenance import told
from eval.results import Run, add_answers, add_record, episode_id, index_of
from eval.timing import Spent
from eval.words import is_wording, wording
from policies import Policy
from policies.threads import computing_for
from scenarios import Scenario, episode_seed
from scenarios.cli import ROOMS

PURPOSE = "eval"
EPISODES = 10  # per scenario, in the closed loop
MOST_WAITING = 8  # driven episodes that wait to be filmed and stored: then driving waits for them

logger = logging.getLogger(__name__)


class Loop(Protocol):
    """How the missing episodes of a run come to be."""

    spent: Spent

    def lines(self, run: Run, config: Config) -> Iterator[dict[str, Any]]:
        """Each missing episode's line, as soon as it is stored."""

    def settle(self, run: Run, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The lines that count, when all is driven."""


@dataclass(frozen=True)
class Session:
    """A run that is ready to drive, or to go on."""

    config: Config
    run: Run
    loop: Loop
    # Keeps others out of the run's folder until it is driven:
    hold: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def drive(self) -> Iterator[dict[str, Any]]:
        """Drive what is not driven yet; yields each episode's line as soon as it is stored."""
        with self.hold, _run_log(self.run.folder / "run.log", self.config.log_level):
            logger.info("%s: policy %s", self.run.folder, self.run.facts["policy"]["name"])
            start = time.perf_counter()
            for line in self.loop.lines(self.run, self.config):
                logger.info("%s: %s", line["id"], _in_short(line))
                yield line
            self.loop.spent.drive_s = time.perf_counter() - start


class Closed:
    """Drive: jobs go to an engine, records come back in any order."""

    def __init__(self, engine: Engine, jobs: list[Job], start_s: float) -> None:
        """An engine that has rehearsed, and what is missing."""
        self._engine, self._jobs = engine, {job.key: job for job in jobs}
        self.spent = Spent(start_s=start_s, workers=engine.width)

    def lines(self, run: Run, config: Config) -> Generator[dict[str, Any], None, None]:
        """Drive every job; each is filmed and stored beside the driving, where others drive."""
        with contextlib.ExitStack() as stack:
            stack.callback(self._engine.close)
            keeper = ThreadPoolExecutor(1)
            stack.callback(keeper.shutdown, cancel_futures=True)  # those are driven again
            kept: deque[Future[dict[str, Any]]] = deque()
            try:
                for driven in self._engine.drive(list(self._jobs.values())):
                    self.spent.add(driven)
                    kept.append(keeper.submit(self._store, run, driven))
                    while kept and (kept[0].done() or config.workers == 0
                                    or len(kept) > MOST_WAITING):
                        yield kept.popleft().result()
            except LostRunError:  # what was driven until then is kept
                yield from (each.result() for each in kept)
                raise
            while kept:
                yield kept.popleft().result()
            if config.engine != "local":
                self.spent.workers = self.spent.cores = self._engine.width

    def settle(self, run: Run, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """All of them count."""
        return lines

    def _store(self, run: Run, driven: Driven) -> dict[str, Any]:
        """Film it if it has pictures; its line comes last, so that a line is a whole episode."""
        if driven.renderer != run.facts["renderer"]:
            raise RuntimeError(f"{driven.key}: was drawn by {driven.renderer}, this run's pictures "
                               f"are of {run.facts['renderer']}; results of two renderers never "
                               f"mix.")
        if driven.record.rgb is not None:
            from eval.pictures import film

            film(driven.record, run.videos / driven.key)
        spent = {"environment_s": driven.environment_s, "inference_s": driven.inference_s}
        return add_record(run, index_of(driven.key), driven.record, spent)


class Open:
    """Compare: one recorded episode after the other, in this process."""

    def __init__(self, policy: Policy, robot: RobotSpec, files: list[Path],
                 start_s: float) -> None:
        """A policy that is loaded, and all files of the run."""
        self._policy, self._robot, self._files = policy, robot, files
        self.spent = Spent(start_s=start_s, workers=1)

    def lines(self, run: Run, config: Config) -> Iterator[dict[str, Any]]:
        """Ask about every file that has no line yet."""
        from episodes.hdf5 import read_episode

        done = {line["id"] for line in run.lines()}
        for path in self._files:
            if path.stem not in done:
                episode = read_episode(path)
                words = _words(config, episode.instruction or "")
                with computing_for(config):
                    answers = answer(self._policy, episode, words, config.seed, self._robot)
                self.spent.episodes += 1
                self.spent.inference_s += float(answers.latency_s.sum())
                yield add_answers(run, self._policy.spec.name, answers)

    def settle(self, run: Run, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """All of them count."""
        return lines


def _in_short(line: dict[str, Any]) -> str:
    """One line of episodes.jsonl in a few words."""
    if line["error"]:
        return f"error of the policy: {line['error']}"
    if "ended_by" in line:
        return f"{'success' if line['success'] else 'failed'} ({line['ended_by']})"
    mae = line["metrics"].get("mae", float("nan"))
    return f"MAE {mae:.4f} over {line['decisions']} decisions"


def jobs_of(config: Config, scenarios: list[Scenario]) -> list[Job]:
    """Every episode of a run, in its order; the first of each scenario are filmed in turn."""
    latency = None if config.latency is None else parse(config.latency, config.hold)
    return [Job(episode_id(scenario.name, index), scenario,
                _task(config, scenario, index, index * len(scenarios) + number < config.videos,
                      latency))
            for number, scenario in enumerate(scenarios)
            for index in range(config.episodes or EPISODES)]


def _task(config: Config, scenario: Scenario, index: int, keep_rgb: bool,
          latency: Latency | None) -> Task:
    """Episode `index` of a scenario: seed, words and all."""
    seed = episode_seed(PURPOSE, config.seed, scenario.layout_group, index)
    words = (wording(config.instruction, scenario, index) if is_wording(config.instruction)
             else _words(config, scenario.instructions.english))
    return Task(seed, words, execute=config.execute, keep_rgb=keep_rgb, latency=latency)


def _words(config: Config, default: str) -> str:
    """What the policy is told."""
    return {"default": default, "none": "", "own_words": config.instruction}[
        told(config.instruction)]


@contextlib.contextmanager
def _run_log(path: Path, level: str) -> Iterator[None]:
    """What our rooms log goes to the run's own file too."""
    handler = _LogFile(path, encoding="utf-8")
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
        with contextlib.suppress(OSError):  # what it still holds does not fit on the disk
            handler.close()


class _LogFile(logging.FileHandler):
    """A log that says nothing of a full disk: whoever writes results there says it once."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's own name)
        """Leave the line out."""
