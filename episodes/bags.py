"""ROS bags as a format to convert from: one, or all of a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from envs import load_robot
from episodes.formats import Given, LeftOut
from episodes.hdf5 import Episode
from episodes.rosbag import read_bag

FOLDER_FILE = "metadata.yaml"  # in every folder of rosbag2 that was closed
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
    return list(_inside(path)) or [path]


def _inside(folder: Path) -> Iterator[Path]:
    """The bags below a folder, sorted; of one whose recorder was killed, its files."""
    for each in sorted(folder.iterdir()):
        if (each / FOLDER_FILE).exists() or (each.is_file() and each.suffix in SUFFIXES):
            yield each
        elif each.is_dir() and not each.is_symlink() and not each.name.startswith("."):
            yield from _inside(each)
