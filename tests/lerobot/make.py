"""Exports for LeRobot's own reader to open, and what it must find in them, made by our Python.

`tox -e lerobot` runs this, then `check.py` and `check_hub.py` by a Python that has LeRobot, then
`read_back.py`.
"""

import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np

from episodes.hdf5 import find_episodes, read_episode
from episodes.lerobot_layout import Limits
from episodes.lerobot_write import write_lerobot

SEED = 3
REPEATS = {"image": 2, "video": 8}  # so often until several files are full


def run(*words: object) -> None:
    subprocess.run([sys.executable, "-m", *map(str, words)], check=True)


def driven(path: Path) -> dict[str, object]:
    """What `env.py` needs to lay out the same world again."""
    with h5py.File(path) as file:
        told = file["sim"].attrs
        return {"scenario": told["scenario"], "seed": int(told["seed"])}


def main(folder: Path) -> None:
    recorded = folder / "episodes"
    run("episodes.generate", "--scenario", "all", "--episodes", 8, "--seed", SEED, "--out",
        recorded)
    for name in ("lerobot", "lerobot_video", "lerobot_xy"):
        run("episodes.convert", recorded, "--to", name, "--out", folder / name)
    episodes = [read_episode(path) for path in find_episodes(recorded)]
    for storage, repeats in REPEATS.items():
        many = folder / f"many_{storage}"  # files of 1 MB, folders of two files
        many.mkdir()
        long = [episode for _ in range(repeats) for episode in episodes]
        write_lerobot(many, long, storage, limits=Limits(2, 1, 1))
    images, commands = zip(*(episode.decisions for episode in episodes))
    np.savez(folder / "expected.npz", images=np.concatenate(images),
             commands=np.concatenate(commands),
             episode=np.repeat(np.arange(len(images)), [len(each) for each in images]))
    (folder / "tasks.json").write_text(json.dumps([each.instruction for each in episodes]))
    (folder / "driven.json").write_text(json.dumps(
        [driven(path) for path in find_episodes(recorded)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
