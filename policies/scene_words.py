"""A grounded caption to places: what stands where round the robot. Needs numpy alone.

The shipped tower was taught to say `<phrase>the red cup</phrase><object>`cells`</object> 24 ahead 3
left`, in decimetres. A tower that only grounds (the published one) says no distance: then the
place follows from where the box's lower rim meets the floor.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from policies.location_tokens import Box, boxes
from policies.text_keywords import OBJECTS

SAID = re.compile(
    r"<phrase>\s*(?P<phrase>[^<]+?)\s*</phrase>"
    r"(?:<object>(?P<cells>(?:<patch_index_\d{4}>)+)</object>)?"
    r"(?:\s*(?P<ahead>-?\d{1,3}) ahead (?:(?P<beside>\d{1,3}) (?P<side>left|right)|straight))?"
)
DECIMETRE_M = 0.1
KINDS = {"obstacle": "box"}  # what else means the same to someone who drives


@dataclass(frozen=True)
class View:
    """How the picture was taken: chosen numbers of the simulated robot, see docs/world.md."""

    height_m: float = 0.20
    tan_half_width: float = 1.0  # 90 degrees across
    aspect: float = 16 / 9  # of the view, whatever it was squeezed to


@dataclass(frozen=True)
class Sighting:
    """One thing that the words put somewhere."""

    kind: str  # cup, box, ... as in OBJECTS
    place: np.ndarray  # [2] m: ahead, left; the robot's frame
    box: Box | None  # in the picture, where cells were said


def sightings(text: str, view: View) -> list[Sighting]:
    """What a caption names and places; a thing without a place, or of unknown kind, is left out."""
    found = []
    for said in SAID.finditer(text):
        kind = _kind(said["phrase"])
        drawn = boxes(said["cells"] or "")
        box = drawn[0] if drawn else None
        place = _said_place(said) if said["ahead"] else _floor_place(box, view)
        if kind is not None and place is not None:
            found.append(Sighting(kind, place, box))
    return found


def _kind(phrase: str) -> str | None:
    """What a phrase names, if it is known."""
    for name, patterns in OBJECTS:
        if any(re.search(pattern, phrase.lower()) for pattern in patterns):
            return KINDS.get(name, name)
    return None


def _said_place(said: re.Match[str]) -> np.ndarray:
    """`24 ahead 3 left` in metres."""
    left = int(said["beside"] or 0) * (1 if said["side"] == "left" else -1)
    return np.array([int(said["ahead"]), left]) * DECIMETRE_M


def _floor_place(box: Box | None, view: View) -> np.ndarray | None:
    """Where the middle of a box's lower rim meets a flat floor; None at or above the horizon."""
    if box is None or box.y_max <= 0.5:
        return None
    down = (2 * box.y_max - 1) * view.tan_half_width / view.aspect
    ahead = view.height_m / down
    return np.array([ahead, ahead * (1 - 2 * box.middle) * view.tan_half_width])
