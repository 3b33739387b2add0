"""ROS bags as a format to convert from: one, or all of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from envs import load_robot
from episodes.formats import Given, LeftOut
from episodes.hdf5 import Episode
from episodes.rosbag import read_bag

FOLDER_FILE = "metadata.yaml"  # in every folder of rosbag2
SUFFIXES = (".bag", ".db3", ".mcap")


def read_bags(path: Path, given: Given) -> Iterator[Episode | LeftOut]:
    """The episodes of a bag, or of the bags in a folder.

    Raises:
        ValueError: if there is none, or the only one cannot be read.
    """
    robot = load_robot(given.robot)
    for each in _bags(path):
        try:
            for episode in read_bag(each, robot, given):
                yield replace(episode, place=episode.name)
        except ValueError as error:
            if each == path:
                raise
            yield LeftOut("unreadable", str(error))


def _bags(path: Path) -> list[Path]:
    if not path.is_dir() or (path / FOLDER_FILE).exists():
        return [path]
    found = [each for each in sorted(path.iterdir())
             if (each / FOLDER_FILE).exists() or (each.is_file() and each.suffix in SUFFIXES)]
    return found or [path]
