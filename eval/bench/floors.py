"""The least time that a decision can take: nothing real is faster.

A stage cannot end before its weights were read once nor before its operations were done, so its
floor is the larger of weight bytes / bandwidth and operations / peak; stages follow each other, so
floors add up. Activations, launches, pictures on their way and everything around are left out.
Weights that the last-level cache could keep from one decision to the next need not be read again;
as nobody knows which, every stage's share of them is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eval.bench.hardware_profiles import DTYPE_BYTES, Hardware

if TYPE_CHECKING:
    from policies.work import Stage, Work

MARGIN = 0.98  # what is below this share of its floor is impossible; the rest is rounding
WORDS = "instruction"


class ImpossibleError(RuntimeError):
    """A number that no machine of that kind can reach: something was not measured."""


@dataclass(frozen=True)
class Floor:
    """The least time of a stage, or of a whole decision."""

    weight_bytes: int
    operations: int
    memory_ms: float
    compute_ms: float
    floor_ms: float

    @property
    def bound(self) -> str:
        """What limits it."""
        return "memory" if self.memory_ms >= self.compute_ms else "compute"


def floor_of(stage: Stage, hardware: Hardware, dtype: str, uncached: float = 1.0) -> Floor:
    """One stage's floor.

    Args:
        stage: Counted from the modules.
        hardware: Which machine.
        dtype: Of weights and operations.
        uncached: The share of the weights that must come from memory.

    Raises:
        ValueError: for a dtype that the machine lacks.
    """
    if dtype not in hardware.peak_operations_s:
        raise ValueError(f"{hardware.name} has no {dtype}, expected one of "
                         f"{', '.join(hardware.peak_operations_s)}.")
    read_bytes = stage.weights * DTYPE_BYTES[dtype]
    memory_s = read_bytes * uncached / hardware.bandwidth_bytes_s
    compute_s = stage.operations / hardware.peak_operations_s[dtype]
    return Floor(read_bytes * stage.times, stage.operations * stage.times,
                 1e3 * memory_s * stage.times, 1e3 * compute_s * stage.times,
                 1e3 * max(memory_s, compute_s) * stage.times)


def floors(work: Work, hardware: Hardware, dtype: str, with_words: bool, batch: int = 1,
           head_dtype: str | None = None) -> dict[str, Floor]:
    """The floors of all stages that run in a decision, by name.

    Args:
        work: Of a policy.
        hardware: Which machine.
        dtype: Of weights and operations.
        with_words: Whether the words are read in every decision, or once an episode.
        batch: Robots that are decided for at once: weights are read once for all.
        head_dtype: Of the head's, if others than the towers'.
    """
    stages = {stage.name: (replace(stage, operations=stage.operations * batch),
                           head_dtype or dtype if stage.is_head else dtype)
              for stage in work.stages if with_words or stage.per != WORDS}
    total = sum(stage.weights * DTYPE_BYTES[numbers] for stage, numbers in stages.values())
    uncached = max(0.0, 1.0 - hardware.cache_bytes / total) if total else 0.0
    return {name: floor_of(stage, hardware, numbers, uncached)
            for name, (stage, numbers) in stages.items()}


def total_ms(found: Iterable[Floor]) -> float:
    """A decision's floor: its stages', one after the other."""
    return sum(each.floor_ms for each in found)


def refuse_impossible(measured_ms: float, floor_ms: float, what: str) -> None:
    """Do nothing with a number that can be.

    Raises:
        ImpossibleError: for a time below 0.98 of its floor.
    """
    if not measured_ms >= MARGIN * floor_ms:  # what is no number cannot be, either
        raise ImpossibleError(f"{what}: {measured_ms:.4g} ms is impossible, the floor is "
                              f"{floor_ms:.4g} ms ({floor_ms / max(measured_ms, 1e-12):.3g} times "
                              f"that); something was not synchronised, skipped or not measured.")
