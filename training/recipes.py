"""What a policy's training has of its own; all else is the protocol, the same for every head."""

from __future__ import annotations

from typing import Any

from training.heads import HeadRecipe

OWN: dict[str, dict[str, Any]] = {
    "case3_simple": {"epochs": 5, "patience": 3},  # its only difference from Case 1
    "hybrid_curriculum": {"curriculum": True},
    "case1_first_frame": {"frames": "first"},
    "case1_random_frame": {"frames": "random"},
}


def recipe_of(name: str, epochs: int, seed: int) -> HeadRecipe:
    """The numbers of one policy's training."""
    return HeadRecipe(**{"epochs": epochs, "seed": seed} | OWN.get(name, {}))
