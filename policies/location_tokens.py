"""Places in a VLM's answer, and where they send the robot. Needs numpy alone.

Two grammars: `<locYYYY>` four times (y min, x min, y max, x max, each over 1023), as the
laboratory's parser reads it, and Kosmos-2's own `<patch_index_AAAA><patch_index_BBBB>` (first and
last cell of a 32 x 32 grid).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from policies.robot_action import ActionType, RobotAction

CELLS = 32  # a side of Kosmos-2's grid
LOC_MOST = 1023
LOC = re.compile(r"<loc(\d{4})>")
PATCHES = re.compile(r"<patch_index_(\d{4})><patch_index_(\d{4})>")
GAIN = 0.005  # rad/s-like a pixel beside the middle; this and what follows are the laboratory's
MOST_TURN = 0.5
TOLERANCE = 0.05  # of the picture's width: so far beside the middle is aligned
NEAR_SHARE = 0.3  # of the picture's area: so large is near enough
APPROACH = 0.2  # m/s-like
CONFIDENCE = 0.8
KEPT_CHARACTERS = 200  # of the answer, in a description


@dataclass(frozen=True)
class Box:
    """A rectangle in a picture, as shares of its width and height: x to the right, y down."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @property
    def middle(self) -> float:
        """The column of its middle."""
        return (self.x_min + self.x_max) / 2

    @property
    def area(self) -> float:
        """Its share of the picture."""
        return (self.x_max - self.x_min) * (self.y_max - self.y_min)


def has_locations(text: str) -> bool:
    """Whether an answer holds any location token, whole box or not."""
    return "<patch_index_" in text or LOC.search(text) is not None


def boxes(text: str) -> list[Box]:
    """The sound boxes of an answer, in its order; an incomplete or empty one is none."""
    numbers = [int(number) for number in LOC.findall(text)]
    groups = [numbers[at:at + 4] for at in range(0, len(numbers) - 3, 4)]
    found = [Box(x0 / LOC_MOST, y0 / LOC_MOST, x1 / LOC_MOST, y1 / LOC_MOST)
             for y0, x0, y1, x1 in groups if max(y0, x0, y1, x1) <= LOC_MOST]
    found += [patch_box(int(first), int(last)) for first, last in PATCHES.findall(text)
              if max(int(first), int(last)) < CELLS * CELLS]
    return [box for box in found if box.x_min < box.x_max and box.y_min < box.y_max]


def patch_box(first: int, last: int) -> Box:
    """The box between two cells: their middles, or their rims where they share a row or column."""
    (y0, x0), (y1, x1) = divmod(first, CELLS), divmod(last, CELLS)
    inset = 0.0 if x0 == x1 or y0 == y1 else 0.5
    return Box((x0 + inset) / CELLS, (y0 + inset) / CELLS,
               (x1 + 1 - inset) / CELLS, (y1 + 1 - inset) / CELLS)


def parse_locations(text: str, width: int, height: int) -> RobotAction:
    """Where the first box of an answer sends the robot: turn to it, drive to it, stop before it.

    Args:
        text: The answer.
        width: Of the picture, in pixels: the turn grows with the pixels beside the middle. What is
            on the right turns it clockwise, which is negative.
        height: Of the picture, in pixels.

    Raises:
        ValueError: for a picture without pixels.
    """
    if width <= 0 or height <= 0:
        raise ValueError(f"A picture has pixels, got {width} x {height}.")
    found = boxes(text)
    words = text.strip()[:KEPT_CHARACTERS]
    if not found:
        return RobotAction(ActionType.UNKNOWN, description=words)
    box = found[0]
    if box.area > NEAR_SHARE:
        return RobotAction(ActionType.STOP, confidence=CONFIDENCE, description=words)
    beside_px = (box.middle - 0.5) * width
    if abs(beside_px) <= TOLERANCE * width:
        return RobotAction(ActionType.NAVIGATE, APPROACH, confidence=CONFIDENCE, description=words)
    turn = min(max(-GAIN * beside_px, -MOST_TURN), MOST_TURN)
    return RobotAction(ActionType.TURN, angular_z=turn, confidence=CONFIDENCE, description=words)
