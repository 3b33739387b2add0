"""What a suite is made of: arms, and what is found once they are driven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.contrast import Contrast
from eval.pairing import Side
from eval.suites.options import Config
from eval.table import Table
from scenarios import did_you_mean

CONTROL = "control"


@dataclass(frozen=True)
class Arm:
    """One change to the control, and what it is."""

    name: str
    about: str
    changes: dict[str, Any] = field(default_factory=dict)  # options of eval.run; {policy}: the own
    group: str = ""  # arms of one group are one kind at several strengths
    strength: float | None = None  # in the group's own unit


@dataclass(frozen=True)
class Found:
    """All arms, driven and compared with the control."""

    control: Side
    arms: list[tuple[Arm, Side]]
    contrasts: list[Contrast]  # one for each arm, with p-values that know of each other


@dataclass(frozen=True)
class Extra:
    """What a suite finds beyond the paired differences."""

    numbers: dict[str, Any] = field(default_factory=dict)  # ready for JSON
    tables: dict[str, Table] = field(default_factory=dict)  # by title
    said: list[str] = field(default_factory=list)  # its result, one sentence each
    pictures: dict[str, bytes] = field(default_factory=dict)  # PNGs by a name for the file


def nothing(found: Found) -> Extra:
    """For suites whose result are the differences alone."""
    return Extra()


def no_more(config: Config, folder: Path, driven: list[tuple[Arm, Side]]) -> list[Arm]:
    """For suites whose arms are all known beforehand."""
    return []


@dataclass(frozen=True)
class Suite:
    """Which arms, and what is made of them."""

    name: str
    about: str
    arms: Callable[[Config, Path], list[Arm]]  # from the options and a folder for files of arms
    result: Callable[[Found], Extra] = nothing
    same_versions: bool = True  # whether all arms drive the control's scenarios as they are
    more: Callable[[Config, Path, list[tuple[Arm, Side]]], list[Arm]] = no_more  # that follow from
    # what was driven, the control first; asked again until there are none


def chosen(arms: list[Arm], wanted: tuple[str, ...]) -> list[Arm]:
    """The arms of these names or groups, all where none are named.

    Raises:
        ValueError: for a name that no arm and no group has ("Did you mean").
    """
    known = list(dict.fromkeys(each for arm in arms for each in (arm.group, arm.name) if each))
    for name in wanted:
        if name not in known:
            raise ValueError(f"Unknown arm {name!r}.{did_you_mean(name, known)} Expected some of "
                             f"{', '.join(known)}.")
    return [arm for arm in arms if not wanted or arm.name in wanted or arm.group in wanted]
