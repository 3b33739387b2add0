"""RoboVLMs' GPTDecoder: the action token's answers -> GPT-2, causal over the window -> a plan.

The original: GPT-2 with 8 layers, 8 heads and width 1024 over as many positions as the window, a
linear layer before it where widths differ, 1024-512-256-plan with tanh behind it. Here the linear
layer is always there (at one size the widths happen to be equal, and a layer more or less would
make another model), and GPT-2 is the one of transformers. Frames come first and zeros behind, so
that causality alone keeps them from being looked at: no attention mask is needed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import GPT2Config, GPT2Model

from policies.backbone import ACTION, Parts
from policies.learned import Learned
from policies.plan_head import MLPTanhHead, PlanHead, PlanOptions
from policies.sizes import Sizes


class CausalFrames(nn.Module):
    """GPT-2 over features instead of words."""

    def __init__(self, width: int, sizes: Sizes) -> None:
        """`width`: of the features."""
        super().__init__()
        self.fc = nn.Linear(width, sizes.gpt_width)
        self.gpt = GPT2Model(GPT2Config(
            vocab_size=1, n_positions=sizes.window, n_embd=sizes.gpt_width,
            n_layer=sizes.gpt_layers, n_head=sizes.gpt_heads, use_cache=False,
            bos_token_id=None, eos_token_id=None))
        del self.gpt.wte  # there are no words

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features [B, W, width] to states [B, W, gpt_width]; each looks at none behind it."""
        return self.gpt(inputs_embeds=self.fc(features)).last_hidden_state


class GPTDecoder(PlanHead):
    """Attention over the window."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], **options: Any) -> None:
        """`options`: fields of PlanOptions."""
        super().__init__(sizes, widths, sizes.window, PlanOptions(**options))
        self.frames = CausalFrames(widths[ACTION], sizes)
        self.actions = MLPTanhHead(sizes.gpt_width, sizes)

    def encoded(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Plans [B, W, plan, 2] in +-1.25."""
        return self.actions(self.frames(self.scaled(parts)[ACTION]))


class RobovlmsGpt(Learned):
    """`--policy robovlms_gpt`."""

    model, head_class = "robovlms_gpt", GPTDecoder
