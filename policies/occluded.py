"""A policy whose lens something covers: a dark patch, at one place for the whole episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.interface import Observation
from policies.interface import Action, Memory, Policy
from policies.wrapper import check_count

PLACE_STREAM = 7  # keeps the place apart from the policy's own chance
DIRT = 20  # grey level of the patch


@dataclass
class _Covered:
    """One episode: where the patch is, and the policy's own memory; what is told is passed on."""

    inner: Memory
    place: tuple[float, float]  # of its upper left corner, as a share of what room there is
    truth: object = None
    label: object = None


class Occluded(Policy):
    """Another policy behind a patch that covers a share of its picture."""

    def __init__(self, policies: Sequence[Policy], share: float = 0.25) -> None:
        """`share`: of the picture's area, from 0 to 1.

        Raises:
            ValueError: for more than one policy, or another share.
        """
        check_count("occluded", policies, 1, 1)
        if not 0.0 <= share <= 1.0:
            raise ValueError(f"occluded covers a share from 0 to 1, got {share}.")
        (self._policy,), self._side = policies, share ** 0.5
        self.spec = replace(self._policy.spec, name=f"occluded={self._policy.spec.name},{share:g}")

    def begin(self, instruction: str, seed: int) -> Memory:
        """The patch is where the seed puts it."""
        place = np.random.default_rng([seed, PLACE_STREAM]).random(2)
        return _Covered(self._policy.begin(instruction, seed), (float(place[0]), float(place[1])))

    def act(self, memories: Sequence[Memory],
            observations: Sequence[Observation]) -> list[Action]:
        """What the policy says to the covered pictures."""
        for memory in memories:
            for name in self.spec.needs:
                setattr(memory.inner, name, getattr(memory, name))
        seen = [self._covered(memory, each) for memory, each in zip(memories, observations)]
        return self._policy.act([memory.inner for memory in memories], seen)

    def end(self, memory: Memory) -> None:
        """The policy ends too."""
        self._policy.end(memory.inner)

    def _covered(self, memory: _Covered, observation: Observation) -> Observation:
        rgb = observation["rgb"].copy()
        height, width = (round(size * self._side) for size in rgb.shape[:2])
        top = round(memory.place[0] * (rgb.shape[0] - height))
        left = round(memory.place[1] * (rgb.shape[1] - width))
        rgb[top:top + height, left:left + width] = DIRT
        return {"rgb": rgb, "velocity": observation["velocity"]}
