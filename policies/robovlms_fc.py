"""RoboVLMs' FCDecoder: the action token's answer -> MLP -> a plan of ten commands.

The original: in -> in / 2 -> hidden -> 1024-512-256 -> plan, ReLU, tanh at the end, max pooling
over latent tokens, Xavier weights. Here the token is one, so nothing is pooled, and the weights
start as He et al. say for ReLU (`policies.head.regressor`). It has no memory, so its window is one
frame: seven more would only be asked the same again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from policies.backbone import ACTION, Parts
from policies.head import regressor
from policies.learned import Learned
from policies.plan_head import MLPTanhHead, PlanHead, PlanOptions
from policies.sizes import Sizes


class FCDecoder(PlanHead):
    """Each frame on its own."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], **options: Any) -> None:
        """`options`: fields of PlanOptions."""
        super().__init__(sizes, widths, window=1, options=PlanOptions(**options))
        width = widths[ACTION]
        self.mlp = regressor(width, width // 2, sizes.lstm_width)
        self.actions = MLPTanhHead(sizes.lstm_width, sizes)

    def encoded(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Plans [B, W, plan, 2] in +-1.25."""
        return self.actions(self.mlp(self.scaled(parts)[ACTION]))


class RobovlmsFc(Learned):
    """`--policy robovlms_fc`."""

    model, head_class = "robovlms_fc", FCDecoder
