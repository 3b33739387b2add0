"""The one loop: `steps`. Generating, evaluating, DAgger and the robot all drive through it.

`rollout` drives one episode; `episodes.drive` lets many share one policy.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.interface import Observation, Truth
from episodes.clock import Latency, clock_of
from episodes.record import Record
from policies.interface import (
    LABEL,
    TRUTH,
    Action,
    ActionError,
    Memory,
    Policy,
    checked_actions,
)

POLICY_STREAM = 1  # keeps a policy's chance apart from the layout's
CONFIDENCE_THRESHOLD = 0.3  # of an action: with less the robot stands still; the laboratory's


@dataclass(frozen=True)
class Task:
    """One episode to drive."""

    seed: int
    instruction: str
    fixed: dict[str, str] = field(default_factory=dict)  # pinned factors: distance, bias, pattern
    execute: int = 1  # rows of a plan driven before asking again
    keep_rgb: bool = False
    most: int | None = None  # decisions, where fewer than the world's time limit are wanted
    confidence_threshold: float = CONFIDENCE_THRESHOLD  # 0 drives whatever the policy is unsure of
    latency: Latency | None = None  # the world goes on while the policy thinks; None: it waits


class CutShortError(Exception):
    """Thrown into `steps`: the episode ends here, and its record is returned as it is."""


class _Log:
    """What one episode leaves, collected decision by decision."""

    def __init__(self, observation: Observation, info: dict[str, Any], keep_rgb: bool) -> None:
        self._keep_rgb = keep_rgb
        self.truths: list[Truth] = []
        self.velocity: list[np.ndarray] = []
        self.clearance: list[float] = []
        self.rgb: list[np.ndarray] = []
        self.asked: list[np.ndarray] = []
        self.sent: list[np.ndarray] = []
        self.latency: list[float] = []
        self.confidence: list[float | None] = []
        self.aside: list[Mapping[str, np.ndarray]] = []  # what other policies would have done
        self.late_s: list[float] = []
        self.look(observation, info)

    def look(self, observation: Observation, info: dict[str, Any]) -> None:
        for seen in (observation["rgb"], observation["velocity"]):
            seen.flags.writeable = False  # it is the record's too: no policy may change it
        self.info = info
        self.truths.append(info["truth"])
        self.velocity.append(observation["velocity"])
        self.clearance.append(info["clearance_m"])
        if self._keep_rgb:
            self.rgb.append(observation["rgb"])

    def moved(self, asked: np.ndarray, sent: np.ndarray, latency_s: float,
              confidence: float | None) -> None:
        self.asked.append(asked)
        self.sent.append(sent)
        self.latency.append(latency_s)
        self.confidence.append(confidence)

    def asides(self) -> dict[str, np.ndarray] | None:
        """What each other policy would have done, [N, 3] float32; None where there are none."""
        names = dict.fromkeys(name for each in self.aside for name in each)
        nothing = np.full(3, np.nan, np.float32)
        return {name: np.array([each.get(name, nothing) for each in self.aside])
                for name in names} or None

    def confidences(self) -> np.ndarray | None:
        """[N] float64 with NaN where the policy said none; None where it never said any."""
        if all(each is None for each in self.confidence):
            return None
        return np.array([np.nan if each is None else each for each in self.confidence])


@dataclass
class Question:
    """What an episode asks its policy; the loop answers with an `Answer`."""

    memory: Memory  # replaced where an answer was found with a copy of it
    observation: Observation


@dataclass(frozen=True)
class Answer:
    """What came back: an action or why there is none, and what the call cost."""

    action: Action | ActionError
    latency_s: float  # wall-clock time of the whole call: so long one robot waits
    core_s: float  # processor time of the call, shared among the questions that it answered


Deed = tuple[str, tuple[Any, ...], dict[str, Any]]  # a world's method and its arguments
Episode = Generator["Question | Deed", Any, Record]


def rollout(world: Any, policy: Policy, task: Task, beat: Callable[[], None] = lambda: None,
            salvage: Callable[[Record, BaseException], None] | None = None) -> Record:
    """Drive one episode and return its record.

    Args:
        world: A `gym.Env` of the contract (simulator or robot), inside its time limit.
        policy: Who decides. A wrong answer (`ActionError`) ends the episode as `policy_error`; any
            other exception is a bug and is not caught.
        task: Seed, instruction and how many rows of a plan to drive before asking again.
        beat: Called again and again, as a sign of life.
        salvage: Is given what was driven, as a `safety_stop`, where an exception (Ctrl-C, a bug in
            policy or world) ends the episode; the exception goes on.
    """
    episode = steps(world.unwrapped, policy, task)
    wanted = next(episode)
    while True:
        try:
            beat()
            back = (ask(policy, [wanted], 1)[0] if isinstance(wanted, Question)
                    else getattr(world, wanted[0])(*wanted[1], **wanted[2]))
        except BaseException as fault:
            record = _cut_short(episode)
            if record is not None and salvage is not None:
                salvage(record, fault)
            raise
        try:
            wanted = episode.send(back)
        except StopIteration as end:
            return end.value


def _cut_short(episode: Episode) -> Record | None:
    """The record of an episode so far; None before its first picture."""
    try:
        episode.throw(CutShortError())
    except StopIteration as end:
        return end.value
    except CutShortError:
        return None
    raise AssertionError("an episode that is cut short asks for nothing more")


def steps(place: Any, policy: Policy, task: Task) -> Episode:
    """The one loop, laid open: it yields what it wants and is sent what came of it.

    A `Deed` wants a world to do something and what it returned; a `Question` wants an `Answer`.
    So whoever drives may let many episodes take turns, in one process or in several.

    Args:
        place: Says the world's `scenario`, `robot` and `source`.
        policy: Begins and ends the memory; is never asked here.
        task: As in `rollout`.

    Returns:
        The record, as the generator's value.
    """
    observation, info = yield "reset", (), {"seed": task.seed, "options": task.fixed}
    log = _Log(observation, info, task.keep_rgb)
    question = Question(policy.begin(task.instruction, policy_seed(task.seed)), observation)
    try:
        ended_by, error = yield from _decide(place, policy, task, log, question)
    except CutShortError:
        return _record(place, policy, task, log, "safety_stop", None)
    policy.end(question.memory)
    return _record(place, policy, task, log, ended_by, error)


def _decide(place: Any, policy: Policy, task: Task, log: _Log,
            question: Question) -> Generator[Question | Deed, Any, tuple[str, str | None]]:
    """Decision by decision, until something ends the episode: what did, and which error."""
    info, confidence = log.info, None
    plan: list[np.ndarray] = []
    command = np.zeros(3, np.float32)
    clock = clock_of(task.latency, task.seed, place)
    while True:
        aside: Mapping[str, np.ndarray] = {}
        latency_s, late_s = 0.0, np.nan if plan else np.inf
        if clock.is_free if clock else not plan:
            _tell(policy, question.memory, info, place.scenario)
            answer = yield question
            if isinstance(answer.action, ActionError):
                return "policy_error", str(answer.action)
            plan, latency_s = _rows(answer.action, task), answer.latency_s
            confidence, aside = answer.action.confidence, answer.action.aside or {}
            late_s = clock.answer(plan) if clock else 0.0
        command = plan.pop(0) if plan else command
        driven = clock.play() if clock else command
        question.observation, _, terminated, truncated, info = yield "step", (driven,), {}
        log.moved(command, info.get("sent", driven.reshape(-1, 3)[-1]), latency_s, confidence)
        log.late_s.append(late_s)
        log.aside.append(aside)
        log.look(question.observation, info)
        if terminated:
            return info["ended_by"], None
        if truncated or len(log.sent) == task.most:
            return "time", None


def ask(policy: Policy, questions: Sequence[Question], batch: int,
        core_s: Callable[[], float] = time.process_time) -> list[Answer]:
    """One call of `act` that answers all questions, filled up to `batch` rows.

    The rows that fill up are copies of the first question; what is answered to them is thrown away.
    A call that raises says not whose fault it was: then every question is asked again in a call of
    its own, of the same size, with the memory as it was before. So only those at fault get it.
    """
    before = copy.deepcopy([each.memory for each in questions]) if len(questions) > 1 else []
    filling = [questions[0]] * (batch - len(questions))
    memories = [each.memory for each in questions]
    memories += [copy.deepcopy(each.memory) for each in filling]
    wall, core = time.perf_counter(), core_s()
    actions: Sequence[Action | ActionError]
    try:
        actions = checked_actions(
            policy.act(memories, [each.observation for each in (*questions, *filling)]), batch)
    except ActionError as wrong:
        if len(questions) > 1:
            for question, memory in zip(questions, before):
                question.memory = memory
            return [ask(policy, [question], batch, core_s)[0] for question in questions]
        actions = [wrong]
    latency_s = time.perf_counter() - wall
    spent_s = (core_s() - core) / len(questions)
    return [Answer(action, latency_s, spent_s) for action in actions[:len(questions)]]


def policy_seed(episode_seed: int) -> int:
    """The seed of a policy's own chance: it follows from the episode's, and is not the layout's."""
    return int(np.random.SeedSequence([episode_seed, POLICY_STREAM]).generate_state(1)[0])


def _tell(policy: Policy, memory: Memory, info: dict[str, Any], scenario: Any) -> None:
    """Only here is a policy told what it declares to need."""
    if TRUTH in policy.spec.needs:
        memory.truth = info["truth"]
    if LABEL in policy.spec.needs:
        memory.label = (scenario.name, info["layout"].variation.distance)


def _rows(action: Action, task: Task) -> list[np.ndarray]:
    """The commands to drive before asking again.

    A policy that says stop stands still, and one that is not sure enough does for one decision.
    """
    unsure = action.confidence is not None and action.confidence < task.confidence_threshold
    if action.stop or unsure:
        return [np.zeros(3, np.float32)]
    return list(action.commands[:task.execute])


def _record(place: Any, policy: Policy, task: Task, log: _Log, ended_by: str,
            error: str | None) -> Record:
    scenario, truths, first = place.scenario, log.truths, log.truths[0]
    return Record(
        scenario=scenario.name, scenario_hash=scenario.hash(), policy=policy.spec.name,
        instruction=task.instruction, seed=task.seed, source=place.source,
        ended_by=ended_by, error=error, variation=vars(log.info["layout"].variation),
        resampled=log.info["resampled"], pass_side=scenario.pass_side,
        appearance=log.info["appearance"].as_json() if "appearance" in log.info else None,
        rules=rules(scenario, place.robot, first),
        poses=np.array([truth.robot for truth in truths]), path=np.array(log.info["path"]),
        boxes=np.array([[list(vars(box).values()) for box in truth.boxes] for truth in truths]),
        cup=np.array([truth.cup for truth in truths]),
        asked=np.array(log.asked, np.float32).reshape(-1, 3),
        sent=np.array(log.sent, np.float32).reshape(-1, 3),
        velocity=np.array(log.velocity, np.float32), clearance_m=np.array(log.clearance),
        latency_s=np.array(log.latency), touched=log.info["touched"],
        confidence=log.confidences(), late_s=np.array(log.late_s) if task.latency else None,
        rgb=np.array(log.rgb) if log.rgb else None, aside=log.asides(),
    )


def rules(scenario: Any, robot: Any, truth: Truth) -> dict[str, float]:
    """The numbers of scenario and robot that metrics and the planner need later."""
    success = scenario.success
    return {
        "goal_radius_m": success.goal_radius_m, "hold_decisions": success.hold_decisions,
        "still_m": success.still_m, "decision_s": robot.decision_s,
        "robot_radius_m": robot.radius_m, "step_m": robot.step_m,
        "dead_band": robot.dead_band, "clearance_m": truth.clearance_m, "lead_m": truth.lead_m,
    }
