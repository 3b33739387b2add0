"""What one episode is like: small facts from which a folder is judged, no pictures but one."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from episodes.formats import layout_of
from episodes.hdf5 import Episode
from scenarios import load, names

TURN = 0.1  # of a command: less is no motion to that side; the laboratory's driver's dead band
THUMBNAIL = (96, 54)  # width, height
HASH_SIZE = (9, 8)  # width, height of the picture whose gradients are a hash of 64 bits
SATURATED = 60  # grey levels between the strongest and the weakest channel
SIDES = {1: "left", -1: "right", 0: ""}
CLASSES = {  # signs of linear_x, linear_y -> name
    (1, 0): "forward", (1, 1): "forward left", (1, -1): "forward right", (0, 1): "left",
    (0, -1): "right", (0, 0): "stop", (-1, 0): "backward", (-1, 1): "backward left",
    (-1, -1): "backward right",
}


@dataclass(frozen=True)
class Facts:
    """What a folder's findings are made from."""

    path: Path
    scenario: str | None
    pattern: str | None
    distance: str | None
    source: str
    instruction: str | None
    frames: int
    decisions: int
    size: tuple[int, int]  # height, width
    duration_s: float | None
    start_frames: int
    classes: Counter[str]  # of decisions
    lowest: np.ndarray  # [3] of the commands
    highest: np.ndarray  # [3]
    first_turn: str  # left, right, or empty
    named_side: str  # by the scenario, or empty
    frozen: int  # frames that are the one before to the bit, although the robot was driven
    redder: float  # share of saturated pixels that are more red than blue; 0.5 where none are
    commands_hash: str
    pixels_hash: str  # of the decisions' pictures
    layouts: frozenset[str]  # what it shares with copies of it, and with its layout's others
    looks: np.ndarray = field(repr=False)  # [N] uint64: gradients of each decision's picture
    thumbnail: bytes = field(repr=False)  # PNG of the picture in the middle


def examine(episode: Episode) -> Facts:
    """The facts of an episode of one decision or more, or of none."""
    pictures, commands = episode.decisions
    seen = pictures if len(pictures) else episode.images[:1]
    driven = commands if len(commands) else np.zeros((1, 3), np.float32)
    return Facts(
        path=episode.path, scenario=episode.scenario, pattern=episode.pattern,
        distance=episode.distance, source=episode.source, instruction=episode.instruction,
        frames=len(episode.images), decisions=len(commands), size=seen.shape[1:3],
        duration_s=episode.total_duration_s, start_frames=episode.events.count("episode_start"),
        classes=Counter(class_of(command) for command in commands),
        lowest=driven.min(axis=0), highest=driven.max(axis=0), first_turn=first_turn(commands),
        named_side=_side(episode.scenario), frozen=_frozen(seen, driven), redder=_redder(seen[0]),
        commands_hash=_hash(commands), pixels_hash=_hash(pictures),
        layouts=frozenset((_hash(seen[0]), layout_of(episode))),
        looks=np.array([gradients(picture) for picture in seen], np.uint64),
        thumbnail=_png(seen[len(seen) // 2]))


def class_of(command: np.ndarray) -> str:
    """The name of a command [3]; what turns on the spot, or while driving, is a turn."""
    if abs(command[2]) > TURN:
        return "turn"
    forward, left = (int(np.sign(value)) if abs(value) > TURN else 0 for value in command[:2])
    return CLASSES[forward, left]


def first_turn(commands: np.ndarray) -> str:
    """To which side the first command that leaves the straight line goes."""
    sides = np.sign(commands[np.abs(commands[:, 1]) > TURN, 1])
    return SIDES[int(sides[0])] if len(sides) else ""


def gradients(picture: np.ndarray) -> int:
    """64 bits that pictures have in common that look alike: where grey rises to the right."""
    small = np.asarray(Image.fromarray(picture).convert("L").resize(HASH_SIZE)).astype(int)
    bits = (small[:, 1:] > small[:, :-1]).ravel()
    return int(np.packbits(bits).view(">u8")[0])


def _side(scenario: str | None) -> str:
    return load(scenario).pass_side if scenario in names() else ""


def _frozen(pictures: np.ndarray, commands: np.ndarray) -> int:
    """A camera that hangs shows the same picture although the robot moves."""
    return sum(bool(commands[k - 1, :2].any()) and np.array_equal(pictures[k], pictures[k - 1])
               for k in range(1, len(pictures)))


def _redder(picture: np.ndarray) -> float:
    """Cup and boxes are warm colours: where most strong colours are cold, channels are swapped."""
    small = picture[::4, ::4].astype(int)
    strong = small.max(axis=-1) - small.min(axis=-1) > SATURATED
    warm = small[strong][:, 0] > small[strong][:, 2]
    return float(warm.mean()) if len(warm) else 0.5


def _hash(array: np.ndarray) -> str:
    return hashlib.sha256(array.tobytes()).hexdigest()


def _png(picture: np.ndarray) -> bytes:
    written = io.BytesIO()
    Image.fromarray(picture).resize(THUMBNAIL, Image.Resampling.BOX).save(written, "PNG")
    return written.getvalue()
