"""Does what it is told, with its eyes shut: "move left", "go forward slowly", "turn right"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envs.interface import Observation
from policies.interface import Action, Policy, PolicySpec
from policies.robot_action import ActionType, to_command
from policies.text_parser import parse_text

SIDEWAYS = " sideways"  # the laboratory's parser turns where it is told a side; this base need not


class Spoken(Policy):
    """`--policy spoken`: the instruction, read by the keyword parser, is the command.

    A side alone is driven sideways, as the laboratory's keys A and D do. What is not understood has
    confidence 0, and the robot stands. Behind `sequence=` it drives one sub-instruction after the
    other.
    """

    def __init__(self) -> None:
        """No options."""
        self.spec = PolicySpec("spoken")

    def begin(self, instruction: str, seed: int) -> Action:
        """The one action that the words ask for, for ever."""
        told = parse_text(instruction)
        if told.type is ActionType.MOVE and told.angular_z and not told.linear_x:
            told = replace(parse_text(instruction + SIDEWAYS), confidence=told.confidence)
        return Action(to_command(told)[None], confidence=told.confidence)

    def act(self, memories: Sequence[Action], observations: Sequence[Observation]) -> list[Action]:
        """What each robot was told."""
        return list(memories)
