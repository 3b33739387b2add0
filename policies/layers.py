"""Towers with fewer layers, for little memory: 24 -> 6 of Kosmos-2, 12 -> 6 of CLIP.

The seeds cut their towers so where 7.3 GB were too much, and say nothing of what the answers were
worth afterwards. A cut tower is another tower: a head must be trained behind it.
"""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

ALL, REDUCED = "all", "reduced"  # what `tower_layers` may be
KOSMOS_SHARE, CLIP_SHARE = 4, 2  # the first of so many layers stay
Module = TypeVar("Module", bound=nn.Module)


def kept(layers: int, share: int) -> int:
    """How many of a tower's layers stay, at least one."""
    return max(1, layers // share)


def same_weights(module: Module) -> Module:
    """A copy whose layers can be taken out; every tensor is the original's own."""
    tensors = [*module.parameters(), *module.buffers()]
    return copy.deepcopy(module, {id(tensor): tensor for tensor in tensors})
