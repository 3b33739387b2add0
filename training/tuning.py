"""Variants that move the picture towers too: by LoRA adapters, or all of them, end to end.

The protocol's towers are frozen; these deviate from it and have names of their own. First a head is
trained behind frozen towers, like every other; then towers and head learn together from whole
episodes, by the head's own loss. Rates and weight decay are the seeds' (RoboVLMs' `train_setup`).
They say fp16 for LoRA; here both use bf16.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accelerate.utils import set_seed
from safetensors.torch import load_file, save_file
from transformers import get_cosine_schedule_with_warmup

from policies import tuned
from policies.learned import Learned
from training.heads import PARTLY_USED, HeadRecipe, one_step_mae, overfitted, split, train_head
from training.loop import Loop, accelerator, epochs, tracker
from training.trainee import Trainee

if TYPE_CHECKING:
    from training.learn import Lesson

logger = logging.getLogger(__name__)
BEST_FILE = "best.safetensors"


@dataclass(frozen=True)
class Tuning:
    """Every number of the second part of the training; stored beside the weights."""

    learning_rate: float  # of the towers
    weight_decay: float
    head_learning_rate: float = 2e-4  # a tenth of what the head was trained with
    passes: int = 3  # over the training episodes, a validation after each
    batch: int = 8  # episodes of an update, all processes together
    at_once: int = 4  # episodes that one process looks at together; gradients are added up
    warmup: float = 0.05  # share of the updates
    clip_grad: float = 1.0
    precision: str = "bf16"  # of the towers' products; weights keep 32 bits until they are saved
    validation_episodes: int = 64  # looked at in a validation, at most


TUNINGS = {
    tuned.LORA: Tuning(learning_rate=1e-4, weight_decay=0.01),
    tuned.END_TO_END: Tuning(learning_rate=2e-5, weight_decay=0.0),
}


def tune(policy: Learned, lesson: Lesson, recipe: HeadRecipe, folder: Path) -> dict[str, Any]:
    """Train the head, then towers and head of a policy whose `tuning` is not frozen.

    Afterwards it has picture towers of its own; what they learned is stored by `save_pretrained`.
    The same call goes on from where it was interrupted.

    Args:
        policy: From `Learned.untrained`.
        lesson: What it learns from; its towers, which other policies share, stay as they are.
        recipe: How its head is trained first, and the split.
        folder: Where what is reached is kept, and scalars are written for TensorBoard.

    Returns:
        As `train_head`, a pass being one more epoch of the history; and with `tuning`, `moved` (how
        many numbers) and `frozen_test_mae`, the head's behind frozen towers.

    Raises:
        ValueError: if a split is empty or a loss is no number.
    """
    before = train_head(policy.head, lesson.features, recipe, folder=folder / "head")
    tuner = _Tuner(policy, lesson, recipe, folder)
    history = tuner.run()
    test_mae = round(tuner.mae(tuner.episodes.test), 5)
    tuner.give_back()
    return {"history": before["history"] + history[1:], "test_mae": test_mae,
            "overfitted": overfitted(history[1:]), "tuning": asdict(tuner.numbers),
            "moved": tuner.moved, "frozen_test_mae": before["test_mae"]}


@dataclass(frozen=True)
class _Episodes:
    """Numbers of episodes."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


class _Tuner:
    """One training: what moves, prepared by accelerate."""

    def __init__(self, policy: Learned, lesson: Lesson, recipe: HeadRecipe, folder: Path) -> None:
        self.numbers, self._folder, self._seed = TUNINGS[policy.tuning], folder, recipe.seed
        set_seed(recipe.seed)
        parts = split(lesson.features.layouts, recipe)
        self.episodes = _Episodes(*(np.unique(lesson.features.episodes[rows]) for rows in (
            parts.training, parts.validation, parts.test)))
        numbers, self._policy, self._shared = self.numbers, policy, policy.backbone
        self._accelerator = accelerator(
            numbers.precision, log_with=tracker(folder), project_dir=folder,
            kwargs_handlers=[PARTLY_USED])
        width = numbers.at_once * self._accelerator.num_processes
        self._accelerator.gradient_accumulation_steps = max(1, numbers.batch // width)
        policy.backbone = tuned.own(policy.backbone)
        policy.backbone.device = self._accelerator.device
        tuned.towers(policy.backbone).to(policy.backbone.device)  # what reads words stays put
        policy.head.to(self._accelerator.device)
        self._trainee = Trainee(policy.backbone, policy.head, policy.tuning, policy.sizes,
                                lesson, recipe.stop_weight).train()
        if policy.size == "full":
            self._trainee.recompute()
        self.moved = sum(each.numel() for each in self._trainee.parameters() if each.requires_grad)
        self._updates = max(1, len(self.episodes.training) // numbers.batch)  # of a pass
        self._loop = self._prepared()

    def run(self) -> list[dict[str, float]]:
        """Train, with a validation after every pass, and leave the weights of the best one."""
        self._accelerator.init_trackers("towers_and_head")
        history = self._loop.resume(self._folder)
        if not history:
            self._note(history, {"pass": 0})
        for number in epochs(len(history) - 1, self.numbers.passes, self._policy.name):
            self._note(history, {"pass": number + 1, "loss": round(self._pass(number), 5)})
        self._accelerator.end_training()
        self._restore()
        return history

    def mae(self, episodes: np.ndarray) -> float:
        """As `one_step_mae`, of whole episodes by towers and head as they are now, in 32 bits."""
        head, sums = self._policy.head, torch.zeros(2, device=self._accelerator.device)
        self._trainee.eval()
        for number in self._loop.share(episodes):
            with torch.no_grad():
                seen = self._trainee.see([number])
            rows = np.arange(len(seen.steps))
            sums += torch.tensor([one_step_mae(head, seen, rows) * len(rows), len(rows)],
                                 device=sums.device)
        self._trainee.train()
        found, count = self._accelerator.reduce(sums, "sum").tolist()
        return found / count

    def give_back(self) -> None:
        """Leave a policy that is what its checkpoint will be: adapters are in the weights."""
        policy = self._policy
        policy.learned_by_towers = self._trainee.learned()
        policy.backbone = tuned.own(self._shared)
        tuned.take(policy.backbone, policy.tuning, policy.learned_by_towers, policy.sizes,
                   policy.name)
        policy.backbone.freeze(self._shared.device)

    def _prepared(self) -> Loop:
        """Optimizer and schedule, one rate for the towers and one for the head."""
        numbers, trainee = self.numbers, self._trainee
        groups = [{"params": [each for each in part.parameters() if each.requires_grad],
                   "lr": rate} for part, rate in ((trainee.towers, numbers.learning_rate),
                                                  (trainee.head, numbers.head_learning_rate))]
        optimizer = torch.optim.AdamW(groups, weight_decay=numbers.weight_decay)
        updates = numbers.passes * self._updates
        schedule = get_cosine_schedule_with_warmup(
            optimizer, round(numbers.warmup * updates), updates)
        return Loop(self._accelerator, *self._accelerator.prepare(trainee, optimizer, schedule))

    def _pass(self, number: int) -> float:
        """Every training episode once, in an order that all processes draw alike; mean loss."""
        rng, losses = np.random.default_rng([self._seed, number]), []
        order = rng.permutation(self.episodes.training)
        for batch in np.array_split(order, self._updates):
            for some in np.array_split(batch, self._accelerator.gradient_accumulation_steps):
                mine = self._loop.share(some)
                loss = self._loop.model(mine if len(mine) else batch[:1], rng)
                if not torch.isfinite(loss):
                    raise ValueError(f"The loss is {loss.item()} in pass {number + 1}; lower the "
                                     f"learning rate ({self.numbers.learning_rate}).")
                self._loop.step(loss, self.numbers.clip_grad)
                losses.append(loss.item())
        return float(np.mean(losses))

    def _note(self, history: list[dict[str, float]], entry: dict[str, float]) -> None:
        """Validate and keep everything; the best weights apart."""
        watched = self.episodes.validation
        step = -(-len(watched) // self.numbers.validation_episodes)
        entry["validation_mae"] = round(self.mae(watched[::step]), 5)
        best = all(entry["validation_mae"] < each["validation_mae"] for each in history)
        history.append(entry)
        logger.info("%s: %s", self._policy.name, entry)
        self._accelerator.log(entry, step=len(history))
        if best and self._accelerator.is_main_process:
            self._folder.mkdir(parents=True, exist_ok=True)
            save_file(self._moving(), self._folder / BEST_FILE)
        self._loop.keep(self._folder, history)

    def _moving(self) -> dict[str, torch.Tensor]:
        """All that training changes."""
        return {name: value.detach().cpu().contiguous()
                for name, value in self._trainee.named_parameters() if value.requires_grad}

    def _restore(self) -> None:
        """The weights of the best pass."""
        self._accelerator.wait_for_everyone()
        best = load_file(self._folder / BEST_FILE)
        with torch.no_grad():
            for name, value in self._trainee.named_parameters():
                if value.requires_grad:
                    value.copy_(best[name])
