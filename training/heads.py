"""Train a head on cached features of frozen towers: windows, masks, the head's own loss."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate.utils import DistributedDataParallelKwargs, set_seed
from safetensors.torch import load_file, save_file
from torch import nn

from policies.backbone import ACTION
from policies.head import Head
from training.features import Features
from training.loop import Loop, accelerator, epochs, tracker

logger = logging.getLogger(__name__)
MIN_STD = 1e-3  # features that move less are left as they are, not blown up
MEASURED = 4096  # decisions from which mean and deviation are taken
# A head may leave some of its layers out of a step; several processes wait for all of them else.
PARTLY_USED = DistributedDataParallelKwargs(find_unused_parameters=True)
LOOKED_AT = 8192  # validation decisions after every epoch, always the same
OVERFITTED = 1.1  # validation this much worse than at its best, while training still fell


@dataclass(frozen=True)
class HeadRecipe:
    """Every number of a head's training; stored beside the weights."""

    epochs: int = 24
    windows: int = 32_000  # drawn by chance for an epoch, of those there are
    patience: int = 8  # epochs without a better validation before it ends
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    clip_grad: float = 1.0
    accumulate: int = 1  # batches whose gradients make one step
    precision: str = "bf16"  # no, bf16: of the products; weights keep 32 bits
    validation_share: float = 0.15  # of the layouts
    test_share: float = 0.15
    feature_noise: float = 0.05  # standard deviations
    stop_weight: float = 3.0  # of standing still in the loss; driving on ends in the cup
    frames: str = "all"  # all | first | random: which decisions of an episode are learned from
    curriculum: bool = False  # easy episodes first: one box before two, close before far
    seed: int = 0


@dataclass(frozen=True)
class Split:
    """Numbers of decisions; no layout stands in two of them."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray

    @property
    def looked_at(self) -> np.ndarray:
        """Those of validation that are looked at after every epoch."""
        return self.validation[::-(-len(self.validation) // LOOKED_AT)]


def train_head(head: Head, features: Features, recipe: HeadRecipe,
               allowed: np.ndarray | None = None, folder: Path | None = None) -> dict[str, Any]:
    """Train in place and leave the weights of the best validation epoch.

    Args:
        head: With fresh weights.
        features: Cached features of whole episodes.
        recipe: The numbers.
        allowed: [N] bool: decisions that may be learned from; all where not given. Validation and
            test do not depend on it.
        folder: Where every epoch is kept, and scalars for TensorBoard; nothing without it.

    Returns:
        `history` (loss and validation error of epochs), `test_mae` (command units), `overfitted`.

    Raises:
        ValueError: for an empty split or a loss that is no number.
    """
    set_seed(recipe.seed)
    parts = split(features.layouts, recipe)
    training = _learned_from(parts.training, features, recipe, allowed)
    _standardise(head, features, training)
    head.fit(features.commands[training])
    training = training if recipe.frames != "all" else features.covering(training, head.wants)
    loop = _prepared(_Trainee(head), recipe, len(training), folder)
    history = loop.resume(folder) if folder else []
    best = _Best(head, history, folder)
    for epoch in epochs(len(history), recipe.epochs, "head"):
        if epoch - best.epoch > recipe.patience:
            break
        loss = _one_epoch(loop, head, features, training, epoch, recipe)
        mae = one_step_mae(head, features, parts.looked_at)
        _tell(loop, history, {"loss": round(loss, 5), "validation_mae": round(mae, 5)}, recipe)
        best.see(mae, epoch + 1)
        if folder is not None:
            loop.keep(folder, history)
    loop.accelerator.end_training()
    best.restore()
    return {"history": history, "overfitted": overfitted(history),
            "test_mae": round(one_step_mae(head, features, parts.test), 5)}


def _tell(loop: Loop, history: list[dict[str, float]], epoch: dict[str, float],
          recipe: HeadRecipe) -> None:
    """One more epoch, for the history, the log and TensorBoard."""
    history.append(epoch)
    logger.info("head, epoch %d of %d: %s", len(history), recipe.epochs, history[-1])
    loop.accelerator.log(history[-1], step=len(history))


class _Trainee(nn.Module):
    """The head's loss as a module's answer: what accelerate shares among processes."""

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.head = head

    def forward(self, *given: Any) -> torch.Tensor:
        """As `Head.loss`."""
        return self.head.loss(*given)


def _prepared(trainee: _Trainee, recipe: HeadRecipe, windows: int, folder: Path | None) -> Loop:
    """Optimizer, schedule and tracker for so many windows to learn from."""
    shared = accelerator(recipe.precision, log_with=tracker(folder), project_dir=folder,
                         gradient_accumulation_steps=recipe.accumulate,
                         kwargs_handlers=[PARTLY_USED])
    shared.init_trackers("head")
    optimizer = torch.optim.AdamW(trainee.parameters(), recipe.learning_rate,
                                  weight_decay=recipe.weight_decay)
    steps = recipe.epochs * _batches(windows, recipe)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, -(-steps // recipe.accumulate))
    return Loop(shared, *shared.prepare(trainee, optimizer, schedule))


class _Best:
    """The weights of the best epoch so far; on disk where a training may be gone on with."""

    def __init__(self, head: Head, history: list[dict[str, float]], folder: Path | None) -> None:
        self._head, self._path = head, folder and folder / "best.safetensors"
        errors = [epoch["validation_mae"] for epoch in history]
        self.error = min(errors, default=float("inf"))
        self.epoch = errors.index(self.error) + 1 if errors else 0
        self._weights = load_file(self._path) if errors and self._path else self._now()

    def see(self, error: float, epoch: int) -> None:
        """After an epoch: keep its weights if they are better."""
        if error < self.error:
            self.error, self.epoch, self._weights = error, epoch, self._now()
            if self._path:
                save_file(self._weights, self._path)

    def restore(self) -> None:
        """Give them back to the head."""
        self._head.load_state_dict(self._weights, strict=True)

    def _now(self) -> dict[str, torch.Tensor]:
        return {name: value.detach().clone().contiguous()
                for name, value in self._head.state_dict().items()}


def split(layouts: np.ndarray, recipe: HeadRecipe) -> Split:
    """Decisions split by layout, before anything is augmented; layouts [N] numbers each one's.

    Raises:
        ValueError: if one is empty.
    """
    rng = np.random.default_rng(recipe.seed)
    numbers = rng.permutation(np.unique(layouts))
    ends = np.cumsum([max(1, round(len(numbers) * share))
                      for share in (recipe.validation_share, recipe.test_share)])
    validation, test = (np.isin(layouts, each)
                        for each in (numbers[:ends[0]], numbers[ends[0]:ends[1]]))
    training = ~validation & ~test
    if not (training.any() and validation.any() and test.any()):
        raise ValueError(f"{len(numbers)} layouts cannot be split into training, validation and "
                         f"test; expected at least 3.")
    return Split(*map(np.flatnonzero, (training, validation, test)))


def overfitted(history: list[dict[str, float]]) -> str | None:
    """A sentence, if validation got worse while training still got better."""
    errors = [epoch["validation_mae"] for epoch in history]
    best = int(np.argmin(errors))
    if errors[-1] <= OVERFITTED * errors[best] or history[-1]["loss"] >= history[best]["loss"]:
        return None
    return (f"overfitted: after epoch {best + 1} training fell from {history[best]['loss']} to "
            f"{history[-1]['loss']}, validation rose from {errors[best]} to {errors[-1]}")


def one_step_mae(head: Head, features: Features, index: np.ndarray) -> float:
    """Mean absolute error in command units of each decision's next command, default wording."""
    head.eval()
    device, errors = next(head.parameters()).device, []
    with torch.inference_mode():
        for rows in np.array_split(index, len(index) // 1024 + 1):
            windows, lengths = features.windows(rows, head.wants, None)
            found = head.decide({name: part.to(device) for name, part in windows.items()},
                                lengths.to(device)).cpu()
            last = found[torch.arange(len(rows)), lengths - 1, 0]
            errors.append((last - features.commands[rows]).abs())
    head.train()
    return torch.cat(errors).mean().item()


def _learned_from(training: np.ndarray, features: Features, recipe: HeadRecipe,
                  allowed: np.ndarray | None) -> np.ndarray:
    """Decisions that count in training."""
    if allowed is not None:
        training = training[allowed[training]]
    if recipe.frames == "first":
        training = training[features.steps[training] == 0]
    if not len(training):
        raise ValueError("Nothing is left to learn from; expected at least one episode.")
    return training


def _one_epoch(loop: Loop, head: Head, features: Features, index: np.ndarray, epoch: int,
               recipe: HeadRecipe) -> float:
    """Windows by chance; returns the mean loss."""
    rng = np.random.default_rng([recipe.seed, epoch])
    device = loop.accelerator.device
    if recipe.frames == "random":  # one decision of each episode
        drawn = rng.permutation(index)
        index = drawn[np.unique(features.episodes[drawn], return_index=True)[1]]
    if recipe.curriculum:
        index = _lesson_of(epoch, index, features, recipe)
    steps, total = _batches(len(index), recipe), 0.0
    for batch in np.array_split(rng.permutation(index)[:recipe.windows], steps):
        rows = loop.share(batch)
        windows, lengths = features.windows(rows, head.wants, rng)
        noisy = _noisy(windows, head, recipe.feature_noise)
        commands, mask = features.targets(rows, head.wants, recipe.stop_weight)
        loss = loop.model({name: part.to(device) for name, part in noisy.items()},
                          lengths.to(device), commands.to(device), mask.to(device))
        if not torch.isfinite(loss):
            raise ValueError(f"The head's loss is {loss.item()} in epoch {epoch + 1}; lower the "
                             f"learning rate ({recipe.learning_rate}).")
        loop.step(loss, recipe.clip_grad)
        total += loss.item() / steps
    return total


def _batches(windows: int, recipe: HeadRecipe) -> int:
    """Batches of an epoch, where there are so many windows."""
    return max(1, round(min(windows, recipe.windows) / recipe.batch))


def _lesson_of(epoch: int, index: np.ndarray, features: Features,
               recipe: HeadRecipe) -> np.ndarray:
    """Decisions of an epoch of the curriculum: easy episodes first, all in its last half."""
    hardest = features.difficulty.max()
    most = 2.0 * hardest * (epoch + 1) / recipe.epochs
    easy = index[features.difficulty[index] <= most]
    return easy if len(easy) else index[features.difficulty[index] == features.difficulty.min()]


def _noisy(windows: dict[str, torch.Tensor], head: Head, noise: float) -> dict[str, torch.Tensor]:
    """Frame parts with a little noise, in deviations of the training data."""
    return {name: part + torch.randn_like(part) * (noise * head.scale[name].std.to(part.device))
            if name in head.wants.frame else part for name, part in windows.items()}


def _standardise(head: Head, features: Features, index: np.ndarray) -> None:
    """Give the head mean and deviation of its training features."""
    rows = index[:: max(1, len(index) // MEASURED)]
    wants = head.wants
    numbers = np.unique(features.episodes[index])
    said = sorted({text for number in numbers for text in features.wordings[number]})
    for name, scale in head.scale.items():
        if name in wants.text:
            values = features.texts[name][said]  # every wording: not only what tells two apart
        elif name == ACTION and features.answers is not None:
            values = features.answers[rows].flatten(0, 1)
        else:
            values = features.seen[name][rows].float().flatten(0, -2)
        scale.mean.copy_(values.mean(dim=0))
        std = values.std(dim=0, correction=0)
        scale.std.copy_(std.where(std > MIN_STD, 1.0))
