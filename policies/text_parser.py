"""Words to a RobotAction, as the laboratory's keyword parser reads them, in English and Korean.

Needs numpy alone. What differs from the laboratory's: words that are forbidden ("do not move") do
not count, a stop tied to a place ("stop at the cup") is no stop, "strafe" drives sideways, and what
is not understood has confidence 0 and stands still. Left and right turn, as they do there.
"""

from __future__ import annotations

import re

from policies.location_tokens import KEPT_CHARACTERS, has_locations, parse_locations
from policies.robot_action import ActionType, RobotAction
from policies.text_keywords import (
    DIRECTIONS,
    KEEP_ON,
    KEYWORDS,
    NEGATED,
    OBJECTS,
    SIDEWAYS,
    SPEEDS,
)

MOVE_SPEED = 0.3  # m/s-like, all of them the laboratory's
NAVIGATE_SPEED = 0.2
BACK_OFF_SPEED = -0.1  # where something is to be avoided and no side is named
TURN_RATE = 0.5  # rad/s-like
AVOID_RATE = 0.3
STOP_CONFIDENCE = 0.9
BASE, PER_KEYWORD, MOST_KEYWORDS, PER_WORD, MOST_WORDS = 0.5, 0.2, 0.4, 0.05, 0.1


def parse_text(text: str) -> RobotAction:
    """The action that the words ask for.

    The type with the most keywords wins. Confidence is 0.5 + 0.2 a keyword (at most 0.4) + 0.05 a
    word (at most 0.1); 0.9 for a stop; 0 where nothing is understood.
    """
    words = " ".join(text.lower().split())
    kind, hits = _kind(words)
    factor = _speed(words)
    x, y, turn = (factor * speed for speed in _speeds(kind, words))
    return RobotAction(kind, x, y, turn, target_object=_target(words),
                       confidence=_confidence(kind, hits, len(words.split())),
                       description=text.strip()[:KEPT_CHARACTERS])


def parse_output(text: str, width: int, height: int) -> RobotAction:
    """What a VLM answered: location tokens where there are some, words otherwise.

    Args:
        text: The answer.
        width: Of the picture, in pixels; and
        height: likewise.
    """
    return parse_locations(text, width, height) if has_locations(text) else parse_text(text)


def named_side(text: str) -> str | None:
    """`left` or `right`: where an instruction wants the robot to pass; None where it says neither.

    "Keep the box on your right" means left.
    """
    words = text.lower()
    for pattern in KEEP_ON:
        found = re.search(pattern, words)
        if found:
            return "right" if found.group(1) in ("left", "왼", "좌") else "left"
    left, right = _count(words, DIRECTIONS["left"]), _count(words, DIRECTIONS["right"])
    if bool(left) == bool(right):
        return None
    return "left" if left else "right"


def _kind(words: str) -> tuple[ActionType, int]:
    """The type with the most keywords, the first of equal ones, and how many there are."""
    counts = {kind: _count(words, patterns) for kind, patterns in KEYWORDS.items()}
    best = max(counts, key=lambda kind: counts[kind])
    if counts[best]:
        return best, counts[best]
    directions = sum(_count(words, patterns) for patterns in DIRECTIONS.values())
    return (ActionType.MOVE, directions) if directions else (ActionType.UNKNOWN, 0)


def _confidence(kind: ActionType, keywords: int, words: int) -> float:
    if kind is ActionType.UNKNOWN:
        return 0.0
    if kind is ActionType.STOP:
        return STOP_CONFIDENCE
    sure = BASE + min(PER_KEYWORD * keywords, MOST_KEYWORDS) + min(PER_WORD * words, MOST_WORDS)
    return min(sure, 1.0)


def _speeds(kind: ActionType, words: str) -> tuple[float, float, float]:
    """linear_x, linear_y, angular_z before modifiers."""
    side = _side(words)
    if kind is ActionType.NAVIGATE:
        return NAVIGATE_SPEED, 0.0, 0.0
    if kind is ActionType.AVOID:
        return (0.0, 0.0, side * AVOID_RATE) if side else (BACK_OFF_SPEED, 0.0, 0.0)
    if kind is ActionType.TURN:
        return 0.0, 0.0, side * TURN_RATE
    if kind is not ActionType.MOVE:
        return 0.0, 0.0, 0.0
    if side and _count(words, SIDEWAYS):
        return 0.0, side * MOVE_SPEED, 0.0
    if _count(words, DIRECTIONS["backward"]):
        return -MOVE_SPEED, 0.0, 0.0
    ahead = MOVE_SPEED if _count(words, DIRECTIONS["forward"]) or not side else 0.0
    return ahead, 0.0, side * TURN_RATE


def _side(words: str) -> int:
    """1 for left, -1 for right, 0 where neither or both are named."""
    return bool(_count(words, DIRECTIONS["left"])) - bool(_count(words, DIRECTIONS["right"]))


def _speed(words: str) -> float:
    """The factor of the slowest modifier, 1 without any."""
    named = [factor for factor, patterns in SPEEDS if _count(words, patterns)]
    return min(named, default=1.0)


def _target(words: str) -> str | None:
    """The object named last: a journey's end stands behind what is on the way."""
    places = {name: max(found.start() for pattern in patterns
                        for found in re.finditer(pattern, words))
              for name, patterns in OBJECTS if _count(words, patterns)}
    return max(places, key=lambda name: places[name]) if places else None


def _count(words: str, patterns: tuple[str, ...]) -> int:
    """How often the patterns are found where they are not forbidden."""
    return sum(max(0, len(re.findall(pattern, words)) - _forbidden(words, pattern))
               for pattern in patterns)


def _forbidden(words: str, pattern: str) -> int:
    """How often a pattern is found behind "do not" or before "-지 마"."""
    return sum(len(re.findall(frame.replace("{word}", pattern), words)) for frame in NEGATED)
