"""How long each stage of a decision takes, noted inside real decisions.

Stages have the names by which `policies.work` counts their weights and operations. A stage's time
is its own, without that of stages within it, so that stages add up to the decision.
"""

from __future__ import annotations

import contextlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import torch

from policies import backbone as looking
from policies import stepped as stepping
from policies.learned import Learned
from policies.stepped import Stepped
from policies.work import ANSWERS, CLIP_LOOKS, CLIP_READS, HEAD, LOOKS, READS, REST, SUMS_UP

BEFORE, WINDOW, AFTER = "pre-processing", "window", "post-processing"
Place = tuple[Any, str, str]  # an object, its method, and the stage that this is


class StageTimes:
    """Own seconds and calls of every stage since the last `clear`."""

    def __init__(self, device: torch.device) -> None:
        """`device`: waited for before a clock is read, if it works by itself."""
        self._device = device
        self._within: list[float] = []  # seconds spent in inner stages, one for each open stage
        self.clear()

    def clear(self) -> None:
        """Begin again."""
        self.spent_s: dict[str, float] = defaultdict(float)
        self.calls: dict[str, int] = defaultdict(int)

    def noted(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, noted under this name."""
        def timed(*given: Any, **named: Any) -> Any:
            start = self._now()
            self._within.append(0.0)
            try:
                return work(*given, **named)
            finally:
                lasted = self._now() - start
                self.spent_s[name] += lasted - self._within.pop()
                self.calls[name] += 1
                if self._within:
                    self._within[-1] += lasted

        return timed

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def has_stages(policy: Any) -> bool:
    """Whether they can be told apart: not in one that torch compiled, or that a GPU repeats."""
    return isinstance(policy, Learned) or (isinstance(policy, Stepped) and policy.is_eager)


@contextlib.contextmanager
def noting(policy: Learned | Stepped) -> Iterator[StageTimes]:
    """Every stage of this policy notes its time until the end."""
    times = StageTimes(policy.device)
    whole = policy.whole if isinstance(policy, Stepped) else policy
    places = _stepped(policy) if isinstance(policy, Stepped) else _windowed(policy)
    with contextlib.ExitStack() as stack:
        for thing, method, name in [*_towers(whole), *places]:
            stack.callback(_put_back(thing, method))
            setattr(thing, method, times.noted(name, getattr(thing, method)))
        yield times


def _towers(policy: Learned) -> list[Place]:
    """Where the stages of pictures and words begin and end."""
    kosmos, clip = policy.backbone.kosmos, policy.backbone.clip
    places: list[Place] = [(kosmos, "look", LOOKS), (kosmos, "summary", SUMS_UP),
                           (kosmos, "answer", ANSWERS), (kosmos, "text", READS)]
    if clip is not None:
        places += [(clip, "vision", CLIP_LOOKS), (clip, "text", CLIP_READS)]
    return places


def _windowed(policy: Learned) -> list[Place]:
    """The other stages of a policy that looks back over a window in every decision."""
    head = policy.head
    places: list[Place] = [(policy, "act", AFTER), (policy, "_windows", WINDOW),
                           (looking, "pixels", BEFORE), (head, "decide", REST)]
    return places + [(child, "forward", HEAD + name) for name, child in head.named_children()
                     if not isinstance(child, torch.nn.ModuleDict | torch.nn.ModuleList)]


def _stepped(policy: Stepped) -> list[Place]:
    """The other stages of a policy that goes step by step."""
    step = policy.step
    return [(policy, "act", AFTER), (stepping, "pixels", BEFORE), (step, "forward", REST),
            (step, "fuse", f"{HEAD}fusion"), (step.lstm, "forward", f"{HEAD}lstm"),
            (step.actions, "forward", f"{HEAD}actions")]


def _put_back(thing: Any, method: str) -> Callable[[], None]:
    """What makes a method what it is now."""
    if method in vars(thing):
        before = vars(thing)[method]
        return lambda: setattr(thing, method, before)
    return lambda: delattr(thing, method)
