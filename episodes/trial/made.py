"""Small made-up records for trials; their files say `dummy`."""

from __future__ import annotations

import numpy as np

from episodes.record import Record

SIZE = (48, 64)  # height, width of the pictures
BOX = (1.0, 0.0, 0.0, 0.4, 0.25)  # x m, y m, yaw rad, length m, width m


def made_up(seed: int, decisions: int = 17, size: tuple[int, int] = SIZE) -> Record:
    """A record of a drive that never happened, with pictures of noise over a slope."""
    rng = np.random.default_rng(seed)
    count = decisions + 1
    slope = np.linspace(0, 200, size[1], dtype=np.uint8)[:, None]
    rgb = slope + rng.integers(0, 4, (count, *size, 3), dtype=np.uint8)
    sent = rng.choice([-1.15, 0.0, 1.15], (decisions, 3)).astype(np.float32)
    sent[:, 2] = 0.0
    return Record(
        scenario="1box_vert_left", scenario_hash="0" * 16, policy="none", instruction="Go",
        seed=seed, source="dummy", ended_by="goal", error=None, resampled=0, pass_side="left",
        variation={"distance": "far", "bias": "left", "pattern": "core"},
        rules={"decision_s": 0.4, "goal_radius_m": 0.45}, poses=np.zeros((count, 3)),
        path=np.zeros((8 * decisions, 3)), boxes=np.array([[BOX]] * count), touched={},
        cup=np.zeros((count, 2)), asked=sent, sent=sent, velocity=np.zeros((count, 3), np.float32),
        clearance_m=np.ones(count), latency_s=np.zeros(decisions), rgb=rgb)
