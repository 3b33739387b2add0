"""What recorded episodes say of camera and drive: which way was commanded, where the cup was seen.

Everything is in the frame of the robot at an episode's first picture: x forward, y left. Nothing
recorded here turns; where an episode does, it is used only up to there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from envs.interface import RobotSpec
from episodes.hdf5 import Episode
from eval.sim2real.target import Sighting, find_target


@dataclass(frozen=True)
class Track:
    """One episode: N pictures, the commands between them, and M sightings of the cup."""

    name: str
    source: str  # real | simulated | dummy
    directions: np.ndarray  # [N, 2]: which way each command drives, as a share of full speed
    frames: np.ndarray  # [M] int: in which pictures the cup was seen
    sightings: np.ndarray  # [M, 4]: as `Sighting`
    pictures: int  # that were looked at
    rgb_size: tuple[int, int]  # height and width in pixels


def track(episode: Episode, robot: RobotSpec) -> Track:
    """Look for the cup in every picture that was taken before the robot turned.

    Args:
        episode: As read from its file.
        robot: Says which way a command drives; its speed does not matter.
    """
    images, commands = episode.decisions
    velocity = np.array([robot.velocity(each) for each in commands]).reshape(-1, 3)
    turns = np.flatnonzero(np.abs(velocity[:, 2]) > 1e-9)
    used = int(turns[0]) + 1 if len(turns) else len(images)
    found = {number: each for number, image in enumerate(images[:used])
             if (each := find_target(image)) is not None}
    return Track(episode.path.name, episode.source, velocity[:, :2] / robot.speed_m_s,
                 np.array(list(found), np.int64),
                 np.array(list(found.values()), np.float64).reshape(-1, len(Sighting._fields)),
                 used, images.shape[1:3])


def seen(tracks: Iterable[Track]) -> tuple[int, int]:
    """In how many pictures the cup was found, of how many."""
    found = list(tracks)
    return sum(len(each.frames) for each in found), sum(each.pictures for each in found)
