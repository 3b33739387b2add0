"""What a command has to be, whoever gives it. Pure functions and frozen data."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

Velocity = tuple[float, float, float]

ZERO: Velocity = (0.0, 0.0, 0.0)
TICK_S = 0.02  # 50 Hz
STOP_S = 0.25  # from a command's end to standing still, at most
LATE_S = 0.2  # a command that took longer from being decided to arriving is refused
ABSURD = 10.0  # times the limit: no command but a fault
LONGEST_S = 1e12  # no clock says more
SOURCES = ("policy", "operator")
OLD_PICTURE = "old picture"  # a reason


class RefusedError(ValueError):
    """Something was asked for that is not done; `reason` is one of few words, to be counted."""

    def __init__(self, reason: str, sentence: str) -> None:
        """`reason`: what it is counted as; `sentence`: for whoever asked."""
        super().__init__(sentence)
        self.reason = reason


@dataclass(frozen=True)
class Limits:
    """What one robot may do at most."""

    speed_m_s: float
    turn_rate_rad_s: float
    acceleration_m_s2: float
    turn_acceleration_rad_s2: float
    confidence: float  # of a policy's action: with less, the robot stands still
    picture_age_s: float  # of the picture behind a command, as the command comes in

    def __post_init__(self) -> None:
        """Refuse limits under which the robot could not stop in time."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not (is_number(value) and 0.0 <= value < math.inf):
                raise ValueError(f"{field.name} must be a finite number of 0 or more, "
                                 f"got {value!r}.")
        if self.confidence > 1.0:
            raise ValueError(f"confidence must be within 0 and 1, got {self.confidence}.")
        for most, change, name in (
                (self.speed_m_s, self.acceleration_m_s2, "acceleration_m_s2"),
                (self.turn_rate_rad_s, self.turn_acceleration_rad_s2, "turn_acceleration_rad_s2")):
            if change * STOP_S < most:
                raise ValueError(f"{name} must be at least {most / STOP_S:g}, so that the robot "
                                 f"stands {STOP_S} s after a command's end, got {change:g}.")


@dataclass(frozen=True)
class Command:
    """One decision on its way to the wheels. Any field may be anything: `Gate.offer` looks."""

    source: str  # one of SOURCES
    number: int  # rises with every command of a source
    decided_s: float
    velocity: Velocity
    confidence: float | None = None
    seen_s: float | None = None  # arrival of the picture on which it was decided


def check(command: Command, limits: Limits, now_s: float) -> None:
    """Refuse what no command is, whatever its fields hold.

    Raises:
        RefusedError: `source`, `shape`, `not finite`, `absurd`, `confidence`, `late` or
            `old picture`.
    """
    if command.source not in SOURCES:
        raise RefusedError("source", f"source must be one of {', '.join(SOURCES)}, got "
                           f"{_short(command.source)}.")
    if type(command.number) is not int or not is_number(command.decided_s):
        raise RefusedError("shape", "A command has a whole number and a time, got "
                           f"{_short(command.number)} and {_short(command.decided_s)}.")
    _check_velocity(command.velocity, limits)
    _check_confidence(command.confidence, limits)
    age_s = now_s - command.decided_s if abs(command.decided_s) < LONGEST_S else math.inf
    if not 0.0 <= age_s <= LATE_S:
        raise RefusedError("late", f"Decided {age_s:.3f} s ago, expected at most {LATE_S} s.")
    _check_picture(command.seen_s, limits, now_s)


def slowdown(velocity: Velocity, limits: Limits) -> float:
    """By what a velocity has to be multiplied to be within the limits, its direction kept."""
    return min(share(limits.speed_m_s, math.hypot(*velocity[:2])),
               share(limits.turn_rate_rad_s, abs(velocity[2])))


def share(most: float, wanted: float) -> float:
    """How much of what is wanted is allowed, within 0 and 1."""
    return 1.0 if wanted <= most else most / wanted


def is_number(value: object) -> bool:
    """Whether it is a plain number; true and false are none, and neither is NaN."""
    return type(value) in (int, float) and value == value


def _check_velocity(given: object, limits: Limits) -> None:
    if not isinstance(given, list | tuple) or len(given) != 3:
        raise RefusedError("shape", f"A velocity is three numbers, got {_short(given)}.")
    most = (limits.speed_m_s, limits.speed_m_s, limits.turn_rate_rad_s)
    for value, limit in zip(given, most):
        if not is_number(value) or not -math.inf < value < math.inf:
            raise RefusedError("not finite", "A velocity is three finite numbers, got "
                               f"{_short(given)}.")
        if abs(value) > ABSURD * limit:
            raise RefusedError("absurd", f"More than {ABSURD:g} times what this robot may do: "
                               f"{_short(given)}.")


def _check_confidence(given: float | None, limits: Limits) -> None:
    if given is None:
        return
    if not is_number(given) or not 0.0 <= given <= 1.0:
        raise RefusedError("not finite", f"A confidence is within 0 and 1, got {_short(given)}.")
    if given < limits.confidence:
        raise RefusedError("confidence", f"The policy is not sure: {given:g}, expected at least "
                           f"{limits.confidence:g}.")


def _check_picture(seen_s: float | None, limits: Limits, now_s: float) -> None:
    """Who took long to decide was looking at a world that is gone."""
    if seen_s is None:
        return
    age_s = now_s - seen_s if is_number(seen_s) and abs(seen_s) < LONGEST_S else math.inf
    if not 0.0 <= age_s <= limits.picture_age_s:
        raise RefusedError(OLD_PICTURE, f"Decided on a picture that is {age_s:.1f} s old, expected "
                           f"at most {limits.picture_age_s:g} (picture_age_s in the profile).")


def _short(given: object) -> str:
    """What was given, in few letters, whatever it is."""
    return repr(given)[:80]
