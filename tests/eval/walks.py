"""Records made by hand: walks between given points, whose numbers can be checked in the head."""

import numpy as np

from episodes.record import Record
from eval.provenance import described, provenance
from policies import PolicySpec

TICKS = 8
CUP = (2.5, 0.0)
GOAL_RADIUS_M = 0.5  # the circle begins at x = 2.0, so the straight way there is 2.0 m long
RADIUS_M = 0.2
BESIDE = (1.0, -0.6, 0.0, 0.2, 0.2)  # a box on the right, out of the straight way
STILL = (0.0, 0.0, 0.0)
FORWARD = (1.15, 0.0, 0.0)


def run_facts(**changed) -> dict:
    """What run.json says of a closed run of `1box_vert_left`."""
    return {
        "config": {"loop": "closed", "seed": 0, "episodes": 4, "instruction": "default"},
        "planned": 4, "batch_size": 1, "scenarios": {"1box_vert_left": "0123456789abcdef"},
        "source": "simulated",
        "policy": described(PolicySpec("by_hand", weights="trained", weights_hash="abc")),
        "renderer": "tiny-1", "appearance": None, "robot": {"name": "serbot"},
        **provenance()} | changed


def walk(*points: tuple[float, float], stops: int = 2, boxes=(BESIDE,), cup=CUP,
         **changed) -> Record:
    """Straight from point to point, one decision each, then `stops` decisions standing still."""
    places = np.array([*points, *[points[-1]] * stops], float)
    count = len(places) - 1
    poses = np.column_stack([places, np.zeros(count + 1)])
    moving = [FORWARD] * (count - stops) + [STILL] * stops
    values = {
        "scenario": "1box_vert_left", "scenario_hash": "0123456789abcdef", "policy": "by_hand",
        "instruction": "Keep left", "seed": 7, "source": "simulated", "ended_by": "goal",
        "error": None, "variation": {"distance": "far", "bias": "left", "pattern": "core"},
        "resampled": 0, "pass_side": "left", "touched": {}, "poses": poses, "path": ticks(poses),
        "rules": {"goal_radius_m": GOAL_RADIUS_M, "hold_decisions": 2, "still_m": 0.02,
                  "decision_s": 0.4, "robot_radius_m": RADIUS_M, "step_m": 0.2, "dead_band": 0.1,
                  "clearance_m": 0.1, "lead_m": 0.0},
        "boxes": np.repeat(np.array([boxes], float), count + 1, axis=0),
        "cup": np.repeat(np.array([cup], float), count + 1, axis=0),
        "asked": np.array(moving, np.float32).reshape(-1, 3),
        "sent": np.array(moving, np.float32).reshape(-1, 3),
        "velocity": np.zeros((count + 1, 3), np.float32), "clearance_m": np.ones(count + 1),
        "latency_s": np.full(count, 0.02), "rgb": None,
    }
    return Record(**(values | changed))


def ticks(poses: np.ndarray) -> np.ndarray:
    """The pose at every tick of straight moves."""
    parts = [np.linspace(a, b, TICKS + 1)[1:] for a, b in zip(poses[:-1], poses[1:])]
    return np.vstack([poses[:1], *parts])


def straight(**changed) -> Record:
    """The shortest way: 2.0 m, past the box on its left."""
    return walk((0, 0), (1, 0), (2, 0), **changed)
