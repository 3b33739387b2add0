"""The nearest failure: several directions, and in each halving from both sides of where it begins.

A radius is won where no episode was lost that the control won. Whoever fails near and not far is
found only as far as the first radii tell; what is named is a failure all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from eval.pairing import Line, Side

FINEST = 1 / 16  # chosen: radii that are closer are not halved

Driven = list[tuple[float, Side]]  # radii in one direction, and what was driven there


@dataclass(frozen=True)
class Bracket:
    """Where failures begin in one direction."""

    won: float  # the largest radius below `lost` that was won; 0 is the control
    lost: float  # the smallest at which an episode was lost


def failures(control: Side, side: Side) -> list[Line]:
    """Episodes that this side lost, without an error of the policy, and the control won."""
    won = {(line["scenario"], line["seed"]) for line in control.lines if line["success"]}
    return [line for line in side.lines if not line["error"] and not line["success"]
            and (line["scenario"], line["seed"]) in won]


def bracket(control: Side, driven: Driven) -> Bracket | None:
    """Where failures begin; None where there is none. Radii of errors alone say nothing."""
    is_lost = {radius: bool(failures(control, side)) for radius, side in driven
               if any(not line["error"] for line in side.lines)}
    lost = [radius for radius, is_there in is_lost.items() if is_there]
    if not lost:
        return None
    return Bracket(max([radius for radius in is_lost if radius < min(lost)], default=0.0),
                   min(lost))


def halved(control: Side, directions: dict[int, Driven]) -> dict[int, float]:
    """The radius to drive next, by direction; only where the nearest failure may still lie."""
    found = {number: each for number, driven in directions.items()
             if (each := bracket(control, driven)) is not None}
    nearest = min((each.lost for each in found.values()), default=0.0)
    return {number: (each.won + each.lost) / 2 for number, each in found.items()
            if each.won < nearest and each.lost - each.won > FINEST}
