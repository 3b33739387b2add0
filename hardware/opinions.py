"""What other policies would have done while one drove, in words for the operator."""

from __future__ import annotations

import numpy as np

from episodes.record import Record


def opinions(record: Record) -> list[str]:
    """One sentence for every policy beside the one that drove; none where there was none."""
    found = []
    for name, commands in (record.aside or {}).items():
        answered = np.isfinite(commands).all(axis=1)
        apart = np.abs(commands[answered] - record.asked[answered])
        if answered.any():
            found.append(f"{name} answered {answered.sum()} of {len(commands)} decisions, on "
                         f"average {apart[:, 0].mean():.2f} apart in linear_x and "
                         f"{apart[:, 1].mean():.2f} in linear_y.")
        else:
            found.append(f"{name} had no answer to any of {len(commands)} decisions.")
    return found
