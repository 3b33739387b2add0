"""Simple LSTM, the "pure Kosmos-2" of the published 0.222: pooled tokens -> LSTM -> MLP, tanh.

The original runs picture and words through Kosmos-2, takes the largest value of every feature over
all tokens (RoboVLMs' `down_sample`: AdaptiveMaxPool1d), and decodes by RoboVLMs' LSTM 4 x 1024 and
MLP 1024-512-256-2 with tanh. It validated on the episodes it was trained on. Its recorded
1,703,973,122 parameters are Kosmos-2's and, to the last one, those of this head at full size.

Different here: the picture's tokens are the latents that the words would see, and the words come
as the mean of their own hidden states, added to the pooled picture (both are as wide as the text
tower), so that an instruction is read once and not with every picture. Targets were divided by 2.0;
here tanh spans +-2.0 command units instead, so that 1.15 lies where it is steep.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from policies.backbone import Parts
from policies.head import AXES, Head, Wants, regressor
from policies.learned import Learned
from policies.sizes import Sizes

TANH_SPAN = 2.0  # command units that tanh's +-1 stands for


class PooledLstm(Head):
    """The largest of every feature over a picture's tokens, plus the words -> LSTM -> command."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], text: bool = True) -> None:
        """As wide as the text tower.

        Args:
            sizes: Of LSTM and MLP.
            widths: Of the towers' parts.
            text: Whether it is told the words.
        """
        words = ("kosmos_text",) if text else ()
        super().__init__(Wants(("kosmos_latents",), words, window=sizes.window), widths)
        self.lstm = nn.LSTM(widths["kosmos_latents"], sizes.lstm_width, sizes.lstm_layers,
                            batch_first=True)
        self.actions = regressor(sizes.lstm_width, *sizes.head, AXES)

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 1, 2]; the state starts at zero with the window."""
        scaled = self.scaled(parts)
        pooled = scaled["kosmos_latents"].amax(dim=2)  # [B, W, text width]
        if "kosmos_text" in scaled:
            pooled = pooled + scaled["kosmos_text"][:, None]
        states, _ = self.lstm(pooled)
        return torch.tanh(self.actions(states))[:, :, None] * TANH_SPAN


class SimpleLstm(Learned):
    """`--policy simple_lstm`."""

    model, head_class = "simple_lstm", PooledLstm
