"""What augmenting does to an episode: picture, command and words change together, or not at all.

Left out, because it is physically wrong: time reversal. The camera faces forward, and what it sees
on the way back is not what it saw on the way there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from scenarios import load, names

LIMIT = 1.15  # of every component: what goes beyond it is clipped
SIGMA = (0.005, 0.0025)  # of the noise on linear_x and linear_y
SPEED = (0.8, 1.2)
BRIGHTNESS, CONTRAST = (0.95, 1.05), (0.9, 1.1)
BLUR = (1, 2)  # radii in pixels: kernels of 3 and 5
STANDING = (1, 3)  # decisions that are inserted at the start or in the middle
WORDS = (("left", "right"), ("Left", "Right"), ("왼쪽", "오른쪽"))
PLACEHOLDER = "\0"


@dataclass(frozen=True)
class Draft:
    """An episode on its way to becoming a copy: its decisions alone."""

    pictures: np.ndarray  # [N, H, W, 3] uint8
    commands: np.ndarray  # [N, 3] float32
    scenario: str | None
    instruction: str | None
    applied: tuple[dict[str, Any], ...] = field(default=())  # each operation and what was drawn


Operation = Callable[[Draft, np.random.Generator], Draft]


def mirror(draft: Draft, rng: np.random.Generator) -> Draft:
    """Left becomes right in pictures, commands, scenario and words."""
    commands = draft.commands * np.array([1, -1, -1], np.float32)
    return _applied(draft, "mirror", pictures=draft.pictures[:, :, ::-1].copy(),
                    commands=commands + np.float32(0.0), scenario=_other(draft.scenario),
                    instruction=swapped(draft.instruction, draft.scenario))


def noise(draft: Draft, rng: np.random.Generator) -> Draft:
    """A little Gaussian noise on what moves; who stands still goes on standing."""
    drawn = rng.normal(0, SIGMA, (len(draft.commands), 2))
    return _moved(draft, "noise", lambda moving: moving + drawn, sigma=list(SIGMA))


def speed(draft: Draft, rng: np.random.Generator) -> Draft:
    """All of an episode faster or slower: both components, so that the direction stays."""
    factor = float(rng.uniform(*SPEED))
    return _moved(draft, "speed", lambda moving: moving * factor, factor=factor)


def stand(draft: Draft, rng: np.random.Generator) -> Draft:
    """Stand still for a while at the start or in the middle, and see the same meanwhile."""
    place = 0 if rng.random() < 0.5 else len(draft.commands) // 2
    count = int(rng.integers(STANDING[0], STANDING[1] + 1))
    pictures = np.insert(draft.pictures, place, [draft.pictures[place]] * count, axis=0)
    commands = np.insert(draft.commands, place, np.zeros((count, 3), np.float32), axis=0)
    return _applied(draft, "stand", pictures=pictures, commands=commands, at=place, count=count)


def brightness(draft: Draft, rng: np.random.Generator) -> Draft:
    """All pictures brighter or darker by one factor."""
    factor = float(rng.uniform(*BRIGHTNESS))
    return _seen(draft, "brightness", lambda p: ImageEnhance.Brightness(p).enhance(factor),
                 factor=factor)


def contrast(draft: Draft, rng: np.random.Generator) -> Draft:
    """All pictures of more or less contrast by one factor."""
    factor = float(rng.uniform(*CONTRAST))
    return _seen(draft, "contrast", lambda p: ImageEnhance.Contrast(p).enhance(factor),
                 factor=factor)


def blur(draft: Draft, rng: np.random.Generator) -> Draft:
    """All pictures blurred."""
    radius = int(rng.choice(BLUR))
    return _seen(draft, "blur", lambda p: p.filter(ImageFilter.GaussianBlur(radius / 2)),
                 radius=radius)


def jitter(most: float) -> Operation:
    """Uniform noise of up to `most` on the linear components of what moves."""
    def operation(draft: Draft, rng: np.random.Generator) -> Draft:
        drawn = rng.uniform(-most, most, (len(draft.commands), 2))
        return _moved(draft, "jitter", lambda moving: moving + drawn, most=most)
    return operation


def stretch(which: str, factor: float) -> Operation:
    """Lateral, diagonal or forward motion strengthened, as far as the limit lets it."""
    def operation(draft: Draft, rng: np.random.Generator) -> Draft:
        forward, lateral = (np.abs(draft.commands[:, k]) > 1e-6 for k in (0, 1))
        chosen = {"lateral": np.stack([forward & False, lateral], 1),
                  "diagonal": np.stack([forward & lateral] * 2, 1),
                  "forward": np.stack([forward, lateral & False], 1)}[which]
        return _moved(draft, "stretch", lambda moving: np.where(chosen, moving * factor, moving),
                      which=which, factor=factor)
    return operation


def swapped(instruction: str | None, scenario: str | None) -> str | None:
    """The words of the other side: the other scenario's own wording, else left for right."""
    if instruction is None:
        return None
    other = _other(scenario)
    if scenario in names() and other is not None:
        said = load(scenario).instructions.all()
        if instruction in said:
            return load(other).instructions.all()[said.index(instruction)]
    for one, two in WORDS:
        instruction = instruction.replace(one, PLACEHOLDER).replace(two, one).replace(
            PLACEHOLDER, two)
    return instruction


def _other(scenario: str | None) -> str | None:
    """The scenario of the other side, by its name's last word; one without a side stays."""
    for one, two in (("_left", "_right"), ("_right", "_left")):
        if scenario is not None and scenario.endswith(one):
            return scenario.removesuffix(one) + two
    return scenario


def _moved(draft: Draft, name: str, change: Callable[[np.ndarray], np.ndarray],
           **drawn: Any) -> Draft:
    """Change linear components of decisions that move, within the limit."""
    moving = np.abs(draft.commands[:, :2]).any(axis=1)
    commands = draft.commands.copy()
    changed = np.clip(change(commands[:, :2].astype(np.float64)), -LIMIT, LIMIT)
    commands[moving, :2] = changed[moving].astype(np.float32)
    return _applied(draft, name, commands=commands, **drawn)


def _seen(draft: Draft, name: str, change: Callable[[Image.Image], Image.Image],
          **drawn: Any) -> Draft:
    pictures = np.stack([np.asarray(change(Image.fromarray(each))) for each in draft.pictures])
    return _applied(draft, name, pictures=pictures, **drawn)


def _applied(draft: Draft, name: str, **changed: Any) -> Draft:
    """A draft with some fields changed; whatever is no field was drawn."""
    fields = {key: value for key, value in changed.items() if key in draft.__dataclass_fields__}
    drawn = {key: value for key, value in changed.items() if key not in fields}
    return replace(draft, **fields, applied=(*draft.applied, {"operation": name, **drawn}))
