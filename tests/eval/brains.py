"""Policies for tests: what a user would bring as `module:Class`."""

import numpy as np

from policies import Action, ActionError, Policy, PolicySpec


class Sometimes(Policy):
    """Answers once, then gives a wrong answer in every other episode."""

    def __init__(self):
        self.spec = PolicySpec("sometimes", image_size=(16, 16))

    def begin(self, instruction, seed):
        return {"seed": seed, "asked": 0}

    def act(self, memories, observations):
        for memory in memories:
            memory["asked"] += 1
        if any(memory["seed"] % 2 and memory["asked"] == 2 for memory in memories):
            raise ActionError("I do not know.")
        return [Action(np.zeros((1, 3), np.float32)) for _ in memories]


class Listener(Policy):
    """Stands still and keeps what it was told; has not learned anything."""

    heard: list[str] = []

    def __init__(self, random_weights=False):
        self.spec = PolicySpec("listener", image_size=(16, 16),
                               weights="random" if random_weights else "trained",
                               weights_hash="abc", trained_on="nothing")

    def begin(self, instruction, seed):
        self.heard.append(instruction)

    def act(self, memories, observations):
        return [Action(np.zeros((1, 3), np.float32), stop=True) for _ in memories]


class Speechless(Policy):
    """Answers nothing."""

    def __init__(self):
        self.spec = PolicySpec("speechless", image_size=(16, 16))

    def begin(self, instruction, seed):
        return None

    def act(self, memories, observations):
        return []


class Pupil(Policy):
    """Learned from the train seeds of root 7."""

    def __init__(self):
        self.spec = PolicySpec("pupil", image_size=(16, 16), trained_seed=7)

    def begin(self, instruction, seed):
        return None

    def act(self, memories, observations):
        return [Action(np.zeros((1, 3), np.float32))]


class Buggy(Policy):
    """Adds arrays that do not fit."""

    def __init__(self):
        self.spec = PolicySpec("buggy", image_size=(16, 16))

    def begin(self, instruction, seed):
        return None

    def act(self, memories, observations):
        return [Action(np.zeros((1, 3)) + np.zeros((1, 2)))]
