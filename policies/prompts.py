"""What a grounded VLM is asked, by goal, in Kosmos-2's grammar. Needs nothing."""

from __future__ import annotations

from enum import Enum


class Goal(Enum):
    """What is wanted of the picture."""

    DESCRIBE_SCENE = "describe_scene"
    FIND_OBJECT = "find_object"
    NAVIGATE_TO_OBJECT = "navigate_to_object"
    AVOID_OBSTACLE = "avoid_obstacle"
    FOLLOW_INSTRUCTION = "follow_instruction"


PROMPTS = {  # the VLM goes on where they end
    Goal.DESCRIBE_SCENE: "<grounding>",
    Goal.FIND_OBJECT: "<grounding><phrase>{target}</phrase>",
    Goal.NAVIGATE_TO_OBJECT: "<grounding>Question: How does the robot reach {target}? Answer:",
    Goal.AVOID_OBSTACLE: "<grounding>Question: On which side is {target} avoided? Answer:",
    Goal.FOLLOW_INSTRUCTION: "<grounding>Instruction: {instruction}. The robot should",
}


def prompt(goal: Goal, target: str = "the red cup", instruction: str = "") -> str:
    """The words that a VLM is to complete.

    Raises:
        ValueError: if the target or the instruction holds what only the grammar may: `<` or `>`.
    """
    for words in (target, instruction):
        if "<" in words or ">" in words:
            raise ValueError(f"A prompt's words must hold no '<' or '>', got {words!r}.")
    return PROMPTS[goal].format(target=target, instruction=instruction.rstrip("."))
