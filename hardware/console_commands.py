"""What the console does with a line: one method a command, answers in words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import policies
from hardware.console_sources import Source
from policies.interface import LABEL, TRUTH, ActionError
from policies.memory import clear, free_bytes, in_words, used_bytes

HELP = {
    "infer": "infer: look once and say the command, without driving",
    "benchmark": "benchmark [N]: how long N decisions take, on the pictures of the moment",
    "memory": "memory [SECONDS]: what is held and free, now or every second for so long",
    "clear": "clear: forget the episode and free what nobody holds",
    "instruction": "instruction [TEXT]: what the policy is told; other words begin a new episode",
    "policy": "policy [NAME]: which one it is; another begins a new episode",
    "help": "help: these lines",
    "quit": "quit: end",
}
DECISIONS, WARM_UP = 50, 3


class Console:
    """A policy, a source of pictures, and an episode between them."""

    def __init__(self, policy: str, source: Source, instruction: str,
                 options: dict[str, Any]) -> None:
        """Load a policy.

        Args:
            policy: As `--policy` takes it.
            source: What is looked at.
            instruction: What the policy is told.
            options: Size, checkpoint, device and so on, for every policy that is loaded.

        Raises:
            ValueError: for a policy that is not there, or that no camera can serve.
        """
        self._source, self._options, self.instruction = source, options, instruction
        self._load(policy)

    def do(self, line: str) -> Iterator[str]:
        """Answers to one line, as they come; `quit` is the caller's.

        Raises:
            ValueError: one sentence; everything is as it was.
        """
        word, _, rest = line.strip().partition(" ")
        if not word:
            return
        if word not in HELP:
            raise ValueError(f"{word!r} is no command, expected one of {', '.join(HELP)}.")
        commands: dict[str, Callable[[str], Iterator[str]]] = {
            "infer": self._infer, "benchmark": self._benchmark, "memory": self._memory,
            "clear": self._clear, "instruction": self._instruct, "policy": self._choose,
            "help": self._help}
        if word in commands:
            yield from commands[word](rest.strip())

    def _infer(self, rest: str) -> Iterator[str]:
        seen, what = self._source.look()
        start = time.perf_counter()
        action = self._act(seen)
        lasted_ms = 1e3 * (time.perf_counter() - start)
        x, y, turn = action.commands[0]
        plan = f", first of {len(action.commands)}" if len(action.commands) > 1 else ""
        yield (f"{what}: linear_x {x:+.3f}, linear_y {y:+.3f}, angular_z {turn:+.3f} (command "
               f"units{plan}) in {lasted_ms:.1f} ms")

    def _benchmark(self, rest: str) -> Iterator[str]:
        count = _number(rest, DECISIONS)
        for _ in range(WARM_UP):
            self._act(self._source.look()[0])
        times_ms = []
        for _ in range(count):
            seen, _ = self._source.look()
            start = time.perf_counter()
            self._act(seen)
            times_ms.append(1e3 * (time.perf_counter() - start))
        p50, p95, p99 = np.percentile(times_ms, (50, 95, 99))
        yield (f"{count} decisions of {self._policy.spec.name}: p50 {p50:.1f} ms, p95 {p95:.1f}, "
               f"p99 {p99:.1f}, least {min(times_ms):.1f}, most {max(times_ms):.1f}; "
               f"{1e3 / p50:.1f} decisions/s. Stages and floors: python -m eval.bench policy.")

    def _memory(self, rest: str) -> Iterator[str]:
        for number in range(_number(rest, 1)):
            if number:
                time.sleep(1.0)
            used = ", ".join(f"{name} {in_words(count)}"
                             for name, count in used_bytes(self._device).items())
            free = {device: free_bytes(device) for device in dict.fromkeys(("cpu", self._device))}
            left = ", ".join(f"{in_words(count)} on {device}" for device, count in free.items()
                             if count is not None)
            yield f"{used}; free: {left or 'unknown'}"

    def _clear(self, rest: str) -> Iterator[str]:
        self._begin()
        yield f"A new episode; {in_words(clear(self._device))} freed."

    def _instruct(self, rest: str) -> Iterator[str]:
        if not rest:
            yield f"It is told: {self.instruction}"
            return
        self.instruction = rest
        self._begin()
        yield f"A new episode, told: {rest}"

    def _choose(self, rest: str) -> Iterator[str]:
        if rest:
            self._load(rest)
            clear(self._device)
        spec = self._policy.spec
        size = f", size {spec.size}" if spec.size else ""
        yield f"{spec.name}{size}, weights {spec.weights}"

    def _help(self, rest: str) -> Iterator[str]:
        yield from HELP.values()

    def _load(self, name: str) -> None:
        loaded = policies.make(name, **self._options)
        if {TRUTH, LABEL} & loaded.spec.needs:
            raise ValueError(f"{name} needs to be told the truth, which no camera knows; choose a "
                             f"policy that only looks.")
        self._policy = loaded
        self._device = str(getattr(loaded, "device", "cpu"))
        self._begin()

    def _begin(self) -> None:
        self._episode = self._policy.begin(self.instruction, 0)

    def _act(self, seen: Any) -> policies.Action:
        try:
            return self._policy.act([self._episode], [seen])[0]
        except ActionError as error:
            raise ValueError(f"The policy's answer is no action: {error}") from error


def _number(text: str, default: int) -> int:
    """A count, as typed."""
    if not text:
        return default
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"Expected a number of 1 or more, got {text!r}.")
    return int(text)
