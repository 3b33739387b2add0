"""Train a head on cached features of frozen towers: windows, masked by length, Huber loss."""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import nn

from envs.interface import COMMAND_LIMIT
from training.features import Features
from training.loop import Loop

logger = logging.getLogger(__name__)
MIN_STD = 1e-3  # features that hardly move are not blown up


@dataclass(frozen=True)
class HeadRecipe:
    """Every number of a head's training; stored beside the weights."""

    epochs: int = 40
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3
    clip_grad: float = 1.0
    huber_delta: float = 0.1  # in shares of the command range, the seeds' number
    validation_share: float = 0.1  # of the layouts
    feature_noise: float = 0.05  # standard deviations
    seed: int = 0


def train_head(head: nn.Module, features: Features, window: int,
               recipe: HeadRecipe) -> list[dict[str, float]]:
    """Train in place and leave the weights of the best validation epoch; returns the losses.

    Args:
        head: `forward(windows [B, W, D], lengths [B]) -> commands [B, 2]`, buffers mean and std.
        features: Cached features of whole episodes.
        window: Frames a decision looks back over, itself included.
        recipe: The numbers.

    Raises:
        ValueError: if a split is empty or the loss is no number.
    """
    set_seed(recipe.seed)
    training, validation = split(features.layouts, recipe)
    _standardise(head, features, training)
    accelerator = Accelerator()
    optimizer = torch.optim.AdamW(head.parameters(), recipe.learning_rate,
                                  weight_decay=recipe.weight_decay)
    steps = recipe.epochs * (len(training) // recipe.batch + 1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    loop = Loop(accelerator, *accelerator.prepare(head, optimizer, schedule))
    history, best, best_weights = [], float("inf"), copy.deepcopy(head.state_dict())
    for epoch in range(recipe.epochs):
        loss = _one_epoch(loop, features, training, window, epoch, recipe)
        mae = validation_mae(loop.model, features, validation, window, accelerator.device)
        history.append({"loss": round(loss, 5), "validation_mae": round(mae, 5)})
        logger.info("head, epoch %d of %d: %s", epoch + 1, recipe.epochs, history[-1])
        if mae < best:
            best, best_weights = mae, copy.deepcopy(head.state_dict())
    head.load_state_dict(best_weights, strict=True)
    return history


def split(layouts: np.ndarray, recipe: HeadRecipe) -> tuple[np.ndarray, np.ndarray]:
    """Decisions for training and validation, split by layout; layouts [N] numbers each one's.

    Raises:
        ValueError: if either is empty.
    """
    rng = np.random.default_rng(recipe.seed)
    numbers = rng.permutation(np.unique(layouts))
    held_out = numbers[: max(1, round(len(numbers) * recipe.validation_share))]
    validation = np.isin(layouts, held_out)
    if validation.all() or not validation.any():
        raise ValueError(f"{len(numbers)} layouts cannot be split into training and validation; "
                         f"expected at least 2.")
    return np.flatnonzero(~validation), np.flatnonzero(validation)


def validation_mae(model: nn.Module, features: Features, index: np.ndarray, window: int,
                   device: torch.device) -> float:
    """Mean absolute error in command units over linear_x and linear_y, default wording."""
    model.eval()
    errors = []
    with torch.inference_mode():
        for rows in np.array_split(index, len(index) // 1024 + 1):
            windows, lengths = features.windows(rows, window, None)
            predicted = model(windows.to(device), lengths.to(device)).cpu()
            errors.append((predicted - features.commands[rows]).abs())
    model.train()
    return torch.cat(errors).mean().item()


def _one_epoch(loop: Loop, features: Features, index: np.ndarray, window: int, epoch: int,
               recipe: HeadRecipe) -> float:
    """One shuffled pass; returns the mean loss."""
    rng = np.random.default_rng([recipe.seed, epoch])
    order = rng.permutation(index)
    huber, device = nn.HuberLoss(delta=recipe.huber_delta), loop.accelerator.device
    spread = _unwrap(loop.model).std.cpu() * recipe.feature_noise
    total = 0.0
    batches = np.array_split(order, len(index) // recipe.batch + 1)
    for rows in batches:
        windows, lengths = features.windows(rows, window, rng)
        noise = torch.from_numpy(rng.standard_normal(windows.shape, np.float32)) * spread
        predicted = loop.model((windows + noise).to(device), lengths.to(device)) / COMMAND_LIMIT
        loss = huber(predicted, features.commands[rows].to(device) / COMMAND_LIMIT)
        if not torch.isfinite(loss):
            raise ValueError(f"The head's loss is {loss.item()} in epoch {epoch + 1}; check the "
                             f"data or lower the learning rate ({recipe.learning_rate}).")
        loop.step(loss, recipe.clip_grad)
        total += loss.item() / len(batches)
    return total


def _unwrap(model: nn.Module) -> nn.Module:
    """The module itself where accelerate wrapped it for several processes."""
    return getattr(model, "module", model)


def _standardise(head: nn.Module, features: Features, index: np.ndarray) -> None:
    """Give the head mean and deviation of its training features."""
    rows = index[:: max(1, len(index) // 4096)]
    windows, lengths = features.windows(rows, 1, np.random.default_rng(0))
    frames = windows[:, 0]
    head.mean.copy_(frames.mean(dim=0))
    head.std.copy_(frames.std(dim=0).clamp(min=MIN_STD))
