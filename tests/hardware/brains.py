"""Policies that a server may have, with every fault that one may have."""

import numpy as np

from policies import Action, ActionError
from tests.brains import Brain


def mixed(*parts) -> np.ndarray:
    """One command [1, 3] that tells all its parts apart."""
    seed = np.frombuffer(repr(parts).encode(), np.uint8)
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (1, 3)).astype(np.float32)


class Diary(Brain):
    """Its command tells words, seed and everything that it has seen so far, in order."""

    name = "diary"
    rows: list[int] = []
    ended: list[list] = []

    def begin(self, instruction, seed):
        if instruction == "unspeakable":
            raise ValueError("I do not know that word.")
        return [instruction, seed]

    def act(self, memories, observations):
        self.rows.append(len(memories))
        for memory, seen in zip(memories, observations):
            memory.append((int(seen["rgb"].sum()), seen["velocity"].tolist()))
        return [Action(mixed(*memory), stop=memory[0] == "arrived", confidence=0.75)
                for memory in memories]

    def end(self, memory):
        self.ended.append(memory)


class Moody(Diary):
    """Wrong where it is told `wrong`, buggy where it is told `bug`."""

    name = "moody"

    def act(self, memories, observations):
        if any(memory[0] == "bug" for memory in memories):
            {}["a secret of the server"]
        if any(memory[0] == "wrong" for memory in memories):
            raise ActionError("I do not know.")
        return super().act(memories, observations)


class Drawn(Brain):
    """Drives by chance and by what it sees: no two decisions of two episodes are alike."""

    name = "drawn"

    def begin(self, instruction, seed):
        return {"words": instruction, "seed": seed, "seen": 0}

    def act(self, memories, observations):
        plans = []
        for memory, seen in zip(memories, observations):
            memory["seen"] += int(seen["rgb"].sum())
            plan = mixed(*memory.values(), seen["velocity"].tolist())
            plan[:, 0], plan[:, 2] = 1.0, 0.0  # forward, so that episodes differ in length
            plans.append(Action(plan))
        return plans


class SometimesWrong(Drawn):
    """Gives a wrong answer in every other episode, at its second decision."""

    name = "sometimes_wrong"

    def begin(self, instruction, seed):
        return super().begin(instruction, seed) | {"asked": 0}

    def act(self, memories, observations):
        for memory in memories:
            memory["asked"] += 1
        if any(memory["seed"] % 2 and memory["asked"] == 2 for memory in memories):
            raise ActionError("I do not know.")
        return super().act(memories, observations)
