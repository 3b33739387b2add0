"""A stand-in for a policy on a GPU: each call takes so long and no processor computes meanwhile.

It says how well worlds and policy overlap, and nothing about any GPU's speed.
"""

import time

from policies.baselines import CoreReplay


class Accelerated(CoreReplay):
    """The laboratory's keys; a call takes `call_s` whatever its batch."""

    call_s = 0.0

    def __init__(self, device: str) -> None:
        """`device`: as for a policy that computes there; nothing does."""
        super().__init__()

    def act(self, memories, observations):
        """Wait as for a GPU."""
        time.sleep(self.call_s)
        return super().act(memories, observations)


class Quick(Accelerated):
    """The worlds are what takes time."""

    call_s = 0.004


class Slow(Accelerated):
    """The policy is what takes time."""

    call_s = 0.06
