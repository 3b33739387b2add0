"""Policies for tests of engines: what a user would bring as `module:Class`."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from policies import Action, Policy, PolicySpec


class Slow(Policy):
    """Drives straight on and takes its time, so that something can happen meanwhile."""

    def __init__(self):
        self.spec = PolicySpec("slow", image_size=(16, 16))

    def begin(self, instruction, seed):
        return None

    def act(self, memories, observations):
        time.sleep(0.05)
        return [Action(np.array([[1.15, 0.0, 0.0]], np.float32)) for _ in memories]


class Frozen(Slow):
    """One process of all that drive it is stopped, once: where the file `frozen` is missing."""

    def __init__(self, checkpoint):
        super().__init__()
        self.flag = Path(checkpoint) / "frozen"

    def begin(self, instruction, seed):
        return {"asked": 0}

    def act(self, memories, observations):
        memories[0]["asked"] += 1
        if memories[0]["asked"] == 2 and not self.flag.exists():
            self.flag.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().act(memories, observations)
