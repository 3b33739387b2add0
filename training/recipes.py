"""What a policy's training has of its own; all else is the protocol, the same for every head."""

from __future__ import annotations

from typing import Any

from training.heads import HeadRecipe

OWN: dict[str, dict[str, Any]] = {}


def recipe_of(name: str, epochs: int, seed: int) -> HeadRecipe:
    """The numbers of one policy's training."""
    return HeadRecipe(**{"epochs": epochs, "seed": seed} | OWN.get(name, {}))
