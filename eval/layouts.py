"""Episodes as samples: what shares a layout is one witness, what shares layouts is one group.

Left and right of one index are driven on the same layout, so their outcomes are no two independent
witnesses. A bootstrap or a permutation takes a layout's episodes together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

JUDGED = ("success", "reach", "contact", "side_compliant")  # these stand outside a line's metrics


@dataclass(frozen=True)
class Layouts:
    """One row a layout: what its episodes add up to, and how many had the number."""

    sums: np.ndarray  # [L, M] float64
    counted: np.ndarray  # [L, M] float64
    sizes: tuple[int, ...]  # layouts of each group of scenarios, in order

    @classmethod
    def of(cls, scenarios: Sequence[str], seeds: Sequence[int], values: np.ndarray) -> Layouts:
        """Add up episodes by layout.

        Args:
            scenarios: Of each of N episodes; those that share a seed are one group.
            seeds: Of each episode: its layout's.
            values: [N, M]; NaN where an episode has no such number.
        """
        group = _groups(scenarios, seeds)
        keys = [(group[scenario], seed) for scenario, seed in zip(scenarios, seeds)]
        order = sorted(set(keys))
        row = {key: number for number, key in enumerate(order)}
        rows = np.array([row[key] for key in keys], np.int64)
        known = np.isfinite(values)
        sums = np.zeros((len(order), values.shape[1]))
        counted = np.zeros_like(sums)
        np.add.at(sums, rows, np.where(known, values, 0.0))
        np.add.at(counted, rows, known.astype(np.float64))
        found = [name for name, _ in order]
        return cls(sums, counted, tuple(found.count(name) for name in dict.fromkeys(found)))

    @property
    def means(self) -> np.ndarray:
        """[M]: over all episodes that have the number; NaN where none has."""
        with np.errstate(invalid="ignore"):
            return self.sums.sum(axis=0) / self.counted.sum(axis=0)


def table(lines: Iterable[dict[str, Any]], names: Sequence[str]) -> np.ndarray:
    """The numbers [N, M] of N lines of episodes.jsonl; NaN where an episode has none."""
    return np.array([[_number(line, name) for name in names] for line in lines],
                    np.float64).reshape(-1, len(names))


def _number(line: dict[str, Any], name: str) -> float:
    value = line[name] if name in JUDGED else line["metrics"][name]
    return np.nan if value is None else float(value)


def _groups(scenarios: Sequence[str], seeds: Sequence[int]) -> dict[str, str]:
    """The first scenario of each scenario's group, by name."""
    first = {name: name for name in scenarios}
    by_seed: dict[int, str] = {}
    for scenario, seed in zip(scenarios, seeds):
        here, there = first[scenario], first[by_seed.setdefault(seed, scenario)]
        if here != there:
            first.update({name: min(here, there) for name, at in first.items()
                          if at in (here, there)})
    return first
