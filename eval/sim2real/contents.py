"""What pictures and commands of recorded episodes are like, as numbers that two sides share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from envs.interface import COMMAND_LIMIT
from episodes.hdf5 import Episode

GREY = np.array([0.299, 0.587, 0.114], np.float32)
SATURATED = 250.0  # grey levels
ACTIVE = 0.1  # command units: the laboratory's dead band
PICTURES = {  # of one picture -> what it is
    "red": "mean of the channel, 0 to 255", "green": "the same", "blue": "the same",
    "contrast": "standard deviation of grey levels",
    "saturated": "share of pixels at 250 or more in some channel",
    "sharpness": "mean absolute difference of neighbours in grey levels, of 224 pixels across",
}
COMMANDS = {  # of one episode -> what it is
    "decisions": "per episode",
    "forward": "share of decisions with linear x beyond the dead band, forward",
    "sideways": "share with linear y beyond it",
    "turning": "share with angular z beyond it", "still": "share with nothing beyond it",
    "size": "mean of the largest component, command units",
    "changes": "share of decisions that differ from the one before",
    "at_limit": "share with some component at the limit of 1.15",
}


def picture_numbers(rgb: np.ndarray) -> dict[str, float]:
    """The numbers of `PICTURES` for one picture [H, W, 3] uint8."""
    pixels = rgb.astype(np.float32)
    grey = pixels @ GREY
    step = max(1, round(rgb.shape[1] / 224))
    small = grey[::step, ::step]
    return {**dict(zip(("red", "green", "blue"), pixels.mean(axis=(0, 1)).tolist())),
            "contrast": float(grey.std()),
            "saturated": float((pixels >= SATURATED).any(axis=2).mean()),
            "sharpness": float(np.abs(np.diff(small, axis=1)).mean())}


def command_numbers(commands: np.ndarray) -> dict[str, float]:
    """The numbers of `COMMANDS` for an episode's commands [N, 3], N >= 1."""
    active = np.abs(commands) > ACTIVE
    changed = np.any(np.abs(np.diff(commands, axis=0)) > 1e-6, axis=1)
    return {"decisions": float(len(commands)),
            "forward": float((commands[:, 0] > ACTIVE).mean()),
            "sideways": float(active[:, 1].mean()), "turning": float(active[:, 2].mean()),
            "still": float((~active.any(axis=1)).mean()),
            "size": float(np.abs(commands).max(axis=1).mean()),
            "changes": float(changed.mean()) if len(changed) else 0.0,
            "at_limit": float((np.abs(commands) > COMMAND_LIMIT - 1e-4).any(axis=1).mean())}


def contents(episode: Episode) -> dict[str, float]:
    """All numbers of an episode; those of pictures are means over its decisions."""
    images, commands = episode.decisions
    seen = [picture_numbers(each) for each in images]
    return {**{name: float(np.mean([each[name] for each in seen])) for name in PICTURES},
            **command_numbers(commands)}


def apart(one: Sequence[dict[str, float]],
          other: Sequence[dict[str, float]]) -> dict[str, tuple[float, float, float | None]]:
    """Of every number: both means, and their distance in spreads of both sides' episodes."""
    found = {}
    for name in (*PICTURES, *COMMANDS):
        mine, theirs = _column(one, name), _column(other, name)
        spread = float(np.sqrt((mine.var() + theirs.var()) / 2))
        distance = float(mine.mean() - theirs.mean())
        found[name] = (float(mine.mean()), float(theirs.mean()),
                       distance / spread if spread > 1e-9 else None)
    return found


def _column(rows: Iterable[dict[str, float]], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows])
