"""The Perceiver resampler: a few learned latents read many tokens.

Case 2's OptimizedVisionResampler (16 latents, 4 heads, inner width x 1.5) and the seeds'
AdvancedVisionResampler (64 latents, 6 layers, 8 heads, x 4) are this class with other numbers. The
originals were fed a sequence of length one, the pooled picture, so that there was nothing to
choose from; here they read the class token and every patch. Case 2's original asks one attention
twice, over the tokens and over the latents; here one attention looks at both at once, as in
RoboVLMs' Perceiver.
"""

from __future__ import annotations

import torch
from torch import nn

LATENT_SCALE = 0.02  # of the latents' first values, Perceiver's number


class Layer(nn.Module):
    """Latents look at tokens and at each other, then think each on its own."""

    def __init__(self, width: int, heads: int, inner_factor: float) -> None:
        """`inner_factor`: how much wider than the latents their inner layer is."""
        super().__init__()
        inner = int(width * inner_factor)
        self.norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.think = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, inner), nn.GELU(),
                                   nn.Linear(inner, width))

    def forward(self, latents: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Latents [N, L, width] after reading tokens [N, T, width]."""
        asking = self.norm(latents)
        known = torch.cat([tokens, asking], dim=1)
        latents = latents + self.attention(asking, known, known, need_weights=False)[0]
        return latents + self.think(latents)


class Resampler(nn.Module):
    """Tokens in, latents out."""

    def __init__(self, tokens_width: int, width: int, latents: int, layers: int, heads: int,
                 inner_factor: float) -> None:
        """Latents of `width` that read tokens of `tokens_width`."""
        super().__init__()
        self.narrow = nn.Sequential(nn.Linear(tokens_width, width), nn.LayerNorm(width))
        self.latents = nn.Parameter(LATENT_SCALE * torch.randn(latents, width))
        self.layers = nn.ModuleList(Layer(width, heads, inner_factor) for _ in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Latents [..., L, width] of tokens [..., T, tokens_width]; no row knows another."""
        outer = tokens.shape[:-2]
        known = self.narrow(tokens).flatten(0, -3)
        latents = self.latents.expand(len(known), -1, -1)
        for layer in self.layers:
            latents = layer(latents, known)
        return self.norm(latents).unflatten(0, outer)
