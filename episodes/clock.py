"""A virtual clock: the world goes on while the policy thinks. No wall-clock time enters.

A policy looks at the picture of a decision, and its answer takes effect some ticks later. Each row
of it then drives for one decision, or until a newer answer takes effect. Where the rows are over
and nothing newer is there, the robot stands still (`zero`) or goes on as before (`last`). A policy
that is still thinking at the next decision misses that picture: it looks again at the first one
after it has answered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.interface import TICK_S

ZERO, LAST = "zero", "last"
HOLDS = (ZERO, LAST)
LATENCY_STREAM = 3  # keeps latencies apart from the layout's chance and the policy's
KINDS = {"constant": 1, "uniform": 2, "normal": 2, "lognormal": 2}  # -> how many numbers
TRACE = "trace"


@dataclass(frozen=True)
class Latency:
    """How long answers take, in seconds, and what drives meanwhile."""

    kind: str  # constant, uniform (least, most), normal (mean, sd), lognormal (median, sd of log)
    values: tuple[float, ...]  # the kind's numbers; of a trace every latency in its order
    hold: str = ZERO
    until: int | None = None  # answers to pictures from this decision on take no time

    def __post_init__(self) -> None:
        """Refuse what is no latency."""
        if self.hold not in HOLDS:
            raise ValueError(f"hold must be one of {', '.join(HOLDS)}, got {self.hold!r}.")
        if self.kind not in (*KINDS, TRACE):
            raise ValueError(f"Latencies are one of {', '.join((*KINDS, TRACE))}, got "
                             f"{self.kind!r}.")
        wanted = KINDS.get(self.kind, max(1, len(self.values)))
        if len(self.values) != wanted:
            raise ValueError(f"{self.kind} takes {wanted} numbers, got {len(self.values)}.")
        if not all(math.isfinite(each) and each >= 0.0 for each in self.values):
            raise ValueError(f"Latencies are seconds from 0 up, got {list(self.values)[:9]}.")
        if self.kind == "uniform" and self.values[0] > self.values[1]:
            raise ValueError(f"uniform must rise from its first to its second number, got "
                             f"{self.values[0]}, {self.values[1]}.")

    def drawn(self, seed: int, decisions: int) -> np.ndarray:
        """[decisions] seconds that an answer takes which is asked for at each decision.

        A trace begins anywhere, as the seed says, keeps its order, and begins again at its end.
        """
        rng = np.random.default_rng([seed, LATENCY_STREAM])
        values = self.values
        if self.kind == "constant":
            return np.full(decisions, values[0])
        if self.kind == "uniform":
            return rng.uniform(values[0], values[1], decisions)
        if self.kind == "normal":
            return np.maximum(0.0, rng.normal(values[0], values[1], decisions))
        if self.kind == "lognormal":
            return values[0] * np.exp(values[1] * rng.standard_normal(decisions))
        start = int(rng.integers(len(values)))
        return np.array(values)[(start + np.arange(decisions)) % len(values)]


def clock_of(latency: Latency | None, seed: int, place: Any) -> Clock | None:
    """The clock of an episode in a world; None where that waits for its policy."""
    if latency is None:
        return None
    return Clock(latency, seed, place.scenario.success.max_decisions,
                 place.robot.ticks_per_decision)


class Clock:
    """One episode's time: which command is in force at every tick."""

    def __init__(self, latency: Latency, seed: int, decisions: int, ticks: int) -> None:
        """`decisions`: at most so many; `ticks`: of one decision."""
        self._late_s = latency.drawn(seed, decisions)
        self._late_s[decisions if latency.until is None else latency.until:] = 0.0
        self._ticks, self._holds_last = ticks, latency.hold == LAST
        self._decision = self._free_at = 0  # of the next decision; in ticks
        self._due: list[tuple[int, np.ndarray]] = [(-ticks, np.zeros(3, np.float32))]  # since when

    @property
    def is_free(self) -> bool:
        """Whether the policy looks at this decision's picture."""
        return self._decision * self._ticks >= self._free_at

    def answer(self, rows: Sequence[np.ndarray]) -> float:
        """The policy's answer to this decision's picture; returns the seconds that it takes."""
        late_s = float(self._late_s[self._decision])
        late = math.ceil(round(late_s / TICK_S, 6))
        now = self._decision * self._ticks
        begins = now + late
        self._due = [each for each in self._due if each[0] < begins]
        self._due += [(begins + number * self._ticks, row) for number, row in enumerate(rows)]
        self._free_at = now + max(len(rows) * self._ticks, late)
        return late_s

    def play(self) -> np.ndarray:
        """What drives at each tick [ticks, 3] float32 until the next decision."""
        start = self._decision * self._ticks
        self._decision += 1
        return np.array([self._at(tick) for tick in range(start, start + self._ticks)], np.float32)

    def _at(self, tick: int) -> np.ndarray:
        since, command = next(each for each in reversed(self._due) if each[0] <= tick)
        if self._holds_last or tick < since + self._ticks:
            return command
        return np.zeros(3, np.float32)
