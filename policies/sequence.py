"""One sub-instruction after another: "first move left, then go forward"."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.interface import Observation
from policies.interface import Action, ActionError, Policy
from policies.wrapper import Several, answers, begin_all, check_count, joint_spec

BETWEEN = re.compile(  # what stands between two sub-instructions
    r"[\s,;.]*(?:\b(?:and\s+)?then\b|\bafter\s+that\b|\bafterwards\b|;|그\s*다음에?|그런\s*다음에?"
    r"|그리고\s*나서|이후에?)[\s,]*", re.IGNORECASE)
BEFORE = re.compile(r"^\s*(?:first\b|먼저|우선)[\s,]*", re.IGNORECASE)
LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(cm|m|met(?:er|re)s?|센티미터|미터)(?![a-z])",
                    re.IGNORECASE)
ANGLE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:degrees?|deg|°|도)", re.IGNORECASE)
PLACE = re.compile(r"\b(?:reach|cup|goal|until|arrive|navigate)|컵|도착|도달|까지", re.IGNORECASE)
DECISION_S = 0.4  # how long a command is held
TURN_RAD = math.pi / 4  # a turn that names no angle
STOPS = 2  # decisions in a row in which the policy says that it has arrived
LARGEST_M = 100.0


@dataclass
class Part:
    """How far one sub-instruction has come."""

    words: str
    moved_m: float = 0.0  # by dead reckoning, from what the observations say
    turned_rad: float = 0.0
    stops: int = 0

    def go_on(self, velocity: np.ndarray) -> None:
        """One decision later."""
        self.moved_m += float(np.hypot(*velocity[:2])) * DECISION_S
        self.turned_rad += abs(float(velocity[2])) * DECISION_S

    def is_reached(self, step_m: float) -> bool:
        """The goal check: arrived, or as far as it says; `step_m` where it names no place."""
        length, angle = LENGTH.search(self.words), ANGLE.search(self.words)
        if self.stops >= STOPS:
            return True
        if length is not None:
            unit = 0.01 if length.group(2).lower() in ("cm", "센티미터") else 1.0
            return self.moved_m >= min(float(length.group(1)) * unit, LARGEST_M)
        if angle is not None:
            return self.turned_rad >= math.radians(float(angle.group(1)))
        return PLACE.search(self.words) is None and (
            self.moved_m >= step_m or self.turned_rad >= TURN_RAD)


@dataclass
class Journey:
    """One episode: what is left to do, and the inner policy's memory of the part under way."""

    parts: list[Part]
    inner: Several
    seed: int
    done: int = 0  # parts
    has_started: bool = False


class InSequence(Policy):
    """`--policy sequence=spoken`, `sequence=spoken,0.4`: a sub-instruction is one episode for it.

    A part ends where the policy says twice that it has arrived; where it has come as far as the
    words say ("0.5 m", "90 degrees"), by dead reckoning; or, naming neither a distance nor a place
    to reach, after the number of metres given here or an eighth of a turn. Between two parts the
    robot stands for one decision; after the last it stops.
    """

    def __init__(self, policies: Sequence[Policy], step_m: float = 0.4) -> None:
        """The policy that drives each part, and how far a part goes that says nothing else.

        Raises:
            ValueError: for several policies, or a step of no length.
        """
        check_count("sequence", policies, 1, 1)
        if not step_m > 0.0:
            raise ValueError(f"sequence: a step must be longer than 0 m, got {step_m}.")
        self._inner, self._step_m = list(policies), step_m
        self.spec = joint_spec(f"sequence={policies[0].spec.name},{step_m:g}", policies)

    def begin(self, instruction: str, seed: int) -> Journey:
        """The sub-instructions; the first begins."""
        parts = split(instruction)
        return Journey([Part(each) for each in parts],
                       begin_all(self._inner, parts[0], seed), seed)

    def act(self, memories: Sequence[Journey],
            observations: Sequence[Observation]) -> list[Action]:
        """Each robot's action in its own part."""
        for journey, seen in zip(memories, observations):
            self._look(journey, seen)
        said = answers(self._inner[0], 0, [each.inner for each in memories], observations)
        found = []
        for journey, action in zip(memories, said):
            if isinstance(action, ActionError):
                raise action
            found.append(self._checked(journey, action))
        return found

    def end(self, memory: Journey) -> None:
        """Of the part under way."""
        self._inner[0].end(memory.inner.memories[0])

    def _look(self, journey: Journey, seen: Observation) -> None:
        """Where the last decision has led to."""
        if journey.has_started and journey.done < len(journey.parts):
            journey.parts[journey.done].go_on(seen["velocity"])
        journey.has_started = True

    def _checked(self, journey: Journey, action: Action) -> Action:
        """The inner policy's action, or standing still where its part has reached its goal."""
        still = Action(np.zeros((1, 3), np.float32), stop=journey.done >= len(journey.parts))
        if still.stop:
            return still
        part = journey.parts[journey.done]
        part.stops = part.stops + 1 if action.stop else 0
        if not part.is_reached(self._step_m):
            return Action(action.commands, confidence=action.confidence) if not action.stop else (
                still)
        journey.done += 1
        if journey.done == len(journey.parts):
            return Action(still.commands, stop=True)
        self._inner[0].end(journey.inner.memories[0])
        journey.inner = begin_all(self._inner, journey.parts[journey.done].words,
                                  journey.seed + journey.done)
        return still


def split(instruction: str) -> list[str]:
    """The sub-instructions of an instruction, at least one."""
    parts = [BEFORE.sub("", each).strip() for each in BETWEEN.split(instruction)]
    return [each for each in parts if each] or [instruction]
