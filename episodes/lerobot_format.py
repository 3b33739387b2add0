"""LeRobot's data sets as formats of `episodes.convert`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from envs import load_robot
from episodes.formats import Asked, Given, LeftOut
from episodes.hdf5 import Episode
from episodes.lerobot_read import read_lerobot
from episodes.lerobot_write import write_lerobot


def read(path: Path, given: Given) -> Iterator[Episode | LeftOut]:
    """The episodes of a data set; one that is damaged ends it.

    Raises:
        ValueError: one sentence naming the file, what was found and what was expected.
    """
    yield from read_lerobot(path, load_robot(given.robot), given)


def write_images(folder: Path, episodes: Iterable[Episode], asked: Asked) -> None:
    """Every pixel as it was, as PNG in the parquet files."""
    write_lerobot(folder, episodes, "image")


def write_videos(folder: Path, episodes: Iterable[Episode], asked: Asked) -> None:
    """Small: pictures as AV1 in mp4 files, which changes pixels."""
    write_lerobot(folder, episodes, "video")


def write_plane(folder: Path, episodes: Iterable[Episode], asked: Asked) -> None:
    """Every pixel as it was, and actions of two numbers: x.vel and y.vel.

    Raises:
        ValueError: for an episode that turns.
    """
    write_lerobot(folder, episodes, "image", numbers=2)
