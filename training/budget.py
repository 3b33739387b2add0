"""How many episodes active learning may have labelled."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """How many episodes may be labelled."""

    first: int = 24  # by chance, before anything is known
    step: int = 24  # in each round
    rounds: int = 6
