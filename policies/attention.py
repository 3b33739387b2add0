"""Tokens of one kind ask tokens of another; what the models that fuse by attention share."""

from __future__ import annotations

import torch
from torch import nn


class Asking(nn.Module):
    """Attention with what was asked for added and normed."""

    def __init__(self, width: int, heads: int) -> None:
        """Both kinds of tokens are `width` wide."""
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm = nn.LayerNorm(width)

    def forward(self, asking: torch.Tensor, asked: torch.Tensor,
                causal: bool = False) -> torch.Tensor:
        """Tokens [N, A, width] after reading tokens [N, T, width].

        Args:
            asking: Who asks.
            asked: Who is asked.
            causal: Whether a token may ask only those up to its own place (A = T).
        """
        later = None
        if causal:
            frames = asking.shape[1]
            later = torch.ones(frames, frames, dtype=torch.bool, device=asking.device).triu(1)
        found = self.attention(asking, asked, asked, need_weights=False, attn_mask=later)[0]
        return self.norm(asking + found)
