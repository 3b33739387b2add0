"""Records and laboratory files made by hand: no simulator, pictures of two by three pixels."""

from pathlib import Path

import h5py
import numpy as np

from episodes.record import Record

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
FORWARD, STOP = (1.15, 0.0, 0.0), (0.0, 0.0, 0.0)
PAST_ON_THE_LEFT = np.array([(0.0, 0.5, 0.0), (1.0, 0.5, 0.0), (2.0, 0.5, 0.0)])  # of a box at x 1
INSTRUCTION = "Keep left of the box"


def record(moves: int, stops: int = 2, **changed) -> Record:
    """Drive forward `moves` times, then stand still; picture k is filled with the value k."""
    count = moves + stops
    rgb = np.zeros((count + 1, 2, 3, 3), np.uint8)
    rgb += np.arange(count + 1, dtype=np.uint8)[:, None, None, None]
    sent = np.array([FORWARD] * moves + [STOP] * stops, np.float32).reshape(-1, 3)
    values = {
        "scenario": "1box_vert_left", "scenario_hash": "0123456789abcdef", "policy": "expert",
        "instruction": INSTRUCTION, "seed": 7, "source": "simulated", "ended_by": "goal",
        "error": None, "variation": {"distance": "far", "bias": "left", "pattern": "core"},
        "resampled": 0, "rules": {"decision_s": 0.5, "goal_radius_m": 0.45}, "pass_side": "left",
        "poses": np.zeros((count + 1, 3)), "path": PAST_ON_THE_LEFT,
        "boxes": np.array([[(1.0, 0.0, 0.0, 0.4, 0.25)]] * (count + 1)),
        "cup": np.zeros((count + 1, 2)), "asked": sent, "sent": sent,
        "velocity": np.zeros((count + 1, 3), np.float32),
        "clearance_m": np.ones(count + 1), "latency_s": np.random.default_rng().random(count),
        "touched": {}, "rgb": rgb,
    }
    return Record(**(values | changed))


def laboratory_file(path: Path, frames: int = 3, **changed) -> Path:
    """A file as the laboratory's collector of August 2025 leaves it; `None` leaves a part out."""
    images = np.zeros((frames, 2, 3, 3), np.uint8)
    images[:, 0, 0] = BLUE  # BGR: the upper left corner is red
    events = ["episode_start", *["start_action"] * (frames - 1)]
    parts = {
        "images": images, "actions": np.array([STOP, *[FORWARD] * (frames - 1)], np.float32),
        "action_event_types": np.array(events, h5py.string_dtype("utf-8")),
    } | changed
    with h5py.File(path, "w") as file:
        file.attrs.update({"episode_name": path.stem, "total_duration": 18.87,
                           "num_frames": frames, "action_chunk_size": 8})
        for name, data in parts.items():
            if data is not None:
                file.create_dataset(name, data=data)
    return path
