"""Reads what LeRobot's own writer wrote (`check.py`), by our Python."""

import sys
from pathlib import Path

import numpy as np

from envs import load_robot
from episodes.lerobot_read import read_lerobot
from episodes.rosbag import Told


def main(folder: Path) -> None:
    for storage, most in (("image", 0), ("video", 6)):
        found = list(read_lerobot(folder / f"theirs_{storage}", load_robot(),
                                  Told(scenario="1box_vert_left")))
        assert [each.instruction for each in found] == ["Way 0", "Way 1", "Way 2"]
        for episode, each in enumerate(found):
            frames = np.arange(0, 8 + episode, 2)  # of 5 a second, one every 0.4 s
            shown = 20 * frames + episode
            assert np.abs(each.images.astype(int) - shown[:, None, None, None]).max() <= most
            assert np.allclose(each.commands[:, 0], 0.25 / 0.5 * 1.15)
            assert np.allclose(each.commands[:, 1], 0.01 * frames / 0.5 * 1.15)
            assert np.allclose(each.time_s, frames / 5)
            assert each.source == "real"
    print("LeRobot's own data sets, images and videos: read back.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
