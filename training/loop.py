"""One gradient step on accelerate, shared by towers and heads."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import nn


@dataclass(frozen=True)
class Loop:
    """What one gradient step needs, prepared by accelerate."""

    accelerator: Accelerator
    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler

    def step(self, loss: torch.Tensor, clip_grad: float) -> None:
        """Move the weights against the loss by one clipped step."""
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.model.parameters(), clip_grad)
        self.optimizer.step()
        self.schedule.step()
        self.optimizer.zero_grad()
