"""Policies for tests of suites: they drive by words, or by the clock, without looking."""

import numpy as np

from policies import Action
from policies.expert import Expert
from tests.brains import AHEAD, Brain

SIDEWAYS = {"left": (0.0, 1.15, 0.0), "right": (0.0, -1.15, 0.0)}
ASIDE = 4  # decisions of 0.2 m: past a box wherever it stands


class Listens(Brain):
    """Goes aside as the words say, then straight on; straight into the box where they do not."""

    name = "listens"

    def begin(self, instruction, seed):
        side = next((side for side in SIDEWAYS if side in instruction.lower()), None)
        return {"seed": seed, "asked": 0, "side": side}

    def act(self, memories, observations):
        actions = []
        for memory in memories:
            aside = memory["side"] and memory["asked"] < ASIDE
            command = SIDEWAYS[memory["side"]] if aside else AHEAD
            actions.append(Action(np.array([command], np.float32)))
            memory["asked"] += 1
        return actions


class Deaf(Listens):
    """Goes left, whatever it is told."""

    name = "deaf"

    def begin(self, instruction, seed):
        return super().begin("left", seed)


class LeftHanded(Listens):
    """Says nothing that can be driven where it is told to go right."""

    name = "left_handed"

    def act(self, memories, observations):
        lost = [memory["side"] == "right" for memory in memories]
        return [Action(np.full((1, 3), np.nan, np.float32)) if none else answer
                for none, answer in zip(lost, super().act(memories, observations))]


class Habit(Expert):
    """The expert, which stands still before a box that is not as large as usual."""

    def act(self, memories, observations):
        answers = super().act(memories, observations)
        return [answer if abs(memory.truth.boxes[0].length_m - 0.4) < 0.04
                else Action(np.zeros((1, 3), np.float32))
                for memory, answer in zip(memories, answers)]


class Plans(Listens):
    """Says two commands at once."""

    name = "plans"

    def act(self, memories, observations):
        plans = zip(super().act(memories, observations), super().act(memories, observations))
        return [Action(np.concatenate([first.commands, then.commands])) for first, then in plans]
