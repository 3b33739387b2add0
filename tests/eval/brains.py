"""Policies for tests of runs, with every fault that one may have."""

import os
import pickle
import resource
import signal
import threading
from pathlib import Path

import numpy as np

from policies import Action, ActionError
from tests.brains import AHEAD, Brain


class Sometimes(Brain):
    """Answers once, then gives a wrong answer in every other episode."""

    name = "sometimes"

    def act(self, memories, observations):
        answers = super().act(memories, observations)
        if any(memory["seed"] % 2 and memory["asked"] == 2 for memory in memories):
            raise ActionError("I do not know.")
        return answers


class Listener(Brain):
    """Stands still and keeps what it was told; has not learned anything."""

    name = "listener"
    heard: list[str] = []

    def __init__(self, random_weights=False):
        super().__init__(weights="random" if random_weights else "trained", weights_hash="abc",
                         trained_on="nothing")

    def begin(self, instruction, seed):
        self.heard.append(instruction)

    def act(self, memories, observations):
        return [Action(np.zeros((1, 3), np.float32), stop=True) for _ in memories]


class Speechless(Brain):
    """Answers nothing."""

    name = "speechless"

    def act(self, memories, observations):
        return []


class Pupil(Brain):
    """Learned from the train seeds of root 7."""

    name = "pupil"

    def __init__(self):
        super().__init__(trained_seed=7)


class Buggy(Brain):
    """Adds arrays that do not fit."""

    name = "buggy"

    def act(self, memories, observations):
        return [Action(np.zeros((1, 3)) + np.zeros((1, 2)))]


class Fragile(Brain):
    """Drives straight on; as fragile as the environment variables FAULT and FAULT_FOLDER say.

    At the second decision of the episode with the seed FAULT_SEED the fault happens, FAULT_TIMES
    times in all; the folder remembers how often.
    """

    name, command = "fragile", AHEAD

    def act(self, memories, observations):
        answers = super().act(memories, observations)
        told, at = os.environ.get("FAULT_SEED"), int(os.environ.get("FAULT_AT", "2"))
        if any(str(memory["seed"]) == told and memory["asked"] == at for memory in memories):
            fault()
        return answers


class SlowStart(Fragile):
    """Its fault happens while it loads."""

    def __init__(self):
        super().__init__()
        fault()


def fault():
    """What the environment says, as often as it says."""
    faults = Path(os.environ["FAULT_FOLDER"])
    count = len(list(faults.iterdir()))
    if count < int(os.environ["FAULT_TIMES"]):
        (faults / f"{count}_{os.getpid()}").touch()
        FAULTS[os.environ["FAULT"]]()


def run_out_of_memory():
    """Really: the system gives this process no more than it has."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, used + 2**26))
    np.ones(2**30)


FAULTS = {
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stopped": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "aborted": os.abort,
    "out of memory": run_out_of_memory,
    "a bug": lambda: 1 / 0,
    "a torn file": lambda: pickle.loads(b""),
    "waits for ever": lambda: threading.Event().wait(),
}
