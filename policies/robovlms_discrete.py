"""RoboVLMs' DiscreteDecoder: a command is a word, one token an axis, and the next is foretold.

The original has no layers of its own: Kosmos-2 itself is trained to go on after the instruction
with the tokens of the whole plan, from the end of its own vocabulary, by shifted cross entropy, and
says them greedily one after the other. Here the language model is frozen, as for every model of the
comparison, and its vocabulary stays what it was. So a GPT-2 over the window stands for what the
language model would add, and the head has a vocabulary of its own: the action tokens and the one
that begins a command. Its output layer is its embedding, as Kosmos-2's is.

Within a step of the plan the tokens are said in order, axis by axis: linear_y's sees which one
linear_x got. The ten steps are asked at once, each from its own place of the state: one after the
other they would cost ten times as long, and only the first is driven before asking again.

The loss counts action tokens that are in the mask, as there. Values between bins are lost: a bin is
0.009 command units wide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from policies.action_tokens import BINS, OFFSET, ActionTokenizer
from policies.arm_loss import masked_mean
from policies.backbone import ACTION, Parts
from policies.head import AXES
from policies.learned import Learned
from policies.plan_head import PlanHead, PlanOptions
from policies.robovlms_gpt import CausalFrames
from policies.sizes import Sizes


class DiscreteDecoder(PlanHead):
    """Tokens instead of numbers."""

    def __init__(self, sizes: Sizes, widths: Mapping[str, int], **options: Any) -> None:
        """`options`: fields of PlanOptions."""
        super().__init__(sizes, widths, sizes.window, PlanOptions(**options))
        self.tokenizer = ActionTokenizer(BINS + 1 + OFFSET)  # begin_id 0, actions 1 to 256
        width = sizes.head[1]
        self.frames = CausalFrames(widths[ACTION], sizes)
        self.steps = nn.Linear(sizes.gpt_width, sizes.plan * width)
        self.words = nn.Embedding(BINS + 1, width)
        nn.init.normal_(self.words.weight, std=width ** -0.5)
        self.next = nn.Sequential(nn.ReLU(), nn.Linear(width, width))

    def encoded(self, parts: Parts, lengths: torch.Tensor) -> torch.Tensor:
        """Plans [B, W, plan, 2]: centres of the likeliest bins, axis by axis."""
        states = self.states(parts)
        said = torch.full_like(states[..., :1], self.tokenizer.begin_id, dtype=torch.long)
        for _ in range(AXES):
            logits = self.logits(states, said)[..., -1, :]
            best = logits.argmax(dim=-1, keepdim=True) + self.tokenizer.begin_id + 1
            said = torch.cat([said, best], dim=-1)
        return self.tokenizer.decode(said[..., 1:])

    def off(self, parts: Parts, lengths: torch.Tensor, wanted: torch.Tensor,
            counts: torch.Tensor) -> torch.Tensor:
        """Cross entropy of each command's tokens, told the ones before; arguments as `lesson`'s."""
        ids = self.tokenizer.encode(wanted)
        begin = torch.full_like(ids[..., :1], self.tokenizer.begin_id)
        logits = self.logits(self.states(parts), torch.cat([begin, ids[..., :-1]], dim=-1))
        off = F.cross_entropy(logits.flatten(0, -2), (ids - self.tokenizer.begin_id - 1).flatten(),
                              reduction="none").view(ids.shape)
        return masked_mean(off.mean(dim=-1), counts)

    def states(self, parts: Parts) -> torch.Tensor:
        """What each step of each frame's plan is said from [B, W, plan, width]."""
        found = self.steps(self.frames(self.scaled(parts)[ACTION]))
        return found.unflatten(-1, (self.wants.plan, -1))

    def logits(self, states: torch.Tensor, said: torch.Tensor) -> torch.Tensor:
        """Of the action tokens after each of these: [..., width], [..., L] -> [..., L, bins]."""
        hidden = self.next(states[..., None, :] + self.words(said))
        return hidden @ self.words.weight[self.tokenizer.begin_id + 1:].T


class RobovlmsDiscrete(Learned):
    """`--policy robovlms_discrete`."""

    model, head_class = "robovlms_discrete", DiscreteDecoder
