"""Other words for the same task, by name: `--instruction @swapped`.

Every wording is a pure function of the scenario and the episode's index, so that the same seed is
told the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from policies.mirrored import mirrored_words
from scenarios import Scenario, did_you_mean

MARK = "@"  # in front of a wording's name, which tells it from words of one's own
NONSENSE = ("Purple ideas sleep between seven quiet spoons", "Blorf the wug and snarp a dax",
            "Monday is heavier than the colour of bread")
MARKS: tuple[Callable[[str], str], ...] = (  # the same words, written otherwise
    lambda words: f"{words}.", lambda words: f"{words}!", lambda words: f"  {words}  ",
    lambda words: words.replace(" and ", ", and "))
CASES: tuple[Callable[[str], str], ...] = (str.lower, str.upper)


WORDINGS: dict[str, Callable[[Scenario, int], str]] = {
    "swapped": lambda scenario, _: mirrored_words(scenario.instructions.english),
    "paraphrases": lambda scenario, index: _turn(scenario.instructions.paraphrases, index),
    "punctuation": lambda scenario, index: _turn(MARKS, index)(scenario.instructions.english),
    "capitals": lambda scenario, index: _turn(CASES, index)(scenario.instructions.english),
    "korean": lambda scenario, _: scenario.instructions.korean,
    "nonsense": lambda _, index: _turn(NONSENSE, index),
    "empty": lambda *_: "",
}


def is_wording(instruction: str) -> bool:
    """Whether this names a wording, and is not to be said itself."""
    return instruction.startswith(MARK)


def check_wording(instruction: str) -> None:
    """Refuse a wording that is none.

    Raises:
        ValueError: naming those that there are ("Did you mean").
    """
    name = instruction.removeprefix(MARK)
    if name not in WORDINGS:
        raise ValueError(f"Unknown wording {instruction!r}.{did_you_mean(name, list(WORDINGS))} "
                         f"Expected {MARK} and one of {', '.join(WORDINGS)}.")


def wording(instruction: str, scenario: Scenario, index: int) -> str:
    """What episode `index` of a scenario is told."""
    return WORDINGS[instruction.removeprefix(MARK)](scenario, index)


def _turn(choices: tuple[Any, ...], index: int) -> Any:
    """One after the other, episode by episode."""
    return choices[index % len(choices)]
