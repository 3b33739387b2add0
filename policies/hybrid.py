"""The hybrid: Kosmos-2 and CLIP, pictures and words -> fusion -> LSTM over the window -> command.

The original concatenates 4096 + 2048 + 768 + 768 numbers, which no such towers have; here the
widths are read from the towers (1024 + 2048 + 768 + 512 at full size). Its LSTM is 4 x 1024, as the
recorded checkpoint's size implies, its head 1024-512-256-2, its towers frozen. The text is encoded
once.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.backbone import Parts
from policies.head import AXES, Head, Wants, regressor
from policies.learned import Learned
from policies.sizes import Sizes

PARTS = ("kosmos_vision", "kosmos_text", "clip_vision", "clip_text")  # in the fusion's order


class FusionLstm(Head):
    """All features of a frame -> fusion -> LSTM -> command."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], parts: tuple[str, ...] = PARTS,
                 text: bool = True, memory: bool = True, lstm_factor: float = 1.0,
                 output_norm: bool = False, window: int | None = None) -> None:
        """The fusion is as wide as the towers say.

        Args:
            sizes: Of fusion, LSTM and head.
            widths: Of the towers' parts.
            parts: What is fused, in this order.
            text: Whether it is told the words.
            memory: Whether it looks back; without, its window is one frame.
            lstm_factor: Of the LSTM's width: 0.5 for the seeds' 4 x 512, 4 for their 4 x 4096.
            output_norm: The originals' LayerNorm over two outputs, which leaves two commands only.
            window: Frames it looks back over, if not as many as the size says.
        """
        window = (window or sizes.window) if memory else 1
        words = tuple(name for name in parts if name.endswith("_text") and text)
        frame = tuple(name for name in parts if not name.endswith("_text"))
        super().__init__(Wants(frame, words, window=window), widths)
        width = int(sizes.lstm_width * lstm_factor)
        self.fused = tuple(name for name in parts if name in (*frame, *words))
        self.fusion = nn.Linear(sum(widths[name] for name in self.fused), sizes.fusion)
        self.lstm = nn.LSTM(sizes.fusion, width, sizes.lstm_layers, batch_first=True)
        self.actions = regressor(width, *sizes.head, AXES)
        self.norm = nn.LayerNorm(AXES) if output_norm else nn.Identity()

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 1, 2]; the state starts at zero with the window."""
        fused = self.fusion(self.joined(self.scaled(parts), *self.fused))
        states, _ = self.lstm(fused)
        return self.norm(self.actions(states))[:, :, None] * COMMAND_LIMIT


class Hybrid(Learned):
    """`--policy hybrid`."""

    model, with_clip, head_class = "hybrid", True, FusionLstm
