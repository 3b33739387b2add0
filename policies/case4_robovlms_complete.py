"""Case 4, RoboVLMsCompleteModel: 64 latents, task planner, action sequencer, state predictor.

The original's code was never found; its papers give a Perceiver resampler (64 latents, 6 layers, 8
heads), hidden 512, a TaskPlanner (LSTM), an ActionSequencer (GRU), a StatePredictor (LSTM) of state
64, at most 10 tasks, plans, sequences and predictions of 5 steps, dropout 0.1, a four-layer MLP,
and Huber plus hierarchical plus state-prediction losses of unknown weight on unknown targets. Its
published figures came from dummy data.

How these parts work together is an interpretation. The planner says which ways to go in the next
five decisions, in their order and without durations (`policies.planner_tasks`): a cross entropy at
weight 0.01, RoboVLMs' own for a classification beside a Huber loss. The sequencer starts from what
is fused, reads a task a step and answers with the features of five commands. The state predictor
starts from zero, here, and says after each of these where the robot will stand, in steps ahead and
to the left; what is right, the commands summed, needs no later picture. It is a Huber loss at
weight 0.1, since a sum of commands is off by more than one command. The MLP makes a command of what
is fused, the sequence and the state: the answer is a plan of five.

Its recipe was Case 1's with patience 5: see there why the protocol's serves here. No robot's state
goes in: observations have none beside the picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.backbone import Parts
from policies.case1_simplified import TEXT, VISION, narrow
from policies.case2_clip_normalized import PATCHES
from policies.head import AXES, HUBER_DELTA, Head, Wants, masked_huber, regressor
from policies.learned import Learned
from policies.planner_tasks import TASKS, tasks_of
from policies.resampler import Resampler
from policies.sizes import Sizes, dropout

STEPS = 5  # of a plan, a sequence and a prediction
INNER_FACTOR = 4.0
DROPOUT = 0.1  # at full size
TASK_WEIGHT, STATE_WEIGHT = 0.01, 0.1


@dataclass(frozen=True)
class Planned:
    """What the planner thinks, a row a frame."""

    tasks: torch.Tensor  # [N, STEPS, tasks]: logits
    sequence: torch.Tensor  # [N, STEPS, width]: features of commands
    states: torch.Tensor  # [N, STEPS, state]
    places: torch.Tensor  # [N, STEPS, 2]: where the robot will stand, in steps ahead and left


class HierarchicalPlanner(nn.Module):
    """Tasks, then a sequence that carries them out, then where that leads."""

    def __init__(self, width: int, state: int) -> None:
        """`width`: of what is fused; `state`: of a predicted state."""
        super().__init__()
        self.task_planner = nn.LSTM(width, width, batch_first=True)
        self.tasks = nn.Linear(width, len(TASKS))
        self.meanings = nn.Linear(len(TASKS), width, bias=False)  # of tasks, for the sequencer
        self.action_sequencer = nn.GRU(width, width, batch_first=True)
        self.state_predictor = nn.LSTM(width, state, batch_first=True)
        self.places = nn.Linear(state, AXES)

    def forward(self, fused: torch.Tensor) -> Planned:
        """A plan for each of fused features [N, width]."""
        thought, _ = self.task_planner(fused[:, None].expand(-1, STEPS, -1))
        tasks = self.tasks(thought)
        sequence, _ = self.action_sequencer(self.meanings(tasks.softmax(dim=-1)), fused[None])
        states, _ = self.state_predictor(sequence)
        return Planned(tasks, sequence, states, self.places(states))


class CompleteHead(Head):
    """Patches through the resampler, words, planner, command."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], resampler: bool = True,
                 planner: bool = True, latents_factor: float = 1.0) -> None:
        """Twice as wide as Case 1.

        Args:
            sizes: Of the layers.
            widths: Of the towers' parts.
            resampler: Whether it reads all patches; without, the pooled picture.
            planner: Whether there is the hierarchy; without, it answers with one command.
            latents_factor: Of the number of latents: 0.25 for the seeds' 16.
        """
        seen = PATCHES if resampler else VISION
        super().__init__(Wants((seen,), (TEXT,), plan=STEPS if planner else 1), widths)
        width, state = 2 * sizes.case_width, sizes.case_width // 4
        drop = dropout(DROPOUT, sizes)
        self.resampler = Resampler(
            widths[PATCHES], width, int(sizes.kosmos_latents * latents_factor),
            sizes.resampler_layers, sizes.resampler_heads, INNER_FACTOR) if resampler else None
        self.vision = nn.Dropout(drop) if resampler else narrow(widths[VISION], width, drop)
        self.text = narrow(widths[TEXT], width, drop)
        self.fusion = nn.Sequential(nn.Linear(2 * width, width), nn.LayerNorm(width), nn.ReLU(),
                                    nn.Dropout(drop))
        self.planner = HierarchicalPlanner(width, state) if planner else None
        self.actions = regressor(2 * width + state if planner else width, width, width // 2,
                                 width // 4, AXES, dropout=drop)

    def forward(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, W, 5, 2], or [B, W, 1, 2] without planner; each frame on its own."""
        fused = self.fuse(parts)
        if self.planner is None:
            return self.actions(fused)[:, :, None] * COMMAND_LIMIT
        return self._commands(fused, self.planner(fused.flatten(0, 1)))

    def loss(self, parts: Parts, lengths: torch.Tensor, commands: torch.Tensor,
             mask: torch.Tensor) -> torch.Tensor:
        """Huber of commands, and with a planner what its tasks and places are wrong by."""
        if self.planner is None:
            return super().loss(parts, lengths, commands, mask)
        fused = self.fuse(parts)
        planned = self.planner(fused.flatten(0, 1))
        off = masked_huber(self._commands(fused, planned), commands, mask)
        return (off + TASK_WEIGHT * _task_loss(planned.tasks, commands, mask)
                + STATE_WEIGHT * _place_loss(planned.places, commands, mask))

    def fuse(self, parts: Parts) -> torch.Tensor:
        """Picture and words [B, W, width]."""
        scaled = self.scaled(parts)
        seen = scaled[self.wants.frame[0]]
        if self.resampler is not None:
            seen = self.resampler(seen).mean(dim=-2)
        words = self.text(scaled[TEXT])[:, None].expand(-1, seen.shape[1], -1)
        return self.fusion(torch.cat([self.vision(seen), words], dim=-1))

    def _commands(self, fused: torch.Tensor, planned: Planned) -> torch.Tensor:
        """Commands [B, W, STEPS, 2] of fused features [B, W, width] and their plans."""
        now = fused.flatten(0, 1)[:, None].expand(-1, STEPS, -1)
        known = torch.cat([now, planned.sequence, planned.states], dim=-1)
        return self.actions(known).unflatten(0, fused.shape[:2]) * COMMAND_LIMIT


def _task_loss(tasks: torch.Tensor, commands: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Cross entropy of logits [B * W, STEPS, tasks], mean over the frames that count."""
    right = tasks_of(commands, mask).flatten()
    off = F.cross_entropy(tasks.flatten(0, 1), right, reduction="none").view_as(mask)
    counts = mask[..., :1]  # a frame that counts has a command of its own
    return (off.mean(dim=-1, keepdim=True) * counts).sum() / counts.sum().clamp(min=1.0)


def _place_loss(places: torch.Tensor, commands: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Huber of places [B * W, STEPS, 2] against the commands summed, in steps."""
    right = (commands / COMMAND_LIMIT).cumsum(dim=-2)
    off = F.huber_loss(places.view_as(right), right, reduction="none", delta=HUBER_DELTA)
    return (off.mean(dim=-1) * mask).sum() / mask.sum().clamp(min=1.0)


class CaseFour(Learned):
    """`--policy case4_robovlms_complete`."""

    model, head_class = "case4_robovlms_complete", CompleteHead
