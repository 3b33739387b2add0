"""What frozen towers make of episodes, computed once: heads then train in minutes."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from envs.planner import geodesic_m
from episodes.hdf5 import Episode, read_episode
from episodes.truths import read_truth
from policies.hybrid import Hybrid
from scenarios import SIDELESS, load, names

logger = logging.getLogger(__name__)
BATCH = 64


@dataclass
class Features:
    """N decisions of many episodes, one after the other; `join` makes the head's input of both."""

    policy: Hybrid
    seen: torch.Tensor  # [N, V] float32, of each decision's picture
    commands: torch.Tensor  # [N, 2] float32: linear_x, linear_y in command units
    episodes: np.ndarray  # [N] int64: number of the episode
    layouts: np.ndarray  # [N] int64: number of its layout; left and right of one seed share it
    steps: np.ndarray  # [N] int64: number of the decision in its episode
    texts: torch.Tensor  # [T, D] float32: every wording, read once
    wordings: list[list[int]]  # per episode: its wordings' rows in `texts`, the default first

    def windows(self, rows: np.ndarray, window: int,
                rng: np.random.Generator | None) -> tuple[torch.Tensor, torch.Tensor]:
        """Windows [B, window, D] and their lengths [B]; frames first, zeros behind.

        With a generator each row gets one of its episode's wordings by chance, else the default.
        """
        lengths = np.minimum(self.steps[rows] + 1, window)
        offset = np.arange(window)
        frame = rows[:, None] - (lengths[:, None] - 1) + offset[None]  # [B, W]
        valid = offset[None] < lengths[:, None]
        seen = self.seen[np.where(valid, frame, rows[:, None])]
        picked = [self._wording(self.wordings[episode], rng) for episode in self.episodes[rows]]
        text = self.texts[picked][:, None].expand(-1, window, -1)
        joined = self.policy.join(seen, text)
        return joined * torch.from_numpy(valid)[..., None], torch.from_numpy(lengths)

    @staticmethod
    def _wording(choices: Sequence[int], rng: np.random.Generator | None) -> int:
        return choices[0] if rng is None else choices[int(rng.integers(len(choices)))]


def compute(policy: Hybrid, paths: Sequence[Path], cache: Path) -> Features:
    """Look at every picture of the episodes once; what was looked at before is read from `cache`.

    Raises:
        ValueError: for an episode without an instruction, or a file that is none.
    """
    cache.mkdir(parents=True, exist_ok=True)
    seen, commands, numbers, layouts, steps, wordings = [], [], [], [], [], []
    sentences: dict[str, int] = {}
    places: dict[str, int] = {}
    made_of = " ".join([policy.towers_hash, *(load(name).hash() for name in names())])
    for number, path in enumerate(paths):
        stored = _cached(policy, path, cache, made_of)
        seen.append(torch.from_numpy(stored["seen"]))
        commands.append(torch.from_numpy(stored["commands"]))
        numbers.append(np.full(len(stored["seen"]), number))
        layout = places.setdefault(str(stored["layout"]), len(places))
        layouts.append(np.full(len(stored["seen"]), layout))
        steps.append(np.arange(len(stored["seen"])))
        said = [str(text) for text in stored["texts"]]
        wordings.append([sentences.setdefault(text, len(sentences)) for text in said])
        if (number + 1) % 100 == 0:
            logger.info("features: %d of %d episodes", number + 1, len(paths))
    with torch.inference_mode():
        texts = policy.read(list(sentences)).cpu()
    return Features(policy, torch.cat(seen), torch.cat(commands), np.concatenate(numbers),
                    np.concatenate(layouts), np.concatenate(steps), texts.clone(), wordings)


def wordings(episode: Episode) -> list[str]:
    """What an episode may be called: its own instruction first, then its scenario's wordings.

    An episode that went the shorter way may be called without a side too, so that the policy has an
    answer where it is told none: the shorter way. Recordings do not say which way was shorter.

    Raises:
        ValueError: if it has no instruction and no known scenario.
    """
    if episode.instruction is None:
        raise ValueError(f"{episode.path}: has no instruction and no known scenario in its name; "
                         f"expected one of {', '.join(names())} in the file name.")
    known = load(episode.scenario).instructions.all() if episode.scenario in names() else ()
    sideless = SIDELESS if _went_the_shorter_way(episode.path) else ()
    return list(dict.fromkeys([episode.instruction, *known, *sideless]))


def _layout(path: Path) -> str:
    """What tells where an episode's things stand; a recording is a layout of its own."""
    truth = read_truth(path)
    return str(path) if truth is None else repr((truth.robot, truth.boxes, truth.cup))


def _went_the_shorter_way(path: Path) -> bool:
    """Whether the commanded side is the shorter one, by the truth that a simulated file keeps."""
    truth = read_truth(path)
    if truth is None:
        return False
    other = replace(truth, pass_side="right" if truth.pass_side == "left" else "left")
    return geodesic_m(truth) < geodesic_m(other)


def _cached(policy: Hybrid, path: Path, cache: Path, made_of: str) -> dict[str, np.ndarray]:
    """One episode's features, computed or read back; `made_of` names towers and wordings."""
    stamp = path.stat()
    key = f"{path.resolve()} {stamp.st_size} {stamp.st_mtime_ns} {made_of}"
    place = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    if place.is_file():
        with np.load(place) as stored:
            return dict(stored)
    episode = read_episode(path)
    pictures, commands = episode.decisions
    with torch.inference_mode():
        seen = torch.cat([policy.look(list(pictures[k:k + BATCH]))
                          for k in range(0, len(pictures), BATCH)])
    stored = {"seen": seen.cpu().numpy(), "commands": commands[:, :2].astype(np.float32),
              "texts": np.array(wordings(episode)), "layout": np.array(_layout(path))}
    temporary = cache / f".{os.getpid()}.npz"
    np.savez(temporary, **stored)
    os.replace(temporary, place)
    return stored
