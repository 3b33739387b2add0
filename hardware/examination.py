"""`doctor.json`: what was found when a robot was examined, and whether that still holds.

`python -m eval.doctor --robot` writes it; nothing real is armed by `hardware.run` without one that
passed, for this robot, this way to it and these weights, today.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from envs.interface import RobotSpec
from episodes.atomic import write_atomically
from hardware.profile import Profile

SCHEMA = 1
FRESH_H = 8.0  # a working day: batteries, plugs and light change
NAME = "doctor.json"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    name: str
    passed: bool
    words: str  # what was found, and what to do where it is not well
    numbers: dict[str, float]


@dataclass(frozen=True)
class Examined:
    """What was examined: findings about anything else say nothing."""

    transport: str
    robot_hash: str
    policy: str
    weights_hash: str | None


def robot_hash(profile: Profile, robot: RobotSpec) -> str:
    """Changes with every number of the robot's two files."""
    return hashlib.sha256(f"{profile!r} {robot!r}".encode()).hexdigest()


def write(path: Path, examined: Examined, findings: Sequence[Finding]) -> bool:
    """Write what was found; returns whether all passed."""
    passed = all(each.passed for each in findings)
    content = {"schema": SCHEMA, "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
               "passed": passed, **asdict(examined),
               "findings": [asdict(each) for each in findings]}
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_atomically(path, (text + "\n").encode())
    return passed


def check(path: Path, examined: Examined, now: datetime | None = None) -> None:
    """Do nothing where a fresh examination of just this has passed.

    Raises:
        ValueError: one sentence: what is missing, and how it is had.
    """
    found = _read(path)
    again = (f"Run `python -m eval.doctor --robot --transport {examined.transport} --policy "
             f"{examined.policy}` first.")
    if not found["passed"]:
        failed = ", ".join(each["name"] for each in found["findings"] if not each["passed"])
        raise ValueError(f"{path}: the last examination failed ({failed}). {again}")
    for name, value in asdict(examined).items():
        if found[name] != value:
            raise ValueError(f"{path}: was another {name.replace('_', ' ')}, {found[name]!r} "
                             f"instead of {value!r}. {again}")
    age_h = ((now or datetime.now(timezone.utc)) - _moment(path, found["at"])
             ).total_seconds() / 3600
    if not 0.0 <= age_h <= FRESH_H:
        raise ValueError(f"{path}: is {age_h:.1f} h old, expected 0 to {FRESH_H:g} h. {again}")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}): a real robot is examined "
                         "before it is armed. Run `python -m eval.doctor --robot`.") from error
    except ValueError as error:
        raise ValueError(f"{path}: is not valid JSON ({error}).") from error
    wanted = {"schema", "at", "passed", "findings", *Examined.__dataclass_fields__}
    if not isinstance(found, dict) or not wanted <= set(found) or found["schema"] != SCHEMA:
        raise ValueError(f"{path}: is no examination of schema {SCHEMA}, as "
                         "`python -m eval.doctor --robot` writes it.")
    return found


def _moment(path: Path, text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: at must be a time with its zone, got {text!r}.") from error
