"""The one loop. Generating, evaluating, DAgger and the robot all drive through `rollout`."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from envs.interface import Observation, Truth
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


@dataclass(frozen=True)
class Task:
    """One episode to drive."""

    seed: int
    instruction: str
    fixed: dict[str, str] = field(default_factory=dict)  # pinned factors: distance, bias, pattern
    execute: int = 1  # rows of a plan driven before asking again
    keep_rgb: bool = False


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

    def moved(self, asked: np.ndarray, sent: np.ndarray, latency_s: float) -> None:
        self.asked.append(asked)
        self.sent.append(sent)
        self.latency.append(latency_s)


def rollout(world: Any, policy: Policy, task: Task) -> Record:
    """Drive one episode and return its record.

    Args:
        world: A `gym.Env` of the contract (simulator or robot), inside its time limit.
        policy: Who decides. A wrong answer (`ActionError`) ends the episode as `policy_error`; any
            other exception is a bug and is not caught.
        task: Seed, instruction and how many rows of a plan to drive before asking again.
    """
    observation, info = world.reset(seed=task.seed, options=task.fixed)
    log = _Log(observation, info, task.keep_rgb)
    memory = policy.begin(task.instruction, policy_seed(task.seed))
    ended_by, error = None, None
    plan: list[np.ndarray] = []
    while ended_by is None:
        latency_s = 0.0
        if not plan:
            try:
                action, latency_s = _ask(policy, memory, observation, log, world)
            except ActionError as wrong:
                ended_by, error = "policy_error", str(wrong)
                break
            plan = _rows(action, task.execute)
        command = plan.pop(0)
        observation, _, terminated, truncated, info = world.step(command)
        log.moved(command, info.get("sent", command), latency_s)
        log.look(observation, info)
        if terminated:
            ended_by = info["ended_by"]
        elif truncated:
            ended_by = "time"
    policy.end(memory)
    return _record(world, policy, task, log, ended_by, error)


def policy_seed(episode_seed: int) -> int:
    """The seed of a policy's own chance: it follows from the episode's, and is not the layout's."""
    return int(np.random.SeedSequence([episode_seed, POLICY_STREAM]).generate_state(1)[0])


def _ask(policy: Policy, memory: Memory, observation: Observation, log: _Log,
         world: Any) -> tuple[Action, float]:
    """One answer and how long it took. Only here is a policy told what it declares to need."""
    if TRUTH in policy.spec.needs:
        memory.truth = log.info["truth"]
    if LABEL in policy.spec.needs:
        memory.label = (world.unwrapped.scenario.name, log.info["layout"].variation.distance)
    start = time.perf_counter()
    actions = policy.act([memory], [observation])
    latency_s = time.perf_counter() - start
    return checked_actions(actions, 1)[0], latency_s


def _rows(action: Action, execute: int) -> list[np.ndarray]:
    """The commands to drive before asking again; a policy that says stop stands still."""
    if action.stop:
        return [np.zeros(3, np.float32)]
    return list(action.commands[:execute])


def _record(world: Any, policy: Policy, task: Task, log: _Log, ended_by: str,
            error: str | None) -> Record:
    scenario, truths, first = world.unwrapped.scenario, log.truths, log.truths[0]
    return Record(
        scenario=scenario.name, scenario_hash=scenario.hash(), policy=policy.spec.name,
        instruction=task.instruction, seed=task.seed, source=world.unwrapped.source,
        ended_by=ended_by, error=error, variation=vars(log.info["layout"].variation),
        resampled=log.info["resampled"], pass_side=scenario.pass_side,
        rules=rules(scenario, world.unwrapped.robot, first),
        poses=np.array([truth.robot for truth in truths]), path=log.info["path"],
        boxes=np.array([[list(vars(box).values()) for box in truth.boxes] for truth in truths]),
        cup=np.array([truth.cup for truth in truths]),
        asked=np.array(log.asked, np.float32).reshape(-1, 3),
        sent=np.array(log.sent, np.float32).reshape(-1, 3),
        velocity=np.array(log.velocity, np.float32), clearance_m=np.array(log.clearance),
        latency_s=np.array(log.latency), touched=log.info["touched"],
        rgb=np.array(log.rgb) if log.rgb else None,
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
