"""Makes episode files: what every process and every machine does for `episodes.generate`.

A file is there whole or not at all, and the same whoever makes it: making one again is harmless.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import envs
import policies
from envs.appearance import load_profile
from envs.camera import camera_version
from envs.task import side_followed
from episodes.drive import Listed
from episodes.engine import Source
from episodes.guard import attributes, guarded
from episodes.hdf5_writer import LAB_DECISIONS, name_of, write_episode
from episodes.names import EpisodeName, simulated_start
from episodes.out_folder import check_shared
from episodes.record import Record
from episodes.rollout import Task, rollout
from episodes.shards import HANG_S
from scenarios import Scenario, episode_seed, load

PURPOSE = "train"
INSTRUCTION_STREAM = 2  # keeps the choice of words apart from the layout's chance and the policy's
START = str(EpisodeName(simulated_start(0)))  # as long as every file's date and time
ATTEMPTS = 50
ATTEMPT_STRIDE = 1_000_000  # attempt k of episode i has index i + k * stride: no two ever meet

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Slot:
    """One episode to make."""

    number: int  # within the whole run; stands in the file's name as seconds since 2000-01-01
    scenario: str  # name or TOML file
    index: int  # within its scenario; the seed follows from it
    fixed: dict[str, str]  # pinned factors: distance, bias, pattern

    @property
    def key(self) -> str:
        """Names it within its run."""
        return f"{Path(self.scenario).stem}_{self.index:03d}"


@dataclass(frozen=True)
class Recipe:
    """What all episodes of a run share."""

    folder: Path
    profile: str  # lab | full
    image_size: tuple[int, int]  # height, width
    policy: str
    seed: int  # the root
    instructions: str  # default | all
    world: dict[str, Any]  # options of `envs.make`: renderer, appearance
    storage: str | None = None  # how pictures are packed; None: as the profile wants it
    token: str = ""  # a file in the folder, by which another machine knows that it is shared
    places: int = field(default=1, init=False)  # what an engine asks for
    processes: int = field(default=0, init=False)
    gpus: int = field(default=0, init=False)
    one_thread: bool = field(default=True, init=False)
    hang_s: float = HANG_S

    def open(self) -> Worlds:
        """What makes them; nothing is loaded yet."""
        return Worlds(self)


@dataclass(frozen=True)
class Outcome:
    """One episode as it lies in the folder."""

    key: str  # of its slot
    path: Path
    scenario: str
    variation: dict[str, str]
    refused: dict[str, int]  # attempts that were driven and not kept, by reason
    found: bool  # it was there already


@dataclass(frozen=True)
class Failed:
    """One episode that cannot be made, and the sentence that says why."""

    key: str  # of its slot
    error: ValueError | OSError


@dataclass(frozen=True)
class Tried:
    """What an engine wants to know of a rehearsal."""

    round_s: float = field(compare=False)  # how long one look into each world took


class Worlds:
    """A `Shard`: worlds by scenario, opened when first needed, and who drives in them."""

    width = 1  # all in this process

    def __init__(self, recipe: Recipe) -> None:
        """Nothing is loaded yet."""
        self._recipe = recipe
        self._robot = asdict(envs.load_robot())
        self._scenarios: dict[str, tuple[Scenario, str]] = {}  # each with its hash
        self._open: dict[str, Any] = {}
        self._there: dict[str, list[Path]] = {}  # files by the date and time in their names

    def load(self) -> None:
        """Load the policy.

        Raises:
            ValueError: one sentence, if there is no such policy or profile.
        """
        self._policy = policies.make(self._recipe.policy)
        self._look = load_profile(self._recipe.world["appearance"]).hash()

    def rehearse(self, jobs: list[Slot]) -> Tried:
        """Load, see which files are there, and look once into the world of each slot."""
        self.load()
        check_shared(self._recipe.folder, self._recipe.token)
        for path in sorted(self._recipe.folder.glob("episode_*.h5")):
            self._there.setdefault(path.name[:len(START)], []).append(path)
        for slot in jobs:
            self._world(slot, load(slot.scenario)).reset(seed=0)  # what is slow once is done now
        start = time.perf_counter()
        for slot in jobs:
            self._world(slot, load(slot.scenario)).reset(seed=0)
        return Tried(time.perf_counter() - start)

    def drive(self, jobs: list[Slot] | Source[Slot],
              beat: Callable[[], None] = lambda: None) -> Iterator[Outcome | Failed]:
        """Make the file of every slot of a list or a source; yields each as it is there."""
        source = Listed(jobs) if isinstance(jobs, list) else jobs
        while (slot := source.take(wait=True)) is not None:
            try:
                made: Outcome | Failed = self.make(slot, beat)
            except (ValueError, OSError) as error:
                made = Failed(slot.key, error)
            yield made

    def close(self) -> None:
        """Close every world."""
        for world in self._open.values():
            world.close()
        self._open.clear()

    def make(self, slot: Slot, beat: Callable[[], None] = lambda: None) -> Outcome:
        """One episode's file: the one that is there, or a new one of the first success.

        Raises:
            ValueError: if another run's file is in the way, or no attempt succeeds.
        """
        if slot.scenario not in self._scenarios:
            scenario = load(slot.scenario)
            self._scenarios[slot.scenario] = scenario, scenario.hash()
        scenario, scenario_hash = self._scenarios[slot.scenario]
        request = json.dumps(self._request(slot, scenario_hash), sort_keys=True)
        found = self._found(slot, scenario, request)
        if found is not None:
            return found
        refused: Counter[str] = Counter()
        for attempt in range(ATTEMPTS):
            record = self._drive(slot, scenario, slot.index + attempt * ATTEMPT_STRIDE, beat)
            reason = _refused(record, self._recipe.profile)
            if reason is None:
                return self._write(slot, record, request, dict(refused))
            refused[reason] += 1
            logger.debug("%s %d: attempt %d %s", scenario.name, slot.index, attempt, reason)
        raise ValueError(f"{scenario.name}: {self._recipe.policy} made no episode to keep in "
                         f"{ATTEMPTS} attempts ({_said(refused)}); use a policy that succeeds.")

    def _drive(self, slot: Slot, scenario: Scenario, index: int,
               beat: Callable[[], None]) -> Record:
        seed = episode_seed(PURPOSE, self._recipe.seed, scenario.layout_group, index)
        wordings = scenario.instructions.all()
        if self._recipe.instructions == "default":
            wordings = wordings[:1]
        rng = np.random.default_rng([seed, INSTRUCTION_STREAM])
        instruction = wordings[rng.integers(len(wordings))]
        return rollout(self._world(slot, scenario), self._policy,
                       Task(seed, instruction, slot.fixed, keep_rgb=True), beat)

    def _world(self, slot: Slot, scenario: Scenario) -> Any:
        if slot.scenario not in self._open:
            self._open[slot.scenario] = envs.make(
                scenario, image_size=self._recipe.image_size, **self._recipe.world)
        return self._open[slot.scenario]

    def _write(self, slot: Slot, record: Record, request: str, refused: dict[str, int]) -> Outcome:
        name = name_of(record, simulated_start(slot.number))
        world = self._open[slot.scenario].unwrapped
        facts = {"purpose": PURPOSE, "seed_root": self._recipe.seed, "success": True,
                 "renderer": world.renderer, "look": self._look, "robot": world.robot.name,
                 "refused": json.dumps(refused, sort_keys=True), "request": request}
        path = write_episode(self._recipe.folder / f"{name}.h5", record, self._recipe.profile,
                             facts=facts, storage=self._recipe.storage)
        return Outcome(slot.key, path, record.scenario, record.variation, refused, found=False)

    def _request(self, slot: Slot, scenario_hash: str) -> dict[str, Any]:
        """All that decides the file's content, but for the versions of code and libraries."""
        recipe = self._recipe
        return {"scenario_hash": scenario_hash, "index": slot.index, "fixed": slot.fixed,
                "profile": recipe.profile, "storage": recipe.storage,
                "image_size": recipe.image_size, "seed": recipe.seed, "policy": recipe.policy,
                "instructions": recipe.instructions, "robot": self._robot, **recipe.world,
                "look": self._look, "camera": camera_version(recipe.world["renderer"])}

    def _found(self, slot: Slot, scenario: Scenario, request: str) -> Outcome | None:
        """The file of an earlier run of the same request, or None; a damaged one is made again."""
        start = str(EpisodeName(simulated_start(slot.number)))
        for path in self._there.get(start, []):
            try:
                with guarded(path) as file:
                    facts = attributes(file["sim"]) if "sim" in file else {}
            except ValueError as error:
                logger.warning("%s It is made again.", error)
                path.unlink()
                continue
            if facts.get("request") != request:
                raise ValueError(f"{path}: is in the way and was made with another seed, scenario "
                                 f"or options; choose an empty folder or the same options.")
            return Outcome(slot.key, path, scenario.name, json.loads(facts["variation"]),
                           json.loads(facts["refused"]), found=True)
        return None


def _refused(record: Record, profile: str) -> str | None:
    """Why an episode is not kept, or None."""
    if record.ended_by != "goal":
        return f"ended by {record.ended_by}"
    if side_followed(record.path, record.boxes[-1]) != record.pass_side:
        return "wrong side"
    if profile == "lab" and record.decisions > LAB_DECISIONS:
        return f"over {LAB_DECISIONS} decisions"
    return None


def _said(refused: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(refused.items()))
