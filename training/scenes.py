"""Pictures with names and places of what is on them: the towers' training data.

Drawn from layouts of the purpose `train` at random poses of the robot. Needs the simulator; the
folder it writes does not.
"""

from __future__ import annotations

import json
import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from episodes.drive import Listed
from episodes.engine import Source, drive_all
from episodes.shards import HANG_S
from scenarios import episode_seed, load, names

OBJECTS = ("cup", "box", "box")  # rows of a label; boxes from left to right in the picture
LABEL_WIDTH = 7  # visible, x1, y1, x2, y2 (shares of the picture), ahead m, left m
POSES_PER_LAYOUT = 8
MIN_PIXELS = 10  # fewer count as not visible
REACH_X_M, REACH_Y_M, REACH_RAD = (-0.2, 2.4), (-1.1, 1.1), 0.15
SHARD = 1000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Part:
    """One file of pictures to make."""

    key: str
    number: int
    count: int


@dataclass(frozen=True)
class Recipe:
    """What all pictures share; see `episodes.engine.Recipe`."""

    folder: Path
    seed: int
    appearance: str
    places: int = field(default=1, init=False)
    processes: int = field(default=0, init=False)
    gpus: int = field(default=0, init=False)
    one_thread: bool = field(default=True, init=False)
    hang_s: float = HANG_S

    def open(self) -> Painter:
        """What makes them; nothing is loaded yet."""
        return Painter(self)


@dataclass(frozen=True)
class Made:
    """A part that is written, or that the worlds are open."""

    key: str = ""
    round_s: float = field(default=0.0, compare=False)


class Painter:
    """A shard of `episodes.engine`: makes one part after the other."""

    width = 1

    def __init__(self, recipe: Recipe) -> None:
        """Nothing is loaded yet."""
        self._recipe = recipe
        self._worlds: list[Any] = []

    def load(self) -> None:
        """Open a world a layout group: left and right share theirs.

        Raises:
            ValueError: one sentence, for an unknown appearance.
        """
        from envs import make

        self._worlds = [make(load(name), appearance=self._recipe.appearance).unwrapped
                        for name in names() if name.endswith("_left")]

    def rehearse(self, jobs: list[Part]) -> Made:
        """Load, and look once."""
        self.load()
        self._worlds[0].reset(seed=0)  # what is slow once is done now
        start = time.perf_counter()
        self._worlds[0].reset(seed=0)
        return Made(round_s=time.perf_counter() - start)

    def drive(self, jobs: list[Part] | Source[Part],
              beat: Callable[[], None] = lambda: None) -> Iterator[Made]:
        """Make every part of a list or a source."""
        source = Listed(jobs) if isinstance(jobs, list) else jobs
        while (part := source.take(wait=True)) is not None:
            _paint(self._recipe, part, self._worlds, beat)
            yield Made(part.key)

    def close(self) -> None:
        """Close the worlds."""
        for world in self._worlds:
            world.close()


def collect(folder: Path, count: int, seed: int, workers: int,
            appearance: str = "nominal") -> None:
    """Write parts with frames [N, 224, 224, 3] uint8 and labels [N, 3, 7]; kept ones stay."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [Part(f"{number:04d}", number, min(SHARD, count - number * SHARD))
             for number in range(math.ceil(count / SHARD))
             if not (folder / f"shard_{number:04d}.npz").is_file()]
    for made in drive_all(Recipe(folder.absolute(), seed, appearance), parts, workers):
        logger.info("pictures: part %s of %d", made.key, len(parts))
    about = json.dumps({"count": count, "seed": seed, "appearance": appearance})
    (folder / "scenes.json").write_text(about, encoding="utf-8")


def load_scenes(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Frames [N, 224, 224, 3] uint8 and labels [N, 3, 7] float32 of a collected folder.

    Raises:
        ValueError: if nothing was collected there.
    """
    paths = sorted(folder.glob("shard_*.npz"))
    if not paths:
        raise ValueError(f"{folder}: no scenes, expected shard_*.npz files from `collect`.")
    labels = [np.load(path)["labels"] for path in paths]
    frames = np.empty((sum(map(len, labels)), *np.load(paths[0])["frames"].shape[1:]), np.uint8)
    filled = 0
    for path, label in zip(paths, labels):  # one file at a time: gigabytes fit only once
        frames[filled:filled + len(label)] = np.load(path)["frames"]
        filled += len(label)
    return frames, np.concatenate(labels)


def _paint(recipe: Recipe, part: Part, worlds: list[Any], beat: Callable[[], None]) -> None:
    """One part, renamed when complete."""
    rng = np.random.default_rng([recipe.seed, part.number])
    frames: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    layout_number = 0
    while len(frames) < part.count:
        beat()
        world = worlds[layout_number % len(worlds)]
        group = world.scenario.layout_group
        world.reset(seed=episode_seed("train", recipe.seed, group,
                                      part.number * SHARD + layout_number))
        layout_number += 1
        for _ in range(POSES_PER_LAYOUT):
            pose = _draw_pose(world, rng)
            look = world.look_from(pose)
            frames.append(look.rgb)
            labels.append(_label(replace(world.truth(), robot=pose), look.ids, look.names))
    path = recipe.folder / f"shard_{part.number:04d}.npz"
    temporary = recipe.folder / f".shard_{part.number:04d}.{os.getpid()}.npz"
    np.savez_compressed(temporary, frames=np.array(frames[:part.count]),
                        labels=np.array(labels[:part.count]))
    os.replace(temporary, path)


def _draw_pose(world: Any, rng: np.random.Generator) -> tuple[float, float, float]:
    """A pose of the robot near the boxes and the cup that touches nothing."""
    truth = world.truth()
    while True:
        x, y = rng.uniform(*REACH_X_M), rng.uniform(*REACH_Y_M)
        near_box = any(_box_gap_m(box, x, y) < truth.robot_radius_m for box in truth.boxes)
        near_cup = math.dist((x, y), truth.cup) < truth.robot_radius_m + 0.06
        if not near_box and not near_cup:
            return (x, y, rng.uniform(-REACH_RAD, REACH_RAD))


def _box_gap_m(box: Any, x: float, y: float) -> float:
    """From a point to a box's rim, in the plane; 0 inside."""
    cos, sin = math.cos(box.yaw_rad), math.sin(box.yaw_rad)
    dx, dy = x - box.x_m, y - box.y_m
    along, across = abs(cos * dx + sin * dy), abs(-sin * dx + cos * dy)
    return math.hypot(max(along - box.length_m / 2, 0), max(across - box.width_m / 2, 0))


def _label(truth: Any, mask: np.ndarray, bodies: dict[str, int]) -> np.ndarray:
    """Rows [3, 7] for the cup and up to two boxes, as `OBJECTS` says."""
    cup = _object(mask == bodies["cup"], truth.robot, truth.cup)
    boxes = [_object(mask == bodies[f"box_{k}"], truth.robot, (box.x_m, box.y_m))
             for k, box in enumerate(truth.boxes)]
    boxes = sorted((box for box in boxes if box[0]), key=lambda box: box[1] + box[3])
    rows = [cup, *boxes] + [np.zeros(LABEL_WIDTH, np.float32)] * (2 - len(boxes))
    return np.stack(rows)


def _object(seen: np.ndarray, robot: tuple[float, float, float],
            place: tuple[float, float]) -> np.ndarray:
    """One row: visible, bounding box as shares of the picture, place in the robot's frame (m)."""
    if seen.sum() < MIN_PIXELS:
        return np.zeros(LABEL_WIDTH, np.float32)
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    height, width = seen.shape
    dx, dy = place[0] - robot[0], place[1] - robot[1]
    cos, sin = math.cos(robot[2]), math.sin(robot[2])
    box = (columns[0] / width, rows[0] / height,
           (columns[-1] + 1) / width, (rows[-1] + 1) / height)
    return np.array([1.0, *box, cos * dx + sin * dy, -sin * dx + cos * dy], np.float32)
