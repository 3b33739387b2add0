"""Simple CLIP + LSTM, the hybrid of the published 0.212: Kosmos-2 sees, CLIP reads -> LSTM -> MLP.

The original lays Kosmos-2's 2048 features beside CLIP's 512 of the text, fuses them (2560 -> 512)
and decodes over the frames as the simple LSTM does. It kept 80 of 100 episodes for training by
chance, and divided its targets by 2.0. The published code of this model has no LSTM, asks Kosmos-2
for a `pooler_output` that it does not give, and the recorded 1,859,579,651 parameters leave 43.8
million beside the towers, where the fusion, the LSTM 4 x 1024 and the MLP make 34.5 million: what
the rest was is not known.

Different here: Kosmos-2's features are the largest of each over the picture's latents, as in the
simple LSTM, and the only words are CLIP's, so that the two tell which tower reads better.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from policies.backbone import Parts
from policies.head import AXES, Head, Wants, regressor
from policies.learned import Learned
from policies.simple_lstm import TANH_SPAN
from policies.sizes import Sizes, dropout

DROPOUT = 0.2  # at full size


class ReadByClip(Head):
    """Kosmos-2's pooled tokens and CLIP's words -> fusion -> LSTM -> command."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int]) -> None:
        """The fusion takes what the towers give (2048 + 512 at full size)."""
        super().__init__(Wants(("kosmos_latents",), ("clip_text",), window=sizes.window), widths)
        self.fusion = nn.Sequential(
            nn.Linear(widths["kosmos_latents"] + widths["clip_text"], sizes.attention), nn.ReLU(),
            nn.Dropout(dropout(DROPOUT, sizes)))
        self.lstm = nn.LSTM(sizes.attention, sizes.lstm_width, sizes.lstm_layers, batch_first=True)
        self.actions = regressor(sizes.lstm_width, *sizes.head, AXES)

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 1, 2]; the state starts at zero with the window."""
        scaled = self.scaled(parts)
        scaled["kosmos_latents"] = scaled["kosmos_latents"].amax(dim=2)  # [B, W, text width]
        states, _ = self.lstm(self.fusion(self.joined(scaled, "kosmos_latents", "clip_text")))
        return torch.tanh(self.actions(states))[:, :, None] * TANH_SPAN


class ClipLstm(Learned):
    """`--policy clip_lstm`."""

    model, with_clip, head_class = "clip_lstm", True, ReadByClip
