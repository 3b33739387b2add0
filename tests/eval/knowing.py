"""Policies for tests of diagnosis: the expert with one thing wrong with it."""

from types import SimpleNamespace

import numpy as np

from eval.causes import Sighted
from policies import Action
from policies.expert import Expert


class Obeys(Sighted):
    """Drives as well as the expert, on the side that its words name."""

    def __init__(self):
        super().__init__("left")

    def begin(self, instruction, seed):
        self._side = "right" if "right" in instruction else "left"
        return SimpleNamespace(truth=None)


class OnlyLeft(Sighted):
    """Drives as well as the expert, and always on the left."""

    side = "left"

    def __init__(self):
        super().__init__(self.side)


class AfraidOfTheDark(Expert):
    """Stands still where it sees little."""

    def act(self, memories, observations):
        answers = super().act(memories, observations)
        return [answer if seen["rgb"].mean() > 60 else Action(np.zeros((1, 3), np.float32))
                for answer, seen in zip(answers, observations)]
