"""Why did an episode fail? It is driven again with one thing repaired; what rescues it is named.

The episode follows its own commands to a moment and goes on from there. Nothing else than the one
repair is changed. The control is a branch with nothing repaired: asked alone, a policy answers a
rounding error otherwise than in a batch, and where that wins, no repair may take the credit.
Repairs are diagnosis: most of them use the truth, which no policy is ever told.

They are tried from the narrowest to the widest, for the widest would hide the others.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import envs
from envs.interface import Observation
from episodes.clock import Latency
from episodes.record import Record
from episodes.rollout import Task, rollout
from eval import metrics
from eval.branch import Branch, commands_until, robot_options
from eval.capsule import Capsule
from policies.expert import Expert
from policies.interface import TRUTH, Action, Policy, PolicySpec
from policies.mirrored import OtherSide
from scenarios.schema import SIDES

NOMINAL = "nominal"
UNKNOWN = "none found"
NOT_REPEATABLE = "not repeatable"  # it is won with nothing repaired
NOTHING = "nothing"  # what the control repairs
SUCCESS = "success"
DECIDES = "decisions"  # only another driver rescues it


@dataclass(frozen=True)
class Repair:
    """How an episode goes on: everything as it was, but for one thing."""

    after: Policy
    words: str
    latency: Latency | None = None  # where a virtual clock runs
    appearance: str | None = None  # None: the episode's own
    dynamics: str | None = None  # the same


class Sighted(Policy):
    """The expert on a side that somebody else chose: perfect eyes, somebody else's understanding.

    Privileged: it plans from the truth.
    """

    def __init__(self, side: str) -> None:
        """`side`: left or right, whatever the scenario wants."""
        self.spec = PolicySpec("expert's eyes", needs=frozenset({TRUTH}))
        self._expert, self._side = Expert(), side

    def begin(self, instruction: str, seed: int) -> Any:
        """As the expert."""
        return self._expert.begin(instruction, seed)

    def act(self, memories: Sequence[Any], observations: Sequence[Observation]) -> list[Action]:
        """The planner's command on that side."""
        for memory in memories:
            memory.truth = dataclasses.replace(memory.truth, pass_side=self._side)
        return self._expert.act(memories, observations)


class Patient:
    """One failed episode, the worlds to drive it in again, and who drove it."""

    def __init__(self, capsule: Capsule, failed: Record, policy: Policy, at_s: float = 0.0) -> None:
        """Go on from `at_s` seconds of the world's clock.

        Raises:
            ValueError: if the moment is not within the episode.
        """
        self.capsule, self.failed, self._policy = capsule, failed, policy
        commands = np.array(capsule.content["commands"], np.float32).reshape(-1, 3)
        self._commands = commands
        self._followed = len(commands_until(commands, at_s, failed.rules["decision_s"]))

    @cached_property
    def side(self) -> str:
        """Which side it took, or where it stood of the boxes when it ended."""
        followed = metrics.side_followed(self.failed)
        if followed in SIDES:
            return str(followed)
        return "left" if self.failed.poses[-1][1] > self.failed.boxes[-1][:, 1].mean() else "right"

    @property
    def is_wrong_side(self) -> bool:
        """Whether that is not the commanded one."""
        return self.side != self.failed.pass_side

    def as_it_was(self) -> Repair:
        """Nothing repaired."""
        return Repair(self._policy, self.failed.instruction, self.capsule.latency)

    def latency(self) -> Repair | None:
        """Answers take no time from the moment on."""
        late = self.capsule.latency
        if late is None:
            return None
        return dataclasses.replace(
            self.as_it_was(), latency=dataclasses.replace(late, until=self._followed))

    def appearance(self) -> Repair | None:
        """Everything looks nominal, from the start."""
        if self.capsule.config["appearance"] == NOMINAL:
            return None
        return dataclasses.replace(self.as_it_was(), appearance=NOMINAL)

    def dynamics(self) -> Repair | None:
        """The drive does what it is told, from the start; so it may be elsewhere at the moment."""
        if self.capsule.config.get("dynamics", NOMINAL) == NOMINAL:
            return None
        return dataclasses.replace(self.as_it_was(), dynamics=NOMINAL)

    def language(self) -> Repair | None:
        """The words that it was to follow; where it was told them, the side that they name.

        Where the words were plain and the way was on the other side, its mirror image drives, told
        the mirrored words: it drives as well as before, and takes the other side.
        """
        plain = self.capsule.scenario().instructions.english
        if self.failed.instruction != plain:
            return dataclasses.replace(self.as_it_was(), words=plain)
        if not self.is_wrong_side:
            return None
        return dataclasses.replace(self.as_it_was(), after=OtherSide([self._policy]),
                                   words=plain)

    def perception(self) -> Repair | None:
        """The expert's eyes and hands on the side that the policy took."""
        if self.is_wrong_side:
            return None
        return dataclasses.replace(self.as_it_was(), after=Sighted(self.side))

    def decisions(self) -> Repair:
        """The expert takes over."""
        return dataclasses.replace(self.as_it_was(), after=Expert())

    def drive(self, repair: Repair, followed: int | None = None, *,
              pictures: bool = False) -> Record:
        """Follow the commands of so many decisions, then go on so."""
        known = self._commands[:self._followed if followed is None else followed]
        execute = self.capsule.config["execute"]
        task = Task(self.failed.seed, repair.words, execute=execute, keep_rgb=pictures,
                    latency=repair.latency)
        driver = Branch(known, repair.after, execute, self.capsule.content.get("plans"))
        world = self._world(repair)
        try:
            return rollout(world, driver, task)
        finally:
            world.close()

    def last_chance(self) -> int | None:
        """The last decision at which the expert could still win; None where it never could."""
        for followed in range(len(self._commands), -1, -1):
            if metrics.success(self.drive(self.decisions(), followed)):
                return followed
        return None

    def _world(self, repair: Repair) -> Any:
        options = robot_options(self.capsule.content)
        options |= {name: value for name in ("appearance", "dynamics")
                    if (value := getattr(repair, name)) is not None}
        return envs.make(self.capsule.scenario(), image_size=repair.after.spec.image_size,
                         **options)


REPAIRS: dict[str, tuple[str, Callable[[Patient], Repair | None]]] = {  # the narrowest first
    "latency": ("answers take no time", Patient.latency),
    "appearance": ("everything looks nominal", Patient.appearance),
    "dynamics": ("the drive does what it is told", Patient.dynamics),
    "language": ("told the plain words, or the side that they name", Patient.language),
    "perception": ("the expert's eyes, on the side that the policy took", Patient.perception),
    DECIDES: ("the expert takes over", Patient.decisions),
}


@dataclass(frozen=True)
class Diagnosis:
    """What was tried on one episode, and what it showed."""

    cause: str  # the first repair that rescued it; `none found`, or `not repeatable`
    tried: dict[str, str]  # repair, `nothing` first -> how the episode ended: success, or why not
    last_chance_s: float | None  # until then the expert could still have won
    rescued: Record | None  # with the cause repaired

    def as_json(self) -> dict[str, Any]:
        """Everything but the record."""
        return {"cause": self.cause, "tried": self.tried, "last_chance_s": self.last_chance_s}


def diagnose(patient: Patient, *, pictures: bool = False, chance: bool = True) -> Diagnosis:
    """Drive it with nothing repaired, and where that fails again, try every repair that applies.

    Args:
        patient: A failed episode.
        pictures: Whether to keep what the robot saw in the rescued episode.
        chance: Whether to look for the last moment at which the expert could still win.
    """
    control = _ended(patient.drive(patient.as_it_was()))
    if control == SUCCESS:
        return Diagnosis(NOT_REPEATABLE, {NOTHING: control}, None, None)
    cause, rescued, tried = UNKNOWN, None, {NOTHING: control}
    for name, (_, repair) in REPAIRS.items():
        wanted = repair(patient)
        if wanted is None:
            continue
        record = patient.drive(wanted, pictures=pictures and rescued is None)
        tried[name] = _ended(record)
        if tried[name] == SUCCESS and rescued is None:
            cause, rescued = name, record
    last = patient.last_chance() if chance else None
    return Diagnosis(cause, tried, None if last is None else round(
        last * patient.failed.rules["decision_s"], 6), rescued)


def _ended(record: Record) -> str:
    return SUCCESS if metrics.success(record) else record.ended_by
