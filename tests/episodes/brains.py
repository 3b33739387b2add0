"""Policies for tests of engines."""

import os
import signal
import time
from pathlib import Path

from tests.brains import AHEAD, Brain


class Slow(Brain):
    """Drives straight on and takes its time, so that something can happen meanwhile."""

    name, command = "slow", AHEAD

    def act(self, memories, observations):
        time.sleep(0.05)
        return super().act(memories, observations)


class Frozen(Slow):
    """One process of all that drive it is stopped, once: where the file `frozen` is missing."""

    def __init__(self, checkpoint):
        super().__init__()
        self.flag = Path(checkpoint) / "frozen"

    def act(self, memories, observations):
        answers = super().act(memories, observations)
        if memories[0]["asked"] == 2 and not self.flag.exists():
            self.flag.touch()
            os.kill(os.getpid(), signal.SIGSTOP)
        return answers
