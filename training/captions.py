"""What a picture is called: grounded captions for Kosmos-2, plain ones for CLIP, instructions."""

from __future__ import annotations

import numpy as np

from scenarios import load, names
from training.scenes import OBJECTS

SIDES = ("left", "right", "none")  # that an instruction may name
PHRASES = {"cup": "the red cup", "box": "a box"}


def plain(label: np.ndarray) -> str:
    """A caption with places in decimetres, for contrastive pairs; label [3, 7]."""
    parts = [f"{PHRASES[kind]} {_place(row)}" for kind, row in zip(OBJECTS, label) if row[0]]
    return ", ".join(parts) if parts else "an empty floor"


def grounded(label: np.ndarray) -> tuple[str, list[tuple[float, ...]]]:
    """Kosmos-2's grounded caption and its bounding boxes (x1, y1, x2, y2 as shares)."""
    parts, boxes = [], []
    for kind, row in zip(OBJECTS, label):
        if row[0]:
            parts.append(f"<phrase>{PHRASES[kind]}</phrase> {_place(row)}")
            boxes.append(tuple(float(v) for v in row[1:5]))
    return "<grounding>" + (", ".join(parts) if parts else "an empty floor"), boxes


def instruction_texts() -> list[str]:
    """Every wording of every shipped scenario, once each."""
    return sorted({text for name in names() for text in load(name).instructions.all()})


def side_named(text: str) -> str:
    """The side that a shipped wording names: one of `SIDES`."""
    for scenario in map(load, names()):
        if text in scenario.instructions.all():
            return scenario.pass_side
    return "none"


def _place(row: np.ndarray) -> str:
    """`12 ahead 3 left`: decimetres in the robot's frame."""
    ahead, left = round(float(row[5]) * 10), round(float(row[6]) * 10)
    side = f"{abs(left)} {'left' if left > 0 else 'right'}" if left else "straight"
    return f"{ahead} ahead {side}"
