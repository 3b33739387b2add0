"""What one decision costs, counted from the modules themselves: weights read, operations done.

The modules run on torch's meta device, which has shapes and no numbers, so any size is counted in
seconds and in no memory. A weight counts where an operation reads it, once a stage; of an embedding
only the rows that are looked up count. Operations are those of matrix products, convolutions and
attention, two for a multiplication and its addition, as torch's own counter has them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import policies
from policies.backbone import ACTION, Backbone, Parts
from policies.checkpoint import SHIPPED
from policies.head import Head
from policies.learned import Learned
from policies.prompts import Goal
from policies.prompts import prompt as goal_prompt
from policies.sizes import sizes
from policies.step import Step

INSTRUCTION = "Navigate around the obstacle on the left side and reach the cup"
STEPPED = "hybrid_stepped"
SPEAKER, SAID = "text_action", 38  # tokens that tell three things with their places
META = torch.device("meta")
FRAME, WORDS = "frame", "instruction"  # how often a stage runs: for every frame, or once for words
LOOKS, SUMS_UP = "Kosmos-2 looks", "Kosmos-2 sums up for the words"
ANSWERS, CLIP_LOOKS = "Kosmos-2 answers the action token", "CLIP looks"
READS, CLIP_READS = "Kosmos-2 reads the words", "CLIP reads the words"
HEAD = "head: "  # and the name of a part
REST = f"{HEAD}rest"
VIEWS = ("aten.t", "aten.transpose", "aten.view", "aten.expand", "aten.permute", "aten.detach",
         "aten.alias", "aten.slice", "aten.select", "aten.unsqueeze", "aten.squeeze",
         "aten.split", "aten.chunk", "aten.unbind", "aten.as_strided", "aten._unsafe_view")


@dataclass(frozen=True)
class Stage:
    """One part of a decision, for one robot."""

    name: str
    weights: int  # numbers read
    operations: int
    per: str  # frame or instruction
    times: int = 1  # in a decision

    @property
    def is_head(self) -> bool:
        """Whether it comes behind the towers, and may compute in other numbers than they."""
        return self.name.startswith(HEAD)


@dataclass(frozen=True)
class Work:
    """One policy's decision, stage by stage."""

    policy: str
    size: str
    plan: int  # commands that one decision gives
    window: int  # frames that its head looks back over
    stages: tuple[Stage, ...]


def work_of(name: str, size: str) -> Work:
    """What a registered policy's decision costs at a size.

    Raises:
        ValueError: if it is no learned policy: what has no weights has no floor.
    """
    if name == SPEAKER:
        return Work(name, size, 1, 1, tuple(_speaking(size)))
    if name == STEPPED:
        return work_of_steps("hybrid", size)
    if name not in policies.LEARNED:
        raise ValueError(f"{name!r} has no weights that could be counted, so there is no floor; "
                         f"expected one of {SPEAKER}, {STEPPED}, {', '.join(policies.LEARNED)}.")
    policy = shell(name, size)
    wants = policy.head.wants
    return Work(name, size, wants.plan, wants.window, tuple(_stages(policy)))


def work_of_steps(name: str, size: str, carried: bool = False) -> Work:
    """The same where a policy with fusion and LSTM goes step by step, as `policies.step` has it."""
    policy = shell(name, size)
    step = Step(policy, carried=carried)
    seen: Parts = {}
    stages = [*_looking(policy.backbone, policy.head.wants.frame, seen),
              *_reading(policy.backbone, policy.head.wants.text, seen), *_stepping(step, seen)]
    return Work(f"{name}_stepped", size, policy.head.wants.plan, 1, tuple(stages))


def shell(name: str, size: str) -> Learned:
    """A registered policy without numbers, on the meta device."""
    cls, fixed = policies.find(name)
    assert issubclass(cls, Learned), "only these are called learned"
    backbone = _towers(size, cls.with_clip)
    with META:
        policy = cls.untrained(backbone, size, **fixed)
    policy.head.eval().requires_grad_(False).to(META)  # tables that were made elsewhere, too
    return policy


def _towers(size: str, with_clip: bool) -> Backbone:
    backbone = Backbone.weightless(sizes(size), with_clip, SHIPPED / "towers" / "kosmos2")
    backbone.device = META
    for part in backbone.modules():
        part.eval().requires_grad_(False)
    return backbone


def count(modules: list[nn.Module], call: Callable[[], Any]) -> tuple[Any, int, int]:
    """What a call answers, how many of the modules' numbers it reads, its operations."""
    reads, counter = _Reads(modules), FlopCounterMode(display=False)
    with torch.no_grad(), counter, reads:
        found = call()
    return found, reads.numbers, counter.get_total_flops()


def _stages(policy: Learned) -> Iterator[Stage]:
    """All stages, in the order in which they run."""
    backbone, wants = policy.backbone, policy.head.wants
    seen: Parts = {}
    yield from _looking(backbone, wants.frame, seen)
    yield from _reading(backbone, wants.text, seen)
    yield from _deciding(policy.head, seen)


def _reading(backbone: Backbone, wanted: tuple[str, ...], seen: Parts) -> Iterator[Stage]:
    """What the towers do with words; `seen` is filled."""
    for part in wanted:
        name = {"kosmos_text": READS, "clip_text": CLIP_READS}
        read, weights, operations = count(
            backbone.modules(), partial(backbone.read, [INSTRUCTION], (part,)))
        seen |= read
        yield Stage(name[part], weights, operations, WORDS)


def _speaking(size: str) -> Iterator[Stage]:
    """A policy without a head: what it says of a picture, word by word."""
    backbone, seen = _towers(size, with_clip=False), Parts()
    yield from _looking(backbone, ("kosmos_latents",), seen)
    kosmos = backbone.kosmos
    prompt = kosmos.prompt(goal_prompt(Goal.DESCRIBE_SCENE))
    speaks = kosmos.model.text_model.lm_head
    _, weights, operations = count(backbone.modules(), lambda: speaks(kosmos.answer(
        seen["kosmos_latents"], [prompt])))
    yield Stage("Kosmos-2 reads the question, says a token", weights, operations, FRAME)
    word = torch.zeros((1, 1), dtype=torch.long, device=META)
    _, weights, operations = count(backbone.modules(), lambda: speaks(
        kosmos.model.text_model.model(input_ids=word).last_hidden_state))
    yield Stage(f"Kosmos-2 says {SAID - 1} more tokens", weights, operations, FRAME, SAID - 1)


def _looking(backbone: Backbone, wanted: tuple[str, ...], seen: Parts) -> Iterator[Stage]:
    """What the towers do with a frame; `seen` is filled."""
    size = backbone.image_size
    pixels = torch.empty((1, 3, size, size), device=META)
    kosmos = backbone.kosmos
    if set(wanted) - {"clip_vision"}:
        found, weights, operations = count(backbone.modules(), lambda: kosmos.look(pixels))
        seen |= found
        yield Stage(LOOKS, weights, operations, FRAME)
    if ACTION in wanted or "kosmos_latents" in wanted:
        latents, weights, operations = count(
            backbone.modules(), lambda: kosmos.summary(seen["kosmos_patches"]))
        seen["kosmos_latents"] = latents
        yield Stage(SUMS_UP, weights, operations, FRAME)
    if ACTION in wanted:
        prompt = kosmos.prompt(INSTRUCTION)
        seen[ACTION], weights, operations = count(
            backbone.modules(), lambda: kosmos.answer(seen["kosmos_latents"], [prompt]))
        yield Stage(ANSWERS, weights, operations, FRAME)
    if "clip_vision" in wanted and backbone.clip is not None:
        clip = backbone.clip
        seen["clip_vision"], weights, operations = count(
            backbone.modules(), lambda: clip.vision(pixels))
        yield Stage(CLIP_LOOKS, weights, operations, FRAME)


def _deciding(head: Head, seen: Parts) -> Iterator[Stage]:
    """The head's own parts, over a full window of frames."""
    wants = head.wants
    parts = {name: seen[name][:, None].expand(1, wants.window, *seen[name].shape[1:])
             for name in wants.frame} | {name: seen[name] for name in wants.text}
    counter, reads = FlopCounterMode(display=False, depth=2), _Reads([head])
    with torch.no_grad(), counter, reads:
        head(parts, torch.full((1,), wants.window, device=META))
    by_module = counter.get_flop_counts()
    left_weights, left_operations = reads.numbers, counter.get_total_flops()
    for name, child in head.named_children():
        weights = sum(reads.read.get(each.untyped_storage()._cdata, 0)
                      for each in child.parameters())
        operations = sum(by_module.get(f"{type(head).__name__}.{name}", {}).values())
        left_weights, left_operations = left_weights - weights, left_operations - operations
        if weights or operations:
            yield Stage(HEAD + name, weights, operations, FRAME)
    if left_weights or left_operations:
        yield Stage(REST, left_weights, left_operations, FRAME)


def _stepping(step: Step, seen: Parts) -> Iterator[Stage]:
    """The parts of a head that goes step by step; the words' share of the fusion is known."""
    words = torch.empty(1, len(step.fusion_bias), device=META)
    fused, weights, operations = count([step], lambda: step.fuse(seen, words))
    yield Stage(f"{HEAD}fusion", weights, operations, FRAME)
    state = torch.empty(step.lstm.layers, step.states, step.lstm.width, device=META)
    (answers, _, _), weights, operations = count([step.lstm], lambda: step.lstm(
        fused.expand(step.states, -1), state, state))
    yield Stage(f"{HEAD}lstm", weights, operations, FRAME)
    _, weights, operations = count([step.actions], lambda: step.actions(answers[:1]))
    yield Stage(f"{HEAD}actions", weights, operations, FRAME)


class _Reads(TorchDispatchMode):
    """Which of some modules' parameters operations read, and how many of their numbers."""

    def __init__(self, modules: list[nn.Module]) -> None:
        super().__init__()
        self._known = {each.untyped_storage()._cdata: each.numel()
                       for module in modules for each in module.parameters()}
        self.read: dict[int, int] = {}  # by storage

    @property
    def numbers(self) -> int:
        """All that was read; what two operations read counts once."""
        return sum(self.read.values())

    def __torch_dispatch__(self, operation: Any, types: Any, given: tuple[Any, ...] = (),
                           named: dict[str, Any] | None = None) -> Any:
        """Note what an operation reads, then do it."""
        name = str(operation.overloadpacket)
        if name == "aten._local_scalar_dense" and given[0].is_meta:
            return 0  # a question about numbers, like whether a mask masks nothing: there are none
        if name == "aten.embedding":
            key = given[0].untyped_storage()._cdata
            if key in self._known:
                rows = given[1].numel() * given[0].shape[-1]
                self.read[key] = max(self.read.get(key, 0), min(rows, self._known[key]))
        elif name not in VIEWS:
            for each in _tensors(given):
                key = each.untyped_storage()._cdata
                if key in self._known:
                    self.read[key] = self._known[key]
        return operation(*given, **(named or {}))


def _tensors(given: Any) -> Iterator[torch.Tensor]:
    """All tensors of nested arguments."""
    if isinstance(given, torch.Tensor):
        yield given
    elif isinstance(given, tuple | list):
        for each in given:
            yield from _tensors(each)
