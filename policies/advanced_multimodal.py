"""Advanced multimodal: words and CLIP ask the picture, frames ask earlier frames, six subgoals.

The original means over the picture's tokens, brings them to 768 by a layer made in the first
forward pass, adds an embedding (3 x 32) of the distance class, and attends over the frames, later
ones included. The distance it read from the file's name, which also weighted its loss (close 1.5,
medium 1.0, far 0.8); its language is zeros; where the tower failed it went on with random features.
A goal is split into 6 subgoals of 3 frames each, 18 commands for a whole episode, smoothed by an
LSTM in both directions; LayerNorm over the command's numbers ends it, twice.

Different here:
- A policy is not told the distance. Which of the three embeddings is mixed in, and how much, is
  guessed from what is seen; no one says what is right but the commands, and the loss knows no
  distance. The words are the instruction's, by both towers.
- Cross-modal attention: words and CLIP's picture ask the picture's latents, so that what they are
  about is found. Attention over time sees earlier frames only, with their places.
- 6 x 3 commands are the plan from every frame on. The LSTM in both directions runs over that plan,
  which hides nothing from it, and corrects it. Two goal encoders in a row are one; the same
  attention over time, done a second time under another name, is done once. No LayerNorm over two
  outputs.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.attention import Asking
from policies.backbone import Parts
from policies.head import AXES, Head, Wants
from policies.learned import Learned
from policies.sizes import Sizes, dropout

PICTURE, TOKENS, CLIP = "kosmos_vision", "kosmos_latents", "clip_vision"
WORDS = ("kosmos_text", "clip_text")
SUBGOALS, FRAMES_EACH = 6, 3
DISTANCES = 3  # close, medium, far
DROPOUT = 0.1  # at full size
SCALE = 0.02  # of learned places' first values


class Distance(nn.Module):
    """A guess how far things are, laid beside what is seen."""

    def __init__(self, width: int, embedding: int) -> None:
        """`embedding`: width of what stands for a distance."""
        super().__init__()
        self.guess = nn.Linear(width, DISTANCES)
        self.embedding = nn.Embedding(DISTANCES, embedding)
        self.fuse = nn.Linear(width + embedding, width)

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        """Seen [..., width] to the same."""
        mixed = self.guess(seen).softmax(dim=-1) @ self.embedding.weight
        return self.fuse(torch.cat([seen, mixed], dim=-1))


class Subgoals(nn.Module):
    """A state becomes a goal, the goal subgoals, a subgoal commands."""

    def __init__(self, width: int, goal: int, heads: int, drop: float) -> None:
        """States of `width`, goals and subgoals of `goal`."""
        super().__init__()
        self.goal = nn.Sequential(nn.Linear(width, 2 * goal), nn.LayerNorm(2 * goal), nn.GELU(),
                                  nn.Dropout(drop), nn.Linear(2 * goal, goal))
        self.places = nn.Parameter(SCALE * torch.randn(SUBGOALS, goal))
        self.split = nn.MultiheadAttention(goal, heads, dropout=drop, batch_first=True)
        self.project = nn.Linear(goal, goal)
        self.planner = nn.TransformerEncoderLayer(goal, heads, 4 * goal, drop, batch_first=True)
        self.executors = nn.ModuleList(nn.Sequential(
            nn.Linear(2 * goal, goal), nn.LayerNorm(goal), nn.GELU(), nn.Dropout(drop),
            nn.Linear(goal, goal // 2), nn.GELU(), nn.Dropout(drop),
            nn.Linear(goal // 2, AXES)) for _ in range(FRAMES_EACH))
        self.smooth = nn.LSTM(AXES, AXES, num_layers=2, batch_first=True, bidirectional=True)
        self.correct = nn.Linear(2 * AXES, AXES)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States [N, width] to plans [N, 18, 2] in shares of the command range."""
        goal = self.goal(states)[:, None].expand(-1, SUBGOALS, -1)
        asking = goal + self.places
        parted = self.split(asking, asking, asking, need_weights=False)[0]
        known = torch.cat([self.planner(self.project(asking + parted)), goal], dim=-1)
        plan = torch.stack([executor(known) for executor in self.executors], dim=2).flatten(1, 2)
        return plan + self.correct(self.smooth(plan)[0])


class Advanced(Head):
    """All modalities of a frame, the frames before it -> subgoals -> plan."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], distance: bool = True,
                 hierarchy: bool = True) -> None:
        """768 wide at full size, goals 256.

        Args:
            sizes: Of layers and heads.
            widths: Of the towers' parts.
            distance: Whether it guesses a distance.
            hierarchy: Whether there are subgoals; without, a state becomes the plan by one MLP.
        """
        frame = (PICTURE, TOKENS, CLIP)
        super().__init__(Wants(frame, WORDS, sizes.window, SUBGOALS * FRAMES_EACH), widths)
        width, heads = sizes.adapter, sizes.attention_heads
        drop = dropout(DROPOUT, sizes)
        self.bring = nn.ModuleDict({name: nn.Sequential(
            nn.Linear(widths[name], width), nn.LayerNorm(width)) for name in (*frame, *WORDS)})
        self.distance = Distance(width, sizes.goal // 8) if distance else nn.Identity()
        self.look = Asking(width, heads)
        self.fusion = nn.Linear((2 + len(WORDS)) * width, width)
        self.times = nn.Parameter(SCALE * torch.randn(sizes.window, width))
        self.remember = Asking(width, heads)
        self.plan = Subgoals(width, sizes.goal, heads, drop) if hierarchy else nn.Sequential(
            nn.Linear(width, sizes.goal), nn.GELU(), nn.Dropout(drop),
            nn.Linear(sizes.goal, self.wants.plan * AXES),
            nn.Unflatten(-1, (self.wants.plan, AXES)))

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 18, 2]."""
        known = {name: self.bring[name](part) for name, part in self.scaled(parts).items()}
        rows, frames = known[PICTURE].shape[:2]
        words = [known[name][:, None].expand(-1, frames, -1) for name in WORDS]
        asking = torch.stack([known[CLIP], *words], dim=2)  # [B, W, 3, width]
        found = self.look(asking.flatten(0, 1), known[TOKENS].flatten(0, 1))
        seen = self.distance(known[PICTURE]).flatten(0, 1)  # [B * W, width]
        fused = self.fusion(torch.cat([seen, found.flatten(1)], dim=-1))
        timed = fused.unflatten(0, (rows, frames)) + self.times[:frames]
        past = self.remember(timed, timed, causal=True)
        return self.plan(past.flatten(0, 1)).unflatten(0, (rows, frames)) * COMMAND_LIMIT


class AdvancedMultimodal(Learned):
    """`--policy advanced_multimodal`."""

    model, with_clip, head_class = "advanced_multimodal", True, Advanced
