"""How long a policy takes from a frame to a command, and where that time goes.

Whole decisions are timed alone; between them, others are timed stage by stage, so that reading
clocks inside does not lengthen what is reported as the whole.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from policies.interface import Observation, Policy

PICTURES = 8  # different ones, in turn
LEAST = 5  # decisions that are timed, however long they take
LEFT = "Navigate around the obstacle on the left side and reach the cup"
OTHER_WORDS = "Navigate around the obstacle on the right side and reach the cup, number {}"


@dataclass(frozen=True)
class Protocol:
    """What is done, so that it can be done again."""

    batch: int = 1  # robots
    picture: tuple[int, int] = (720, 1280)  # height and width of a frame
    decisions: int = 200  # at most
    seconds: float = 20.0  # after these no further decision begins
    warm_up: int = 10  # decisions before, at most; at least one

    def __post_init__(self) -> None:
        """Refuse what measures nothing."""
        if min(self.batch, self.decisions, self.warm_up, *self.picture) < 1 or self.seconds <= 0:
            raise ValueError("batch, decisions, warm-up, seconds and both sides of a picture must "
                             f"be above 0, got {self}.")


@dataclass
class Times:
    """Seconds, one number for each decision."""

    first: float = 0.0  # the very first decision, with all that is made on first use
    whole: list[float] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)
    calls: dict[str, int] = field(default_factory=dict)  # of each stage in one decision
    words: list[float] = field(default_factory=list)  # reading an instruction that is new
    words_again: list[float] = field(default_factory=list)  # one that was read before
    word_stages: list[dict[str, float]] = field(default_factory=list)
    text_tower_calls_again: int = 0  # while instructions that were read before are read again


def measure(policy: Policy, protocol: Protocol,
            between: Callable[[], None] = lambda: None) -> Times:
    """Time decisions of robots that all do as the same policy says.

    Args:
        policy: Any; stages are told apart where it is a learned one.
        protocol: What is done.
        between: Called a few times between decisions: whatever else must be measured in the same
            minute.
    """
    found, frames = Times(), _frames(protocol)
    memories = [policy.begin(LEFT, seed) for seed in range(protocol.batch)]
    wait = _waiting(policy)

    def decide() -> float:
        seen = next(frames)
        wait()
        start = time.perf_counter()
        policy.act(memories, seen)
        wait()
        return time.perf_counter() - start

    found.first = decide()
    began = time.perf_counter()
    for _ in range(protocol.warm_up - 1):
        if time.perf_counter() - began > protocol.seconds / 4:
            break
        decide()
    _alternate(policy, protocol, decide, found, between)
    _read_words(policy, protocol, found)
    return found


def _alternate(policy: Policy, protocol: Protocol, decide: Callable[[], float], found: Times,
               between: Callable[[], None]) -> None:
    """Whole decisions and decisions by stages, by turns."""
    between()
    began, pauses = time.perf_counter(), 0
    while len(found.whole) < protocol.decisions:
        passed = (time.perf_counter() - began) / protocol.seconds
        if passed > 1.0 and len(found.whole) >= LEAST:
            break
        found.whole.append(decide())
        with _stages(policy) as times:
            if times is not None:
                decide()
                found.stages.append(dict(times.spent_s))
                found.calls = dict(times.calls)
        if passed > 0.5 and pauses == 0:
            between()
            pauses += 1
    between()


def _read_words(policy: Policy, protocol: Protocol, found: Times) -> None:
    """Instructions that are new, and the same again."""
    began = time.perf_counter()
    for number in range(protocol.decisions):
        if number >= LEAST and time.perf_counter() - began > protocol.seconds / 4:
            break
        words = OTHER_WORDS.format(number)
        with _stages(policy) as times:
            found.words.append(_seconds(policy, words))
            if times is not None:
                found.word_stages.append(dict(times.spent_s))
                times.clear()
            found.words_again.append(_seconds(policy, words))
            if times is not None:
                found.text_tower_calls_again += sum(times.calls.values())


def _seconds(policy: Policy, words: str) -> float:
    wait = _waiting(policy)
    start = time.perf_counter()
    policy.begin(words, 0)
    wait()
    return time.perf_counter() - start


def _frames(protocol: Protocol) -> Iterator[list[Observation]]:
    """Frames of noise for every robot, without end."""
    rng = np.random.default_rng(0)
    still = np.zeros(3, np.float32)
    pool = [rng.integers(0, 256, (*protocol.picture, 3), dtype=np.uint8) for _ in range(PICTURES)]
    number = 0
    while True:
        number += 1
        yield [Observation(rgb=pool[(number + row) % PICTURES], velocity=still)
               for row in range(protocol.batch)]


def _waiting(policy: Policy) -> Callable[[], Any]:
    """Waits until the policy's device has done all that it was told."""
    device = getattr(policy, "device", None)
    if getattr(device, "type", "cpu") != "cuda":
        return lambda: None
    import torch

    return lambda: torch.cuda.synchronize(device)


def _stages(policy: Policy) -> contextlib.AbstractContextManager[Any]:
    """`noting`, or nothing where a policy has no such stages."""
    if not hasattr(policy, "device"):  # torch need not be there
        return contextlib.nullcontext()
    from policies.stage_times import has_stages, noting

    return noting(policy) if has_stages(policy) else contextlib.nullcontext()  # type: ignore[arg-type]
