"""A stand-in for a policy on a GPU: each call takes so long and no processor computes meanwhile.

It says how well worlds and policy overlap, and nothing about any GPU's speed.
"""

import time

import numpy as np

from policies.interface import Action, Policy, PolicySpec

AHEAD = np.array([[0.5, 0.0, 0.0]], np.float32)


class Accelerated(Policy):
    """Drives slowly ahead; a call takes `call_s` whatever its batch."""

    call_s = 0.0

    def __init__(self, device: str) -> None:
        """`device`: as for a policy that computes there; nothing does."""
        self.spec = PolicySpec(type(self).__name__.lower())

    def begin(self, instruction, seed):
        """Nothing to remember."""

    def act(self, memories, observations):
        """Wait as for a GPU."""
        time.sleep(self.call_s)
        return [Action(AHEAD) for _ in observations]


class Quick(Accelerated):
    """The worlds are what takes time."""

    call_s = 0.004


class Slow(Accelerated):
    """The policy is what takes time."""

    call_s = 0.06
