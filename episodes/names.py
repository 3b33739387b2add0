"""File names: `episode_YYYYMMDD_HHMMSS[_scenario[_pattern_distance[_period]]].h5`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from scenarios.schema import DISTANCES, PATTERNS

PERIODS = ("dawn", "morning", "evening", "night")
SIMULATED_SINCE = datetime(2000, 1, 1)  # long before the laboratory: no recording bears this date
STAMP = "%Y%m%d_%H%M%S"
_FACTORS = "|".join((*PATTERNS, *DISTANCES, *PERIODS))
_SCENARIO = r"[A-Za-z0-9][A-Za-z0-9_-]*"
_AMBIGUOUS = re.compile(rf".*_(?:{_FACTORS})", re.DOTALL)
_NAME = re.compile(
    r"episode_(?P<stamp>[0-9]{8}_[0-9]{6})"
    rf"(?:_(?P<scenario>{_SCENARIO}?)"
    rf"(?:_(?P<pattern>{'|'.join(PATTERNS)})_(?P<distance>{'|'.join(DISTANCES)})"
    rf"(?:_(?P<period>{'|'.join(PERIODS)}))?)?)?(?:\.h5)?"
)


@dataclass(frozen=True)
class EpisodeName:
    """What a file's name says. Early files have no scenario; None where nothing is said.

    Raises:
        ValueError: where the parts would not be read back as they are.
    """

    started: datetime
    scenario: str | None = None
    pattern: str | None = None
    distance: str | None = None
    period: str | None = None

    def __post_init__(self) -> None:
        """Refuse parts that do not fit the grammar."""
        if self.scenario is not None:
            check_scenario(self.scenario)
        if (self.pattern is None) != (self.distance is None):
            raise ValueError(f"pattern and distance stand together or not at all, "
                             f"got {self.pattern!r} and {self.distance!r}.")
        if (self.pattern and not self.scenario) or (self.period and not self.pattern):
            raise ValueError("An episode's name needs a scenario before a pattern, "
                             "and a pattern before a period.")
        for part, allowed in ((self.pattern, PATTERNS), (self.distance, DISTANCES),
                              (self.period, PERIODS)):
            if part is not None and part not in allowed:
                raise ValueError(f"An episode's name has one of {', '.join(allowed)} there, "
                                 f"got {part!r}.")

    def __str__(self) -> str:
        """The file's stem."""
        said = (self.scenario, self.pattern, self.distance, self.period)
        return "_".join([f"episode_{stamp(self.started)}", *(part for part in said if part)])


def parse(name: str) -> EpisodeName:
    """What a file name or stem says.

    Raises:
        ValueError: if it does not follow the grammar.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"{name!r} is no episode's name, expected "
                         f"episode_YYYYMMDD_HHMMSS[_scenario[_pattern_distance[_period]]].h5.")
    parts = match.groupdict()
    try:
        started = datetime.strptime(parts.pop("stamp"), STAMP)
    except ValueError as error:
        raise ValueError(f"{name!r} has an impossible date or time.") from error
    return EpisodeName(started, **parts)


def stamp(started: datetime) -> str:
    """Date and time as names have them."""
    return f"{started.year:04d}{started:%m%d_%H%M%S}"


def simulated_start(number: int) -> datetime:
    """The date and time that stand in the name of simulated episode `number`: one second each."""
    return SIMULATED_SINCE + timedelta(seconds=number)


def check_scenario(scenario: str) -> None:
    """Refuse a scenario's name that an episode's name could not give back.

    Raises:
        ValueError: for characters beyond letters, digits, `-`, `_`, or a last word such as `far`.
    """
    if not re.fullmatch(_SCENARIO, scenario) or _AMBIGUOUS.fullmatch(scenario):
        raise ValueError(f"Scenario {scenario!r} cannot stand in a file name: expected letters, "
                         f"digits, '_' or '-', not ending in _{_FACTORS.replace('|', ', _')}.")
