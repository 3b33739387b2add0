"""Policies for tests: what a user would bring as `module:Class`."""

import os
import resource
import signal
import threading
from pathlib import Path

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


class Fragile(Policy):
    """Drives straight on; as fragile as the environment variables FAULT and FAULT_FOLDER say.

    At the second decision of the episode with the seed FAULT_SEED the fault happens, FAULT_TIMES
    times in all; the folder remembers how often.
    """

    def __init__(self):
        self.spec = PolicySpec("fragile", image_size=(16, 16))

    def begin(self, instruction, seed):
        return {"seed": seed, "asked": 0}

    def act(self, memories, observations):
        for memory in memories:
            memory["asked"] += 1
        told, at = os.environ.get("FAULT_SEED"), int(os.environ.get("FAULT_AT", "2"))
        if any(str(memory["seed"]) == told and memory["asked"] == at for memory in memories):
            fault()
        return [Action(np.array([[1.15, 0.0, 0.0]], np.float32)) for _ in memories]


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
    "waits for ever": lambda: threading.Event().wait(),
}
