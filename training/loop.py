"""Gradient steps on accelerate, shared by towers and heads: clipped, accumulated, resumable.

One process or several (`accelerate launch`): every process draws the same batch and takes its
share of the rows.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import DataLoaderConfiguration
from torch import nn

HISTORY_FILE = "history.json"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Loop:
    """What gradient steps need, prepared by accelerate."""

    accelerator: Accelerator
    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    def step(self, loss: torch.Tensor, clip_grad: float) -> None:
        """Move the weights against the loss, clipped, when enough gradients are gathered."""
        with self.accelerator.accumulate(self.model):
            self.accelerator.backward(loss)
            if self.accelerator.sync_gradients:
                self.accelerator.clip_grad_norm_(self.model.parameters(), clip_grad)
            self.optimizer.step()
            self.schedule.step()
            self.optimizer.zero_grad()

    def share(self, rows: np.ndarray) -> np.ndarray:
        """Those rows of a batch that this process answers for."""
        return rows[self.accelerator.process_index::self.accelerator.num_processes]

    def keep(self, folder: Path, history: list[dict[str, Any]]) -> None:
        """Keep the state after an epoch, then say so: a kill in between leaves the epoch before."""
        folder.mkdir(parents=True, exist_ok=True)
        self.accelerator.save_state(str(folder / _epoch(history)), safe_serialization=False)
        if not self.accelerator.is_main_process:
            return
        temporary = folder / "history.tmp"
        temporary.write_text(json.dumps(history), encoding="utf-8")
        os.replace(temporary, folder / HISTORY_FILE)
        for old in folder.glob("epoch_*"):
            if old.name not in (_epoch(history), _epoch(history[:-1])):
                shutil.rmtree(old)

    def resume(self, folder: Path) -> list[dict[str, Any]]:
        """The finished epochs' losses; weights, optimizer, schedule and chance go back to there."""
        path = folder / HISTORY_FILE
        if not path.is_file():
            return []
        history = json.loads(path.read_text(encoding="utf-8"))
        self.accelerator.load_state(str(folder / _epoch(history)))
        return history


def accelerator(precision: str, **more: Any) -> Accelerator:
    """Accelerate for loops whose batches are shared out here: a step is a step of the schedule.

    Args:
        precision: no or bf16, of the products.
        more: Other arguments of `Accelerator`.
    """
    AcceleratorState._reset_state()  # else the first precision of a process is that of all
    return Accelerator(mixed_precision=precision, **more,
                       dataloader_config=DataLoaderConfiguration(split_batches=True))


def tracker(folder: Path | None) -> str | None:
    """TensorBoard, where there is a place for it and it is installed."""
    has = importlib.util.find_spec("tensorboard") is not None
    return "tensorboard" if folder is not None and has else None


def once(work: Callable[[], Result]) -> Result:
    """Work whose result is kept on disk: one process does it, the others then find it."""
    with PartialState().main_process_first():
        return work()


def epochs(begun: int, count: int, what: str) -> Iterable[int]:
    """Numbers of the epochs that are left, with a progress bar on a terminal."""
    left = range(begun, count)
    if not (sys.stderr.isatty() and PartialState().is_main_process):
        return left
    from rich.console import Console
    from rich.progress import track

    return track(left, what, total=len(left), console=Console(stderr=True))


def _epoch(history: list[dict[str, Any]]) -> str:
    return f"epoch_{len(history)}"
