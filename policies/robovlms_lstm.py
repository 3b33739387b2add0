"""RoboVLMs' LSTMDecoder: the action token's answers -> LSTM over the window -> a plan.

The original: LSTM 4 x 1024 without dropout, then 1024-512-256-plan with tanh. While driving it
keeps its state until the window is exceeded; from then on it starts from nothing at every frame and
reads the last eight again. Here it reads the window again always, which is the same answer by the
same weights and leaves no state to forget in a new episode (the original needs `reset()`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from policies.backbone import ACTION, Parts
from policies.learned import Learned
from policies.plan_head import MLPTanhHead, PlanHead, PlanOptions
from policies.sizes import Sizes


class LSTMDecoder(PlanHead):
    """A state that starts with the window."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], **options: Any) -> None:
        """`options`: fields of PlanOptions."""
        super().__init__(sizes, widths, sizes.window, PlanOptions(**options))
        self.rnn = nn.LSTM(widths[ACTION], sizes.lstm_width, sizes.lstm_layers, batch_first=True)
        self.actions = MLPTanhHead(sizes.lstm_width, sizes)

    def encoded(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Plans [B, W, plan, 2] in +-1.25."""
        states, _ = self.rnn(self.scaled(parts)[ACTION])
        return self.actions(states)


class RobovlmsLstm(Learned):
    """`--policy robovlms_lstm`."""

    model, head_class = "robovlms_lstm", LSTMDecoder
