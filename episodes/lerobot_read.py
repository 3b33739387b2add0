"""Episodes out of a LeRobotDataset v3.0, exported here or by anybody else; one at a time.

Data sets of others have velocities at a camera's rate: one picture is taken every 0.4 s, with the
action that stands beside it, and speeds become commands by the robot's own limits.
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from envs.interface import RobotSpec
from episodes.formats import LeftOut
from episodes.guard import MAX_FRAMES
from episodes.hdf5 import Episode, default_instruction, events_of
from episodes.lerobot_guard import inside, rows, text, whole
from episodes.lerobot_info import Info, check_length, read_info
from episodes.lerobot_layout import (
    ACTION,
    DATA,
    EPISODES,
    INFO,
    SOURCE_OF,
    TASKS,
    TIME,
    VIDEO,
    Place,
)
from episodes.lerobot_video import decoded
from episodes.record import SOURCES
from episodes.rosbag import Told, commands_of, cut

ROWS_AT_ONCE = 1000  # where all columns are numbers
FORMATS = ("PNG", "JPEG")
BROKEN = (OSError, SyntaxError, ValueError, struct.error, zlib.error, EOFError, IndexError,
          Image.DecompressionBombError)  # what Pillow raises for a damaged picture
TEXTS = ("episode_name", "scenario", "pattern", "distance", "source", "copy_of", "layout")
DEGREES = "lekiwi"  # robots whose names begin so state theta.vel in degrees a second


def read_lerobot(path: str | Path, robot: RobotSpec,
                 told: Told | None = None) -> Iterator[Episode | LeftOut]:
    """The episodes of a data set, in its order; one of several tasks is left out.

    Args:
        path: Its folder.
        robot: Says what m/s are in command units, and how long a decision is.
        told: What a data set of others does not say; its `image_topic` is the camera's column.

    Raises:
        ValueError: one sentence naming the file, what was found and what was expected.
    """
    told, folder = told or Told(), Path(path)
    try:
        import av  # noqa: F401
        import pyarrow  # noqa: F401
    except ModuleNotFoundError as error:
        raise ValueError(f"Reading LeRobot's data sets needs {error.name}: pip install "
                         "'mobile-vla-bench[lerobot]'.") from error
    info = read_info(folder, told.image_topic)
    tasks, frames, count = _read_tasks(folder), _Frames(info), 0
    try:
        for number, row in enumerate(_rows(info)):
            yield _Reading(info, robot, told, tasks, frames, f"{folder}: episode {number}",
                           ).episode(row, number)
            count += 1
    finally:
        frames.close()
    if count != info.episodes:
        raise ValueError(f"{folder}: has {count} episodes, expected the {info.episodes} that "
                         f"{INFO} declares.")


def _rows(info: Info) -> Iterator[dict[str, Any]]:
    """What the data set says of each episode."""
    wanted = ["episode_index", "length", "data/chunk_index", "data/file_index"]
    if info.storage == "video":
        wanted += [f"videos/{info.camera}/{name}"
                   for name in ("chunk_index", "file_index", "from_timestamp")]
    place = Place()
    while (info.folder / place.path(EPISODES)).exists():
        path = inside(info.folder, place.path(EPISODES))
        yield from rows(path, wanted, (*TEXTS, "seed_root", "total_duration_s"))
        following = Place(place.chunk, place.file + 1)
        there = (info.folder / following.path(EPISODES)).exists()
        place = following if there else Place(place.chunk + 1, 0)


def _read_tasks(folder: Path) -> dict[int, str]:
    """The instructions by their numbers."""
    path, found = inside(folder, TASKS), {}
    for row in rows(path, ["task_index"], ("task", "__index_level_0__")):
        task = text(row.get("task", row.get("__index_level_0__")), f"{path}: task")
        found[whole(row["task_index"], f"{path}: task_index")] = task or ""
    return found


class _Frames:
    """The open files: rows of numbers and pictures, each taken once and in order."""

    def __init__(self, info: Info) -> None:
        self._info = info
        self._data: tuple[Place, Generator[dict[str, Any]]] | None = None
        self._video: tuple[Place, Generator[tuple[float, np.ndarray]]] | None = None

    def numbers(self, place: Place) -> Iterator[dict[str, Any]]:
        """The rows of a data file, from where the last episode ended."""
        if self._data is None or self._data[0] != place:
            info = self._info
            path = inside(info.folder, place.path(DATA))
            wanted = [ACTION, "episode_index", "frame_index", "task_index"]
            pictures = info.storage == "image"
            self._data = place, rows(
                path, [*wanted, info.camera] if pictures else wanted,
                (TIME,) if info.has_times else (), 1 if pictures else ROWS_AT_ONCE)
        return self._data[1]

    def pictures(self, place: Place) -> Iterator[tuple[float, np.ndarray]]:
        """The pictures of a video file, from where the last episode ended."""
        if self._video is None or self._video[0] != place:
            info = self._info
            name = VIDEO.format(chunk_index=place.chunk, file_index=place.file,
                                video_key=info.camera)
            self._video = place, decoded(inside(info.folder, name), info.size)
        return self._video[1]

    def close(self) -> None:
        """Close what is open."""
        for opened in (self._data, self._video):
            if opened is not None:
                opened[1].close()


@dataclass(frozen=True)
class _Reading:
    """One episode that is being read."""

    info: Info
    robot: RobotSpec
    told: Told
    tasks: dict[int, str]
    frames: _Frames
    where: str

    def episode(self, row: dict[str, Any], number: int) -> Episode | LeftOut:
        """Everything of it, checked."""
        if row["episode_index"] != number:
            raise ValueError(f"{self.where}: episode_index is {str(row['episode_index'])[:50]}, "
                             f"expected {number}.")
        length = whole(row["length"], f"{self.where}: length", 1, MAX_FRAMES)
        kept = self._kept(length)
        check_length(len(kept), self.info.size, self.where)
        images = np.empty((len(kept), *self.info.size, 3), np.uint8)
        found = self._numbers(row, number, length, kept, images)
        if self.info.storage == "video":
            self._film(row, length, kept, images)
        tasks = {self._task(each) for each in found}
        if len(tasks) > 1:
            return LeftOut("task", f"{self.where}: has {len(tasks)} tasks, expected one for all of "
                                   f"its frames.")
        commands, cut_count = self._commands(
            np.array([each[ACTION] for each in found], np.float64))
        said: dict[str, Any] = {
            name: text(row.get(name), f"{self.where}: {name}") for name in TEXTS}
        stored = said.pop("source") or SOURCE_OF.get(self.info.robot)
        source = stored if self.info.ours else self.told.source
        if source not in SOURCES:
            raise ValueError(f"{self.where}: source is {source!r}, expected one of "
                             f"{', '.join(SOURCES)}.")
        name, scenario = said.pop("episode_name"), said.pop("scenario") or self.told.scenario
        return Episode(
            images=images, commands=commands, events=events_of(commands),
            name=name or f"episode_{number:06d}", scenario=scenario,
            instruction=tasks.pop() or self.told.instruction
            or default_instruction(scenario),
            source=source, time_s=self._times_s(found, kept), path=self.info.folder,
            total_duration_s=self._duration_s(row, length), seed_root=self._root(row),
            cut_count=cut_count, **said)

    def _kept(self, length: int) -> np.ndarray:
        """Which of the frames are decisions: all of ours, of others one every 0.4 s."""
        step = 1.0 if self.info.ours else max(1.0, self.info.fps * self.robot.decision_s)
        return np.floor(np.arange(0, length, step)).astype(int)

    def _numbers(self, row: dict[str, Any], number: int, length: int, kept: np.ndarray,
                 images: np.ndarray) -> list[dict[str, Any]]:
        """The rows of the decisions; pictures that stand in them are unpacked on the way."""
        stream = self.frames.numbers(self._place(row, "data"))
        wanted = {int(frame): place for place, frame in enumerate(kept)}
        found = []
        for frame in range(length):
            each = next(stream, None)
            if each is None or (each["episode_index"], each["frame_index"]) != (number, frame):
                got = None if each is None else (each["episode_index"], each["frame_index"])
                raise ValueError(f"{self.where}: expected its frame {frame} of {length} next in "
                                 f"the data file, got {'its end' if got is None else got}.")
            if frame in wanted:
                picture = each.pop(self.info.camera, None)
                if self.info.storage == "image":
                    images[wanted[frame]] = self._unpacked(picture, frame)
                found.append(each)
        return found

    def _film(self, row: dict[str, Any], length: int, kept: np.ndarray, images: np.ndarray) -> None:
        """Take its pictures out of the video, each at its time."""
        prefix, fps = f"videos/{self.info.camera}", self.info.fps
        start_s = row[f"{prefix}/from_timestamp"]
        if not isinstance(start_s, float) or not math.isfinite(start_s):
            raise ValueError(f"{self.where}: from_timestamp is {str(start_s)[:50]}, expected s.")
        stream = self.frames.pictures(self._place(row, prefix))
        wanted = {int(frame): place for place, frame in enumerate(kept)}
        for frame in range(length):
            due_s = start_s + frame / fps
            time_s, picture = next(
                (each for each in stream if each[0] > due_s - 0.5 / fps), (math.inf, None))
            if picture is None or time_s > due_s + 0.5 / fps:
                raise ValueError(f"{self.where}: the video has no picture at {due_s:g} s, where "
                                 f"its frame {frame} of {length} should stand.")
            if frame in wanted:
                images[wanted[frame]] = picture

    def _place(self, row: dict[str, Any], prefix: str) -> Place:
        return Place(*(whole(row[f"{prefix}/{name}"], f"{self.where}: {prefix}/{name}")
                       for name in ("chunk_index", "file_index")))

    def _unpacked(self, picture: Any, frame: int) -> np.ndarray:
        """A picture out of its bytes; a path beside them is never followed."""
        where = f"{self.where}: the picture of frame {frame}"
        packed = picture.get("bytes") if isinstance(picture, dict) else None
        if not isinstance(packed, bytes):
            raise ValueError(f"{where} has no bytes, expected a PNG or JPEG in the file itself.")
        try:
            opened = Image.open(io.BytesIO(packed), formats=FORMATS)
            size = opened.height, opened.width
            pixels = np.asarray(opened.convert("RGB")) if size == self.info.size else None
        except BROKEN as error:
            raise ValueError(f"{where} cannot be unpacked ({str(error)[:100]}).") from error
        if pixels is None:
            raise ValueError(f"{where} is {size[0]} x {size[1]}, expected "
                             f"{self.info.size[0]} x {self.info.size[1]}.")
        return pixels

    def _commands(self, actions: np.ndarray) -> tuple[np.ndarray, int]:
        """Actions [N, 2 or 3] as commands [N, 3] float32, and how many were cut to the robot's.

        Two numbers never turn.
        """
        if actions.shape[1:] != (self.info.numbers,) or not np.isfinite(actions).all():
            raise ValueError(f"{self.where}: actions must be {self.info.numbers} finite numbers.")
        if self.info.numbers == 2:
            actions = np.concatenate([actions, np.zeros((len(actions), 1))], axis=1)
        if self.info.ours:
            return actions.astype(np.float32), 0
        if self.info.robot.startswith(DEGREES):
            actions = actions * (1, 1, math.pi / 180)
        return cut(commands_of(actions, self.robot, self.told.wire))

    def _task(self, frame: dict[str, Any]) -> str:
        number = frame["task_index"]
        if number not in self.tasks:
            raise ValueError(f"{self.where}: task_index is {str(number)[:50]}, expected one of the "
                             f"{len(self.tasks)} in {TASKS}.")
        return self.tasks[number]

    def _times_s(self, found: list[dict[str, Any]], kept: np.ndarray) -> np.ndarray | None:
        if not self.info.ours:
            return kept / self.info.fps
        times_s = np.array([each.get(TIME, math.nan) for each in found], np.float64)
        return times_s if np.isfinite(times_s).all() else None

    def _duration_s(self, row: dict[str, Any], length: int) -> float | None:
        stored = row.get("total_duration_s") if self.info.ours else length / self.info.fps
        return stored if isinstance(stored, float) and math.isfinite(stored) else None

    def _root(self, row: dict[str, Any]) -> int | None:
        root = row.get("seed_root")
        return root if self.info.ours and isinstance(root, int) and root >= 0 else None
