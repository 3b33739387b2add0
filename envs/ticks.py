"""Commands tick by tick. Needs numpy alone."""

from __future__ import annotations

import numpy as np


def held(commands: np.ndarray) -> list[tuple[np.ndarray, int]]:
    """Commands [K, 3], one a tick, as each command and for how many ticks it is held."""
    edges = np.flatnonzero(np.any(commands[1:] != commands[:-1], axis=1)) + 1
    return [(part[0], len(part)) for part in np.split(commands, edges) if len(part)]
