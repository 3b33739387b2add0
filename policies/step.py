"""A whole decision of a model with fusion and LSTM as one module: state in, state out.

A head that looks back over a window runs its LSTM over all frames of it, from zero, in every
decision. Here one state is kept for every frame with which a window may begin; each sees the new
frame, the oldest answers and begins again. So weights are read once a decision instead of once a
frame of the window, and the answer is the same. With `carried` there is one state, which never
begins again: what a robot saw before the window counts, too, which no head was trained for.

The words' share of the fusion is computed once an episode.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.backbone import Parts
from policies.hybrid import FusionLstm
from policies.learned import Learned
from policies.lstm_step import LstmStep

State = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # hidden, cell [B, L, W, H]; frames [B]


class Step(nn.Module):
    """Pictures, the words' share and a state to commands and the next state."""

    def __init__(self, policy: Learned, dtype: torch.dtype = torch.float32,
                 carried: bool = False) -> None:
        """Shares the towers and copies the head.

        Args:
            policy: With fusion and LSTM, like hybrid and kosmos_lstm.
            dtype: What fusion, LSTM and actions compute in; towers are as they are.
            carried: Keep one state for the whole episode.

        Raises:
            ValueError: for a policy with another head.
        """
        super().__init__()
        head = policy.head
        if not isinstance(head, FusionLstm):
            raise ValueError(f"{policy.spec.name} has no fusion and LSTM that could go step by "
                             f"step; expected hybrid, kosmos_lstm or a variant of them.")
        self._backbone, self._frame = policy.backbone, head.wants.frame
        self.kosmos = policy.backbone.kosmos.model.vision_model
        self.clip = policy.backbone.clip.model.visual if policy.backbone.clip else None
        self.window, self.carried = head.wants.window, carried
        self.text, self.scale = head.wants.text, head.scale
        self.frame_weight, self.words_weight = self._parted(head, dtype)
        self.fusion_bias = nn.Parameter(head.fusion.bias.detach(), requires_grad=False)
        self.lstm = LstmStep(head.lstm, dtype)
        self.actions = _copied(head.actions, dtype)
        self.norm = head.norm
        self.register_buffer("weakest", head.weakest.clone())
        self.eval()

    @property
    def states(self) -> int:
        """How many begin one after the other."""
        return 1 if self.carried else self.window

    def begin(self, rows: int = 1) -> State:
        """The state before the first frame."""
        device = self.fusion_bias.device
        empty = torch.zeros(rows, self.lstm.layers, self.states, self.lstm.width, device=device)
        return empty, empty.clone(), torch.zeros(rows, dtype=torch.long, device=device)

    def words(self, parts: Parts) -> torch.Tensor:
        """The share [B, fusion] of text parts [B, width], and the bias."""
        if not self.text:
            return self.fusion_bias[None]
        scaled = torch.cat([self.scale[name](parts[name]) for name in self.text], dim=1)
        return F.linear(scaled, self.words_weight) + self.fusion_bias

    def forward(self, pixels: torch.Tensor, words: torch.Tensor, hidden: torch.Tensor,
                cell: torch.Tensor, frames: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """One decision.

        Args:
            pixels: [B, 3, S, S], as `policies.pixels` gives them.
            words: [B, fusion], see `words`.
            hidden: [B, layers, states, width].
            cell: As hidden.
            frames: [B] int64, how many were seen before.

        Returns:
            Commands [B, 2] (linear_x, linear_y; command units) and the state.
        """
        answer, hidden, cell, frames = self._remember(self.fuse(self._look(pixels), words),
                                                      hidden, cell, frames)
        commands = self.norm(self.actions(answer.to(self.frame_weight.dtype)).float())
        commands = commands * COMMAND_LIMIT
        moves = commands.abs().amax(dim=-1, keepdim=True) >= self.weakest / 2
        return commands * moves, hidden, cell, frames

    def _look(self, pixels: torch.Tensor) -> Parts:
        """Every tower once."""
        seen = dict(self._backbone.kosmos.look(pixels)) if "kosmos_vision" in self._frame else {}
        if self._backbone.clip is not None and "clip_vision" in self._frame:
            seen["clip_vision"] = self._backbone.clip.vision(pixels)
        return seen

    def fuse(self, seen: Parts, words: torch.Tensor) -> torch.Tensor:
        """What is seen and said [B, fusion]."""
        scaled = torch.cat([self.scale[name](seen[name]) for name in self._frame], dim=1)
        return F.linear(scaled.to(self.frame_weight.dtype), self.frame_weight).float() + words

    def _remember(self, fused: torch.Tensor, hidden: torch.Tensor, cell: torch.Tensor,
                  frames: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """The oldest state's answer [B, width], and all states one frame later."""
        rows, states = len(fused), self.states
        if not self.carried:
            begins = torch.arange(states, device=fused.device) == (frames % states)[:, None]
            hidden, cell = (each * ~begins[:, None, :, None] for each in (hidden, cell))
        values = fused[:, None].expand(-1, states, -1).reshape(rows * states, -1)
        answers, hidden, cell = self.lstm(values, _flat(hidden), _flat(cell))
        oldest = torch.where(frames < states, 0, (frames + 1) % states)
        by_state = answers.view(rows, states, -1)
        answer = by_state.gather(1, oldest[:, None, None].expand(-1, 1, by_state.shape[-1]))[:, 0]
        return answer, _back(hidden, rows), _back(cell, rows), frames + 1

    def _parted(self, head: FusionLstm, dtype: torch.dtype) -> tuple[nn.Parameter, nn.Parameter]:
        """The fusion's columns for what is seen [fusion, .], and for the words."""
        columns: dict[str, torch.Tensor] = {}
        start, weight = 0, head.fusion.weight.detach()
        for name in head.fused:
            width = self._backbone.widths[name]
            columns[name] = weight[:, start:start + width]
            start += width
        seen = torch.cat([columns[name] for name in head.wants.frame], dim=1)
        said = torch.cat([columns[name] for name in head.wants.text] or [weight[:, :0]], dim=1)
        return (nn.Parameter(seen.to(dtype), requires_grad=False),
                nn.Parameter(said.clone(), requires_grad=False))


def _flat(state: torch.Tensor) -> torch.Tensor:
    """[B, L, W, H] to [L, B * W, H]."""
    return state.transpose(0, 1).flatten(1, 2)


def _back(state: torch.Tensor, rows: int) -> torch.Tensor:
    """[L, B * W, H] to [B, L, W, H]."""
    return state.unflatten(1, (rows, -1)).transpose(0, 1)


def _copied(layers: nn.Sequential, dtype: torch.dtype) -> nn.Sequential:
    """Linear layers in other numbers."""
    return copy.deepcopy(layers).to(dtype).requires_grad_(False)
