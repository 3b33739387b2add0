"""What a client wants: its messages, checked before anything is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.interface import Observation
from policies.remote import IMAGE, PROMPT, STATE
from policies.wire import WireError

MOST_WORDS = 2000  # characters of an instruction
MOST_NUMBER = 2**63 - 1


@dataclass(frozen=True)
class Row:
    """One robot that wants an answer."""

    observation: Observation
    episode: int  # of the client's own count; openpi's clients know none
    state: int | None  # of the server's memory to go on from; None: the episode begins
    prompt: str  # what it is told, where the episode begins
    seed: int


def plain_row(message: dict[str, Any], shape: tuple[int, int, int]) -> Row:
    """A message of openpi's protocol: one picture, with the words beside it.

    Args:
        message: `observation/image`, `observation/state`, `prompt`; `seed` where there is one.
        shape: Of the pictures that the policy wants.

    Raises:
        WireError: one sentence about what is missing or wrong.
    """
    return Row(_observation(message, shape), 0, None, _prompt(message), _number(message, "seed", 0))


def rows_of(message: dict[str, Any], shape: tuple[int, int, int], most: int) -> list[Row]:
    """The rows of a message of our client's.

    Args:
        message: `rows`, each with a picture, a velocity, its `episode` and either `state` or
            `prompt` and `seed`.
        shape: As in `plain_row`.
        most: Rows that one message may have.

    Raises:
        WireError: one sentence about what is missing or wrong.
    """
    rows = message["rows"]
    if not isinstance(rows, list) or not 1 <= len(rows) <= most:
        got = len(rows) if isinstance(rows, list) else type(rows).__name__
        raise WireError(f"rows must be a list of 1 to {most}, got {got}.")
    found = []
    for row in rows:
        if not isinstance(row, dict):
            raise WireError(f"a row must be a map, got {type(row).__name__}.")
        begins = "state" not in row
        found.append(Row(_observation(row, shape), _number(row, "episode"),
                         None if begins else _number(row, "state"),
                         _prompt(row) if begins else "", _number(row, "seed", 0)))
    return found


def episodes_over(message: dict[str, Any]) -> list[int]:
    """Numbers of the episodes that the client will not ask about any more."""
    over = message.get("over", [])
    if not isinstance(over, list) or not all(type(each) is int for each in over):
        raise WireError("over must be a list of episodes' numbers.")
    return over


def _observation(row: dict[str, Any], shape: tuple[int, int, int]) -> Observation:
    rgb, velocity = row.get(IMAGE), row.get(STATE)
    if not isinstance(rgb, np.ndarray) or rgb.dtype != np.uint8 or rgb.shape != shape:
        raise WireError(f"{IMAGE} must be {list(shape)} uint8, got {_said(rgb)}.")
    if (not isinstance(velocity, np.ndarray) or velocity.shape != (3,)
            or velocity.dtype.kind != "f" or not np.isfinite(velocity).all()):
        raise WireError(f"{STATE} must be [3] finite floats (vx m/s, vy m/s, wz rad/s), got "
                        f"{_said(velocity)}.")
    return {"rgb": rgb, "velocity": velocity.astype(np.float32)}


def _prompt(row: dict[str, Any]) -> str:
    prompt = row.get(PROMPT)
    if not isinstance(prompt, str) or len(prompt) > MOST_WORDS:
        got = f"{len(prompt)} characters" if isinstance(prompt, str) else type(prompt).__name__
        raise WireError(f"{PROMPT} must be text of at most {MOST_WORDS} characters, got {got}.")
    return prompt


def _number(row: dict[str, Any], name: str, usual: int | None = None) -> int:
    value = row.get(name, usual)
    if type(value) is not int or not 0 <= value <= MOST_NUMBER:
        raise WireError(f"{name} must be a whole number from 0, got {str(value)[:40]!r}.")
    return value


def _said(value: Any) -> str:
    """What a value is, in a few words."""
    if isinstance(value, np.ndarray):
        return f"{list(value.shape)} {value.dtype}"
    return "nothing" if value is None else type(value).__name__
