"""A policy's mirror image: it sees the world mirrored, is told so, and answers mirrored.

A policy without a preference for a side drives like its mirror image.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.interface import BoxTruth, Observation, Truth
from policies.interface import TRUTH, Action, Memory, Policy
from policies.wrapper import check_count

MIRROR = np.array([1.0, -1.0, -1.0], np.float32)  # of a command: y to the left, turns to the left
OTHER = {"left": "right", "right": "left"}
KOREAN = ("왼쪽", "오른쪽")


class Mirrored(Policy):
    """Another policy, left and right exchanged: pictures, velocities, words and answers."""

    kind = "mirrored"

    def __init__(self, policies: Sequence[Policy]) -> None:
        """Around one policy."""
        check_count(self.kind, policies, 1, 1)
        (self._policy,) = policies
        self.spec = replace(self._policy.spec, name=f"{self.kind}={self._policy.spec.name}")

    def begin(self, instruction: str, seed: int) -> Memory:
        """The policy's own memory, of the mirrored words."""
        return self._policy.begin(mirrored_words(instruction), seed)

    def act(self, memories: Sequence[Memory],
            observations: Sequence[Observation]) -> list[Action]:
        """What the policy says to the mirrored pictures, mirrored back."""
        if TRUTH in self.spec.needs:
            for memory in memories:
                memory.truth = mirrored_truth(memory.truth)
        seen = [mirrored(each) for each in observations]
        return [replace(answer, commands=answer.commands * MIRROR)
                for answer in self._policy.act(memories, seen)]

    def end(self, memory: Memory) -> None:
        """The policy ends too."""
        self._policy.end(memory)


class OtherSide(Mirrored):
    """The mirror image that is told the words as they are: it takes the side that it did not."""

    kind = "other side"

    def begin(self, instruction: str, seed: int) -> Memory:
        """The policy's own memory, of the same words."""
        return self._policy.begin(instruction, seed)


def mirrored(observation: Observation) -> Observation:
    """The same look with left and right exchanged."""
    return {"rgb": np.ascontiguousarray(observation["rgb"][:, ::-1]),
            "velocity": observation["velocity"] * MIRROR}


def mirrored_words(words: str) -> str:
    """The words with left and right exchanged, English and Korean."""
    for one, other in (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT"), KOREAN):
        words = words.replace(one, "\0").replace(other, one).replace("\0", other)
    return words


def mirrored_truth(truth: Truth) -> Truth:
    """The same world with left and right exchanged."""
    x, y, yaw = truth.robot
    boxes = tuple(BoxTruth(box.x_m, -box.y_m, -box.yaw_rad, box.length_m, box.width_m)
                  for box in truth.boxes)
    return replace(truth, robot=(x, -y, -yaw), boxes=boxes, cup=(truth.cup[0], -truth.cup[1]),
                   pass_side=OTHER[truth.pass_side])
