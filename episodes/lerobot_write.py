"""Episodes as a LeRobotDataset v3.0: one folder, opened by LeRobot itself, one episode at a time.

Decisions are written: the laboratory's artificial first frame and padding are left out, since
LeRobot trains on every frame. Real, simulated and dummy episodes never share a folder.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from episodes import lerobot_stats
from episodes.hdf5 import Episode
from episodes.lerobot_card import card
from episodes.lerobot_layout import (
    ACTION,
    CAMERA,
    DATA,
    EPISODES,
    INFO,
    OURS,
    ROBOT,
    STATE,
    STATS,
    STORAGES,
    TASKS,
    TIME,
    VERSION,
    VIDEO,
    Limits,
    features,
)
from episodes.lerobot_tables import Tables, data_table, episodes_table, write_tasks
from episodes.lerobot_video import Videos, described

PNG_LEVEL = 3  # of 9
ROWS_AT_ONCE = 100  # of episodes that wait to be written
FASTEST_HZ = 240  # a clock that says more is wrong; the encoder takes no more either
DECISION_S = 0.4  # of an episode that does not say when its pictures were taken
TEXTS = ("episode_name", "scenario", "pattern", "distance", "source", "copy_of", "layout")
UNITS = "command units, each from -1.15 to 1.15; linear_x forward, linear_y left, angular_z left"


def write_lerobot(folder: Path, episodes: Iterable[Episode], storage: str = "image",
                  numbers: int = 3, limits: Limits | None = None) -> None:
    """Fill an empty folder; `episodes.atomic.whole_folder` makes it appear whole or not at all.

    Args:
        folder: Where.
        episodes: Pictures of one size, one source, each with an instruction.
        storage: `image` keeps every pixel, `video` does not and is small.
        numbers: Of an action: 3, or 2 where nothing ever turns.
        limits: How large files and folders become.

    Raises:
        ValueError: for an episode that does not fit to those before it, or to `numbers`.
        OSError: if the disk refuses.
    """
    if storage not in STORAGES or numbers not in (2, 3):
        raise ValueError(f"Expected storage as one of {', '.join(STORAGES)} and 2 or 3 numbers an "
                         f"action, got {storage!r} and {numbers}.")
    try:
        import av  # noqa: F401
        import pyarrow  # noqa: F401
    except ModuleNotFoundError as error:
        raise ValueError(f"Writing for LeRobot needs {error.name}: pip install "
                         "'mobile-vla-bench[lerobot]'.") from error
    data_set: _DataSet | None = None
    for episode in episodes:
        if data_set is None:
            data_set = _DataSet(folder, episode, storage, numbers, limits or Limits())
        data_set.add(episode)
    if data_set is not None:
        data_set.close()


class _DataSet:
    """One that is being written."""

    def __init__(self, folder: Path, first: Episode, storage: str, numbers: int,
                 limits: Limits) -> None:
        """What the first episode is like, all are."""
        self._folder, self._numbers, self._limits = folder, numbers, limits
        self._source, self._size = first.source, first.images.shape[1:3]
        self._rate_hz = rate_hz(first)
        self._fps = max(1, math.floor(self._rate_hz + 0.5))
        self._videos = (Videos(folder, self._fps, self._size, limits) if storage == "video"
                        else None)
        self._data, self._meta = (Tables(folder, each, limits) for each in (DATA, EPISODES))
        self._tasks: dict[str, int] = {}
        self._scenarios: dict[str, int] = {}
        self._rows: list[dict[str, Any]] = []
        self._stats: dict[str, lerobot_stats.Stats] = {}
        self._episodes = self._frames = 0

    def add(self, episode: Episode) -> None:
        """Write one; nothing of it stays in memory but its row."""
        images, commands = episode.decisions
        self._check(episode, images, commands)
        columns = self._columns(episode, commands)
        pngs = [_png(image) for image in images] if self._videos is None else None
        table = data_table(columns, pngs)
        place = self._data.room_for(table.nbytes)
        self._data.add(table)
        stats = {CAMERA: lerobot_stats.of_pictures(images),
                 **{name: lerobot_stats.of_vectors(values) for name, values in columns.items()
                    if name != TIME}}  # not every episode says when
        self._stats = {name: lerobot_stats.merged(self._stats.get(name), each)
                       for name, each in stats.items()}
        self._rows.append({
            "episode_index": self._episodes, "tasks": [episode.instruction], "length": len(images),
            **place.columns("data"), "dataset_from_index": self._frames,
            "dataset_to_index": self._frames + len(images),
            **(self._videos.add(images) if self._videos else {}), **_facts(episode),
            **{f"stats/{column}/{name}": value.tolist() for column, each in stats.items()
               for name, value in each.items()}})
        if len(self._rows) == ROWS_AT_ONCE:
            self._write_rows()
        self._episodes += 1
        self._frames += len(images)
        said = str(episode.scenario)
        self._scenarios[said] = self._scenarios.get(said, 0) + 1

    def close(self) -> None:
        """Finish all files and write what they are."""
        if self._rows:
            self._write_rows()
        self._data.close()
        self._meta.close()
        if self._videos:
            self._videos.close()
        write_tasks(self._folder / TASKS, list(self._tasks))
        ours = {"source": self._source, "scenarios": self._scenarios, "units": UNITS,
                "state": "the command in force when the picture was taken; nothing is measured",
                "rate_hz": self._rate_hz, "numbers": self._numbers, "colours": "RGB, upright"}
        for path, content in ((INFO, self._info()), (STATS, lerobot_stats.as_json(self._stats)),
                              (OURS, ours)):
            text = json.dumps(content, indent=4, ensure_ascii=False, allow_nan=False)
            (self._folder / path).write_text(text + "\n", encoding="utf-8")
        (self._folder / "README.md").write_text(
            card(self._info(), ours, list(self._tasks)), encoding="utf-8")

    def _check(self, episode: Episode, images: np.ndarray, commands: np.ndarray) -> None:
        where = f"{episode.path}: "
        if episode.source != self._source:
            raise ValueError(f"{where}is {episode.source}, expected {self._source} as those before "
                             f"it; convert each into a folder of its own.")
        if images.shape[1:3] != self._size or not len(images):
            raise ValueError(f"{where}has pictures {list(images.shape)}, expected some of "
                             f"{list(self._size)} as in those before it.")
        if not episode.instruction:
            raise ValueError(f"{where}has no instruction, expected one: LeRobot's task.")
        if self._numbers == 2 and commands[:, 2].any():
            frame = int(np.flatnonzero(commands[:, 2])[0])
            raise ValueError(f"{where}turns (angular_z {commands[frame, 2]:g} in decision "
                             f"{frame}), which actions of 2 numbers cannot say; expected 3.")

    def _columns(self, episode: Episode, commands: np.ndarray) -> dict[str, np.ndarray]:
        count = len(commands)
        frames = np.arange(count)
        instruction = str(episode.instruction)
        task = self._tasks.setdefault(instruction, len(self._tasks))
        return {
            STATE: np.concatenate([np.zeros((1, 3), np.float32), commands[:-1]]),
            ACTION: np.ascontiguousarray(commands[:, :self._numbers]), TIME: _times_s(episode),
            "timestamp": (frames / self._fps).astype(np.float32), "frame_index": frames,
            "episode_index": np.full(count, self._episodes), "index": self._frames + frames,
            "task_index": np.full(count, task)}

    def _write_rows(self) -> None:
        table = episodes_table(self._rows, TEXTS)
        place = self._meta.room_for(table.nbytes)
        for name, value in place.columns("meta/episodes").items():
            table = table.append_column(name, [[value] * len(table)])
        self._meta.add(table)
        self._rows = []

    def _info(self) -> dict[str, Any]:
        storage = "video" if self._videos else "image"
        return {
            "codebase_version": VERSION, "robot_type": f"{ROBOT}{self._source}",
            "total_episodes": self._episodes, "total_frames": self._frames,
            "total_tasks": len(self._tasks), **asdict(self._limits), "fps": self._fps,
            "splits": {"train": f"0:{self._episodes}"}, "data_path": DATA,
            "video_path": VIDEO if self._videos else None,
            "features": features(storage, self._size, self._numbers, described(self._fps))}


def rate_hz(episode: Episode) -> float:
    """Decisions a second, by its times, else by its duration, else the simulator's."""
    times_s = _times_s(episode)
    count = len(times_s)
    said = [np.median(np.diff(times_s))] if count > 1 and np.isfinite(times_s).all() else []
    if episode.total_duration_s is not None and count > 1:
        said.append(episode.total_duration_s / count)
    return next((float(1 / step_s) for step_s in said if 1 / FASTEST_HZ <= step_s < math.inf),
                1 / DECISION_S)


def _times_s(episode: Episode) -> np.ndarray:
    """When each decision's picture was taken [N] float64; NaN where nobody knows."""
    kept = np.flatnonzero([event != "episode_start" for event in episode.events])
    kept = kept[:episode.decision_count]
    return np.full(len(kept), np.nan) if episode.time_s is None else episode.time_s[kept]


def _facts(episode: Episode) -> dict[str, Any]:
    """What LeRobot has no column for."""
    return {"episode_name": episode.name, "scenario": episode.scenario,
            "pattern": episode.pattern, "distance": episode.distance, "source": episode.source,
            "copy_of": episode.copy_of, "layout": episode.layout,
            "seed_root": -1 if episode.seed_root is None else episode.seed_root,
            "total_duration_s": (math.nan if episode.total_duration_s is None
                                 else episode.total_duration_s)}


def _png(image: np.ndarray) -> bytes:
    packed = io.BytesIO()
    Image.fromarray(image).save(packed, "PNG", compress_level=PNG_LEVEL)
    return packed.getvalue()
