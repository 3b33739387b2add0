"""What frozen towers make of episodes, computed once: heads then train in minutes."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from envs.planner import geodesic_m
from episodes.formats import layout_of
from episodes.hdf5 import Episode, read_episode
from episodes.truths import read_truth
from policies.backbone import ACTION, FRAME_PARTS, TEXT_PARTS, Backbone, Parts
from policies.head import Wants
from scenarios import SIDELESS, load, names

logger = logging.getLogger(__name__)
BATCH = 64
ASKED = 3  # wordings of an episode that its pictures are asked about: the default, and some others


@dataclass
class Features:
    """N decisions of many episodes, one after the other."""

    seen: Parts  # frame parts, each [N, ...]
    commands: torch.Tensor  # [N, 2] float32: linear_x, linear_y in command units
    episodes: np.ndarray  # [N] int64: number of the episode
    layouts: np.ndarray  # [N] int64: number of its layout; left and right of one seed share it
    steps: np.ndarray  # [N] int64: number of the decision in its episode
    texts: Parts  # text parts, each [T, width]: every wording, read once
    wordings: list[list[int]]  # per episode: its wordings' rows in `texts`, the default first
    answers: torch.Tensor | None = None  # [N, ASKED, width]: of the action token
    difficulty: np.ndarray = field(default_factory=lambda: np.zeros(0))  # [N]: see `_difficulty`
    sources: tuple[str, ...] = ()  # per episode: real, simulated or dummy
    said: str = ""  # a digest of which episode is called what
    ends: np.ndarray = field(init=False)  # [N] int64: one past the last decision of its episode

    def __post_init__(self) -> None:
        """Find where episodes end; without a word about difficulty all are alike."""
        if not len(self.difficulty):
            self.difficulty = np.zeros(len(self.episodes))
        last = np.append(np.flatnonzero(np.diff(self.episodes)) + 1, len(self.episodes))
        self.ends = last[np.searchsorted(last, np.arange(len(self.episodes)), side="right")]

    def windows(self, rows: np.ndarray, wants: Wants,
                rng: np.random.Generator | None) -> tuple[Parts, torch.Tensor]:
        """Parts as a head wants them and their lengths [B]; frames first, zeros behind.

        With a generator each row gets one of its episode's wordings by chance, else the default.
        """
        lengths = np.minimum(self.steps[rows] + 1, wants.window)
        frame, valid = self._frames(rows, lengths, wants.window)
        choice = [self._wording(self.wordings[number], rng, ACTION in wants.frame)
                  for number in self.episodes[rows]]
        there = torch.from_numpy(valid)
        parts = {}
        for name in wants.frame:
            if name == ACTION and self.answers is not None:
                found = self.answers[frame, np.array(choice)[:, None]]
            else:
                found = self.seen[name][frame]
            found = found.float()
            parts[name] = found * there.view(*there.shape, *[1] * (found.ndim - 2))
        picked = [self.wordings[number][k] for number, k in zip(self.episodes[rows], choice)]
        parts |= {name: self.texts[name][picked] for name in wants.text}
        return parts, torch.from_numpy(lengths)

    def targets(self, rows: np.ndarray, wants: Wants,
                stop_weight: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
        """Right answers [B, W, plan, 2] for every frame of the windows, their weights [B, W, plan].

        A weight is 0 where there is no answer, 1 for a motion, `stop_weight` for standing still.
        A plan ends with its episode. Early frames of a window in mid-episode count too, though no
        robot looks back so little there: meant to teach to believe the picture, not the count of
        steps alone (docs/training.md has what was measured).
        """
        lengths = np.minimum(self.steps[rows] + 1, wants.window)
        frame, valid = self._frames(rows, lengths, wants.window)
        ahead = frame[..., None] + np.arange(wants.plan)
        within = valid[..., None] & (ahead < self.ends[rows][:, None, None])
        commands = self.commands[np.minimum(ahead, len(self.commands) - 1)]
        stands = (commands == 0).all(dim=-1)
        weights = torch.where(stands, stop_weight, 1.0) * torch.from_numpy(within)
        return commands, weights.float()

    def covering(self, rows: np.ndarray, wants: Wants) -> np.ndarray:
        """Those of whole episodes' decisions whose windows answer for each with all it may see."""
        if wants.only_last:
            return rows
        return rows[(self.steps[rows] >= wants.window - 1) | (rows == self.ends[rows] - 1)]

    @staticmethod
    def _frames(rows: np.ndarray, lengths: np.ndarray,
                window: int) -> tuple[np.ndarray, np.ndarray]:
        """Which decision is which frame of a window [B, W], and whether it counts."""
        offset = np.arange(window)
        frame = rows[:, None] - (lengths[:, None] - 1) + offset[None]
        valid = offset[None] < lengths[:, None]
        return np.where(valid, frame, rows[:, None]), valid

    @staticmethod
    def _wording(choices: Sequence[int], rng: np.random.Generator | None, asked: bool) -> int:
        most = min(len(choices), ASKED) if asked else len(choices)
        return 0 if rng is None else int(rng.integers(most))


def compute(backbone: Backbone, paths: Sequence[Path], cache: Path,
            parts: Sequence[str]) -> Features:
    """Look at every picture of the episodes once; what was looked at before is read from `cache`.

    Args:
        backbone: The frozen towers.
        paths: Episode files.
        cache: A folder.
        parts: Which features; `action` answers to a few wordings of each episode.

    Raises:
        ValueError: for an episode without an instruction, or a file that is none.
    """
    cache.mkdir(parents=True, exist_ok=True)
    looked = [name for name in FRAME_PARTS if name in parts]
    looked += ["kosmos_latents"] if ACTION in parts and "kosmos_latents" not in looked else []
    found: list[dict[str, np.ndarray]] = []
    sentences: dict[str, int] = {}
    places: dict[str, int] = {}
    wordings, sources = [], []
    made_of = " ".join([backbone.hash, *looked, *(load(name).hash() for name in names())])
    for number, path in enumerate(paths):
        place = _place(path, cache, made_of)
        stored = _kept(place, partial(_looked, backbone, path, looked))
        if ACTION in parts:
            stored |= _kept(place.with_suffix(".answers.npz"), partial(_asked, backbone, stored))
        wordings.append([sentences.setdefault(text, len(sentences))
                         for text in spellings(stored.pop("texts").tolist())])
        sources.append(str(stored.pop("source")))
        layout = places.setdefault(str(stored.pop("layout")), len(places))
        count = len(stored["commands"])
        found.append(stored | {"episode": np.full(count, number), "step": np.arange(count),
                               "layout": np.full(count, layout),
                               "difficulty": np.full(count, stored["difficulty"])})
        if (number + 1) % 500 == 0:
            logger.info("features: %d of %d episodes", number + 1, len(paths))
    return _gathered(backbone, found, looked, parts, list(sentences), wordings, tuple(sources))


def _gathered(backbone: Backbone, found: list[dict[str, np.ndarray]], looked: Sequence[str],
              parts: Sequence[str], sentences: list[str], wordings: list[list[int]],
              sources: tuple[str, ...]) -> Features:
    """All episodes side by side, every sentence read."""
    known = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    with torch.inference_mode():
        texts = backbone.read(sentences, [name for name in TEXT_PARTS if name in parts])
    answers = torch.from_numpy(known["answers"]) if ACTION in parts else None
    said = hashlib.sha256(json.dumps([sentences, wordings]).encode()).hexdigest()
    return Features(
        {name: torch.from_numpy(known[name]) for name in looked},
        torch.from_numpy(known["commands"]), known["episode"], known["layout"], known["step"],
        {name: part.cpu().clone() for name, part in texts.items()}, wordings, answers,
        difficulty=known["difficulty"], sources=sources, said=said)


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


def _difficulty(episode: Episode) -> float:
    """0 to 3: one box or two, at a close, medium or far distance; unknown ones count as medium."""
    boxes = load(episode.scenario).boxes.count if episode.scenario in names() else 1
    far = {"close": 0, "medium": 1, "far": 2}
    return float(boxes - 1 + far.get(episode.distance or "", 1))


def _layout(episode: Episode) -> str:
    """What tells where an episode's things stand; a recording and its copies share it."""
    truth = read_truth(episode.path)
    return layout_of(episode) if truth is None else repr((truth.robot, truth.boxes, truth.cup))


def spellings(texts: Sequence[str]) -> list[str]:
    """The wordings, the default first, and how people type them: small, in capitals, with commas.

    Two of five are as they are written. A case-sensitive tokenizer makes other tokens of each.
    """
    commas = [text.replace(",", "").replace(" and ", ", and ") + "." for text in texts]
    return [*texts, *texts, *(text.lower() for text in texts), *(text.upper() for text in texts),
            *commas]


def _went_the_shorter_way(path: Path) -> bool:
    """Whether the commanded side is the shorter one, by the truth that a simulated file keeps."""
    truth = read_truth(path)
    if truth is None:
        return False
    other = replace(truth, pass_side="right" if truth.pass_side == "left" else "left")
    return geodesic_m(truth) < geodesic_m(other)


def _place(path: Path, cache: Path, made_of: str) -> Path:
    """Where an episode's features are kept; `made_of` names towers, parts, wordings."""
    stamp = path.stat()
    key = f"{path.resolve()} {stamp.st_size} {stamp.st_mtime_ns} {made_of}"
    return cache / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"


def _kept(place: Path, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The arrays of an earlier call, or those of the work, kept for the next."""
    if place.is_file():
        with np.load(place) as stored:
            return dict(stored)
    arrays = work()
    temporary = place.with_name(f".{os.getpid()}.npz")
    np.savez(temporary, **arrays)
    os.replace(temporary, place)
    return arrays


def _looked(backbone: Backbone, path: Path, parts: Sequence[str]) -> dict[str, np.ndarray]:
    """One episode: what it is called, what was commanded, what the towers see."""
    episode = read_episode(path)
    pictures, commands = episode.decisions
    with torch.inference_mode():
        looked = [backbone.look(list(pictures[k:k + BATCH]), parts)
                  for k in range(0, len(pictures), BATCH)]
    seen = {name: torch.cat([each[name] for each in looked]).cpu() for name in parts}
    return {"commands": commands[:, :2].astype(np.float32),
            "texts": np.array(wordings(episode)), "layout": np.array(_layout(episode)),
            "difficulty": np.array(_difficulty(episode)), "source": np.array(episode.source),
            **{name: (values.half() if values.ndim > 2 else values).numpy()  # tokens are many
               for name, values in seen.items()}}


def _asked(backbone: Backbone, stored: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the action token answers [frames, ASKED, width] to the first wordings of an episode.

    Its other wordings are put in an order of their own before, so that all occur.
    """
    first, *others = stored["texts"].tolist()
    rng = np.random.default_rng(zlib.crc32(f"{first} {stored['layout']}".encode()))
    texts = [first, *(others[k] for k in rng.permutation(len(others)))]
    latents = torch.from_numpy(stored["kosmos_latents"]).float().to(backbone.device)
    answers = []
    for text in texts[:ASKED]:
        prompts = [backbone.kosmos.prompt(text)] * len(latents)
        with torch.inference_mode():
            answers.append(backbone.ask(latents, prompts).cpu())
    answers += answers[-1:] * (ASKED - len(answers))
    return {"texts": np.array(texts), "answers": torch.stack(answers, dim=1).numpy()}
