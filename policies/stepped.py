"""A fusion and LSTM policy that goes step by step: the same commands, every weight read once.

`--policy hybrid_stepped` takes the hybrid's weights. What is a variant of numbers (16 bits, whole
numbers) or of engine is an option; `policies.stepped:HybridInt8` is the name of one for `eval.run`.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

import policies
from envs.interface import Observation
from policies.devices import check_dtype, find_dtype
from policies.engines import EAGER, with_engine
from policies.interface import Action, Policy, clip_commands
from policies.learned import Learned
from policies.pixels import pixels
from policies.quantise import quantise
from policies.step import State, Step

INT8 = "int8"


@dataclass
class StepMemory:
    """One episode: the words' share [1, fusion], and the state [1, ...]."""

    words: torch.Tensor
    state: State

    def __deepcopy__(self, _: dict[int, Any]) -> StepMemory:
        """States are never changed in place, so a copy may share them."""
        return copy.copy(self)


class Stepped(Policy):
    """Another policy's weights, run as one step a decision."""

    def __init__(self, of: str = "hybrid", name: str | None = None, size: str | None = None,
                 checkpoint: str | None = None, device: str = "cpu", random_weights: bool = False,
                 dtype: str = "fp32", engine: str = EAGER, carried: bool = False) -> None:
        """Load another policy and take it apart.

        Args:
            of: The policy whose weights and towers it has: hybrid, kosmos_lstm, or a variant.
            name: What it is called in results.
            size: As for `of`.
            checkpoint: As for `of`.
            device: As for `of`.
            random_weights: As for `of`.
            dtype: What towers and head compute in: fp32, bf16, fp16, or int8 in linear layers.
            engine: eager, compile or graph.
            carried: Keep one state for a whole episode, see `policies.step`.

        Raises:
            ValueError: as `of` does; for a policy without fusion and LSTM; or an engine that the
                device has not.
        """
        if of in policies.REGISTRY and of not in policies.LEARNED:
            raise ValueError(f"{of} has no layers that could go step by step; expected hybrid, "
                             f"kosmos_lstm or a variant of them.")
        numbers = "fp32" if dtype == INT8 else dtype
        options: dict[str, Any] = {"size": size, "checkpoint": checkpoint, "device": device,
                                   "dtype": numbers}
        options = {key: value for key, value in options.items() if value is not None}
        whole = policies.make(of, **options, **({"random_weights": True} if random_weights else {}))
        assert isinstance(whole, Learned), "other policies take no such options"
        self.device, self.numbers = whole.device, dtype
        check_dtype(self.device, numbers)
        self.whole = whole
        self.step = Step(whole, find_dtype(numbers), carried).to(self.device)
        if dtype == INT8:
            quantise(self.step)
        self._run = with_engine(self.step, engine, self.device)
        self.spec = replace(whole.spec, name=name or f"{of}_stepped")

    @property
    def is_eager(self) -> bool:
        """Whether its layers run one by one, as they are."""
        return self._run is self.step

    @property
    def counted_as(self) -> str:
        """The policy whose layers it has."""
        return self.whole.spec.name

    def modules(self) -> list[torch.nn.Module]:
        """Everything with weights that a decision reads, and the towers that read words."""
        return [self.step, *self.whole.backbone.modules()]

    def begin(self, instruction: str, seed: int) -> StepMemory:
        """The words are read once."""
        read = self.whole.begin(instruction, seed).text
        with torch.inference_mode():
            words = self.step.words({key: part[None] for key, part in read.items()})
            return StepMemory(words, self.step.begin())

    def act(self, memories: Sequence[StepMemory],
            observations: Sequence[Observation]) -> list[Action]:
        """All rows in one step."""
        size = self.whole.backbone.image_size
        with torch.inference_mode():
            seen = pixels([each["rgb"] for each in observations], size, self.device)
            states = [torch.cat(parts) for parts in zip(*(memory.state for memory in memories))]
            commands, *states = self._run(seen, torch.cat([each.words for each in memories]),
                                          *states)
            for row, memory in enumerate(memories):
                hidden, cell, frames = (each[row:row + 1] for each in states)
                memory.state = hidden, cell, frames
            rows = commands.float().cpu().numpy()
        plans = np.zeros((len(rows), 1, 3), np.float32)  # the recorded data never turn
        plans[:, 0, :2] = clip_commands(rows)
        return [Action(plan) for plan in plans]


class HybridInt8(Stepped):
    """`--policy policies.stepped:HybridInt8`: linear layers in whole numbers."""

    def __init__(self, **options: Any) -> None:
        """Options as in `Stepped`."""
        super().__init__(**_with(options, name="hybrid_int8", dtype=INT8))


class HybridBf16(Stepped):
    """`--policy policies.stepped:HybridBf16`: towers and head in bf16."""

    def __init__(self, **options: Any) -> None:
        """Options as in `Stepped`."""
        super().__init__(**_with(options, name="hybrid_bf16", dtype="bf16"))


class HybridCarried(Stepped):
    """`--policy policies.stepped:HybridCarried`: one state for a whole episode."""

    def __init__(self, **options: Any) -> None:
        """Options as in `Stepped`."""
        super().__init__(**_with(options, name="hybrid_carried", carried=True))


def _with(options: dict[str, Any], **fixed: Any) -> dict[str, Any]:
    """Options and what a variant is.

    Raises:
        ValueError: if an option would make it another one.
    """
    for key, value in options.items():
        if fixed.get(key, value) != value:
            raise ValueError(f"{fixed['name']} has {key} {fixed[key]}, got {value}; leave it out, "
                             f"or take hybrid_stepped.")
    return fixed | options
