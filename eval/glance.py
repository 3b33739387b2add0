"""What a page shows first: rates with their intervals as bars, and how episodes came out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.maps import OUTCOMES, Outcome, Way
from eval.table import rate_cell

# Of runs beside each other: Okabe and Ito's that outcomes seldom have. Letters stand beside them.
COLOURS = ("#303030", "#009E73", "#56B4E9", "#CC79A7", "#E69F00", "#0072B2")


@dataclass(frozen=True)
class Bar:
    """One rate on a scale from 0 to 100 %."""

    letter: str  # of its run
    colour: str
    value: float  # percent, as low and high
    low: float
    high: float
    text: str


@dataclass(frozen=True)
class Share:
    """How many episodes of a scenario came out like this."""

    outcome: Outcome
    count: int
    percent: float


def bars(letters: Sequence[str], rates: Sequence[Mapping[str, dict[str, Any]]],
         ) -> dict[str, list[Bar]]:
    """One bar a run for each scenario that it drove; those without a judged episode have none."""
    found: dict[str, list[Bar]] = {}
    for number, (letter, rows) in enumerate(zip(letters, rates)):
        for scenario, rate in rows.items():
            known = found.setdefault(scenario, [])
            if rate["n"]:
                value, low, high = (100.0 * rate[end] for end in ("rate", "low", "high"))
                known.append(Bar(letter, COLOURS[number % len(COLOURS)], value, low, high,
                                 rate_cell(rate)))
    return found


def shares(ways: Mapping[str, Sequence[Way]]) -> dict[str, list[Share]]:
    """What each scenario's episodes came to, without what never happened."""
    found = {}
    for scenario, each in ways.items():
        counts = Counter(way.outcome.name for way in each)
        found[scenario] = [Share(outcome, counts[outcome.name],
                                 100.0 * counts[outcome.name] / len(each))
                           for outcome in OUTCOMES if counts[outcome.name]]
    return found
