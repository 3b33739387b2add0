"""Rounds of active learning: train, ask for labels of what a head is unsure of, train again.

Labels of the pool are not looked at before they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from policies.case5_active_learning import uncertainty
from policies.head import Head
from training.budget import Budget
from training.features import Features
from training.heads import HeadRecipe, split, train_head

SAMPLES = 8  # answers with dropout left on
MEMBERS = 3  # heads of an ensemble
ROWS = 1024  # asked about at once
STREAM = 5  # keeps the draw of episodes apart from other chance of a seed


@dataclass(frozen=True)
class Round:
    """What was known, and the head that learned it."""

    number: int
    labelled: np.ndarray  # numbers of episodes
    head: Head
    told: dict[str, Any]  # by `train_head`


def rounds(untrained: Callable[[int], Head], features: Features, recipe: HeadRecipe,
           budget: Budget, choose: str) -> Iterator[Round]:
    """Train, ask for labels, train again; the first round has `budget.first` episodes.

    Args:
        untrained: A fresh head of a seed.
        features: Of all episodes, those without labels too.
        recipe: Of every training; its seed is that of all chance here.
        budget: How many episodes are labelled.
        choose: `dropout`, `ensemble` or `random`.

    Raises:
        ValueError: for an unknown way to choose, or more episodes than there are.
    """
    if choose not in CHOICES:
        raise ValueError(f"choose must be one of {', '.join(CHOICES)}, got {choose!r}.")
    pool = np.unique(features.episodes[split(features.layouts, recipe).training])
    wanted = budget.first + budget.rounds * budget.step
    if wanted > len(pool):
        raise ValueError(f"{wanted} episodes to label, but the pool has {len(pool)}; generate more "
                         f"or ask for fewer.")
    rng = np.random.default_rng([recipe.seed, STREAM])
    labelled = rng.choice(pool, budget.first, replace=False)
    for number in range(budget.rounds + 1):
        allowed = np.isin(features.episodes, labelled)
        head = untrained(recipe.seed)
        told = train_head(head, features, recipe, allowed)
        yield Round(number, labelled, head, told)
        if number == budget.rounds:
            return
        rest = np.setdiff1d(pool, labelled)
        heads = [head]
        if choose == "ensemble":
            heads += [_member(untrained, features, recipe, allowed, k) for k in range(1, MEMBERS)]
        scores = CHOICES[choose](heads, features, rest, rng)
        labelled = np.concatenate([labelled, rest[np.argsort(-scores, kind="stable")]
                                   [:budget.step]])


def _member(untrained: Callable[[int], Head], features: Features, recipe: HeadRecipe,
            allowed: np.ndarray, number: int) -> Head:
    """One more head of an ensemble: other weights to begin with, another order; the same split."""
    head = untrained(recipe.seed + 1000 * number)
    train_head(head, features, recipe, allowed)
    return head


def _by_chance(heads: list[Head], features: Features, episodes: np.ndarray,
               rng: np.random.Generator) -> np.ndarray:
    return rng.random(len(episodes))


def _by_dropout(heads: list[Head], features: Features, episodes: np.ndarray,
                rng: np.random.Generator) -> np.ndarray:
    """The mean scatter of one head's answers to an episode's pictures."""
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))

    def scatter(parts: dict[str, torch.Tensor], lengths: torch.Tensor) -> torch.Tensor:
        return uncertainty(heads[0], parts, lengths, SAMPLES, generator)

    return _episode_means(scatter, heads[0], features, episodes)


def _by_ensemble(heads: list[Head], features: Features, episodes: np.ndarray,
                 rng: np.random.Generator) -> np.ndarray:
    """How far several heads disagree about an episode's pictures."""
    def scatter(parts: dict[str, torch.Tensor], lengths: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            answers = torch.stack([head.eval()(parts, lengths) for head in heads])
        return answers.var(dim=0).mean(dim=(-2, -1))

    return _episode_means(scatter, heads[0], features, episodes)


CHOICES = {"random": _by_chance, "dropout": _by_dropout, "ensemble": _by_ensemble}


def _episode_means(scatter: Callable[..., torch.Tensor], head: Head, features: Features,
                   episodes: np.ndarray) -> np.ndarray:
    """Mean over each episode's decisions of what `scatter` says of their last frames."""
    rows = np.flatnonzero(np.isin(features.episodes, episodes))
    device, found = next(head.parameters()).device, []
    for some in np.array_split(rows, len(rows) // ROWS + 1):
        windows, lengths = features.windows(some, head.wants, None)
        scattered = scatter({name: part.to(device) for name, part in windows.items()},
                            lengths.to(device)).cpu()
        found.append(scattered[torch.arange(len(some)), lengths - 1].numpy())
    place = np.searchsorted(episodes, features.episodes[rows])
    values = np.concatenate(found)
    return np.bincount(place, values, len(episodes)) / np.bincount(place, minlength=len(episodes))
