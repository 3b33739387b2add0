"""What `meta/info.json` of a LeRobot data set says, checked before anything else is opened."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from episodes.guard import MAX_PIXEL_BYTES
from episodes.lerobot_guard import inside, read_object, whole
from episodes.lerobot_layout import (
    ACTION,
    DATA,
    INFO,
    NUMBERS,
    OURS,
    SOURCE_OF,
    STORAGES,
    TIME,
    VIDEO,
)

MOST_PIXELS = 7680 * 4320  # 8K
MOST_FPS = 1000
MOST_FEATURES = 256
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
CONVERT = "`python -m lerobot.scripts.convert_dataset_v21_to_v30` of LeRobot makes v3.0 of v2.1"


@dataclass(frozen=True)
class Info:
    """The parts of it that reading needs."""

    folder: Path
    episodes: int  # how many it says there are
    fps: float
    robot: str
    camera: str  # the column of the pictures
    storage: str  # image | video
    size: tuple[int, int]  # height and width of all pictures
    numbers: int  # of an action: 2 or 3
    has_times: bool  # whether there is a column of seconds
    ours: bool  # whether it was exported here: commands, not velocities


def read_info(folder: Path, camera: str | None) -> Info:
    """Read and check it.

    Args:
        folder: The data set's.
        camera: The column of pictures that is wanted; the only one where none is given.

    Raises:
        ValueError: one sentence naming the file, what was found and what was expected.
    """
    path = inside(folder, INFO)
    told = read_object(path)
    try:
        _check_layout(told)
        features = _features(told)
        camera, storage, size = _camera(features, camera)
        if storage == "video" and told.get("video_path") != VIDEO:
            raise ValueError(f"video_path is {str(told.get('video_path'))[:200]!r}, expected "
                             f"{VIDEO!r}.")
        fps = told.get("fps")
        if not isinstance(fps, int | float) or not math.isfinite(fps) or not 0 < fps <= MOST_FPS:
            raise ValueError(f"fps must be a number above 0 and at most {MOST_FPS}, got "
                             f"{str(fps)[:100]!r}.")
        count = whole(told.get("total_episodes"), "total_episodes")
        robot = str(told.get("robot_type"))
        ours = robot in SOURCE_OF or (folder / OURS).exists()  # LeRobot's tools drop the file
        return Info(folder, count, float(fps), robot, camera, storage, size, _numbers(features),
                    TIME in features, ours)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _check_layout(told: dict[str, Any]) -> None:
    """Only LeRobot's own file names: whoever writes others wants to lead somewhere else."""
    version = told.get("codebase_version")
    if not isinstance(version, str) or not version.startswith("v3."):
        raise ValueError(f"codebase_version is {str(version)[:100]!r}, expected v3.0; {CONVERT}.")
    if told.get("data_path") != DATA:
        raise ValueError(f"data_path is {str(told.get('data_path'))[:200]!r}, expected {DATA!r}.")


def _features(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    features = told.get("features")
    if not isinstance(features, dict) or not 0 < len(features) <= MOST_FEATURES:
        raise ValueError(f"features must be an object of at most {MOST_FEATURES} columns.")
    for name, feature in features.items():
        if not _NAME.fullmatch(name) or not isinstance(feature, dict):
            raise ValueError(f"features has {name[:100]!r}, expected names of letters, digits, "
                             f"'_', '-' and '.' that do not begin with '.', each an object.")
    return features


def _camera(features: dict[str, dict[str, Any]],
            wanted: str | None) -> tuple[str, str, tuple[int, int]]:
    """Which column has the pictures, how they are stored, their height and width."""
    found = [name for name, feature in features.items() if feature.get("dtype") in STORAGES]
    if wanted is None and len(found) == 1:
        wanted = found[0]
    if wanted not in found:
        raise ValueError(f"expected one camera{f' {wanted}' if wanted else ''}, got "
                         f"{', '.join(found) or 'none'}; name the column (--image-topic).")
    feature = features[wanted]
    shape = feature.get("shape")
    if isinstance(shape, list) and len(shape) == 3:
        sides = [whole(side, f"shape of {wanted}", 1, MOST_PIXELS) for side in shape]
        height, width = sides[:2] if sides[2] == 3 else sides[1:]
        if 3 in (sides[0], sides[2]) and height * width <= MOST_PIXELS:
            return wanted, str(feature["dtype"]), (height, width)
    raise ValueError(f"{wanted} has the shape {str(shape)[:100]}, expected [height, width, 3] of "
                     f"at most {MOST_PIXELS} pixels.")


def _numbers(features: dict[str, dict[str, Any]]) -> int:
    """How many numbers an action has, by their names: nothing is guessed, filled up or cut."""
    action = features.get(ACTION, {})
    names, shape = action.get("names"), action.get("shape")
    for count in (2, 3):
        if names == list(NUMBERS[:count]) and shape == [count]:
            return count
    raise ValueError(f"action has the names {str(names)[:200]} and the shape {str(shape)[:50]}, "
                     f"expected {list(NUMBERS)} or the first two: a mobile base.")


def check_length(frames: int, size: tuple[int, int], where: str) -> None:
    """Refuse an episode that would not fit.

    Raises:
        ValueError: if it has more than 2 GiB of pixels.
    """
    if frames * size[0] * size[1] * 3 > MAX_PIXEL_BYTES:
        raise ValueError(f"{where} has {frames} pictures of {size[0]} x {size[1]}, expected at "
                         f"most {MAX_PIXEL_BYTES // 1024**3} GiB of pixels.")
