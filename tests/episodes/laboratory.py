"""The laboratory's files of three generations, small, written by plain h5py as it writes them."""

from pathlib import Path

import h5py
import numpy as np

FRAMES, SIZE = 18, (24, 32)  # height, width
STEP = 1.15
KEYS = {"w": (STEP, 0, 0), "a": (0, STEP, 0), "d": (0, -STEP, 0), "q": (STEP, STEP, 0),
        "e": (STEP, -STEP, 0), " ": (0, 0, 0)}
LEFT_KEYS = "wwaawwqwwwddwwew "  # 17, the last one a stop
AUGUST = "episode_20250815_090353_1box_vert_left_core_medium.h5"
NOVEMBER = "episode_20251115_101112_1box_hori_left_variant_far_morning.h5"
YEAR_2026 = "episode_20260115_101112_2box_hori_right_core_close.h5"
BASKET = "episode_260415_101112_target_left_left_path__core__fixed_left.h5"
KOREAN = "가장 왼쪽 외곽으로 돌아 컵까지 가세요"


def pictures(frames=FRAMES, seed=0, size=SIZE) -> np.ndarray:
    """What the camera saw, RGB; noise, all frames different."""
    return np.random.default_rng(seed).integers(0, 256, (frames, *size, 3), np.uint8)


def commands(keys=LEFT_KEYS) -> np.ndarray:
    return np.array([KEYS[key] for key in keys], np.float32).reshape(-1, 3)


def events_of(keys: str) -> list[str]:
    return ["stop_action" if key == " " else "start_action" for key in keys]


def august(folder: Path, name=AUGUST, seed=0, keys=LEFT_KEYS, **changed) -> Path:
    """BGR, gzip, an artificial first frame, no instruction. `None` leaves a part out."""
    path = folder / name
    parts = {
        "images": pictures(len(keys) + 1, seed)[..., ::-1],
        "actions": np.concatenate([np.zeros((1, 3), np.float32), commands(keys)]),
        "action_event_types": np.array(["episode_start", *events_of(keys)], object),
    } | changed
    with h5py.File(path, "w") as file:
        for part, data in parts.items():
            if data is not None:
                kind = h5py.string_dtype("utf-8") if np.asarray(data).dtype == object else None
                file.create_dataset(part, data=data, dtype=kind, compression="gzip")
        file.attrs["episode_name"] = path.stem
        file.attrs["total_duration"] = 38.9
        file.attrs["num_frames"] = len(keys) + 1
        file.attrs["action_chunk_size"] = 8
    return path


def november(folder: Path, name=NOVEMBER, **changed) -> Path:
    """As in August, with more attributes and the instruction."""
    path = august(folder, name, **changed)
    with h5py.File(path, "a") as file:
        file.attrs.update({
            "obstacle_layout_type": "hori", "time_period": "morning", "collection_hour": 10,
            "collection_datetime": "2025-11-15T10:11:12", "collection_minute": 11,
            "language_instruction": KOREAN})
    return path


def year_2026(folder: Path, name=YEAR_2026, scenario=None, seed=0, keys=LEFT_KEYS,
              pattern="core") -> Path:
    """RGB under observations/, float64, no events, no artificial frame; words as a data set."""
    path = folder / name
    with h5py.File(path, "w") as file:
        file.create_dataset("observations/images", data=pictures(len(keys), seed),
                            compression="gzip")
        file.create_dataset("actions", data=commands(keys).astype(np.float64))
        file["language_instruction"] = [b"Go past the boxes to the basket"]
        if scenario is not None:
            file.attrs.update({"scenario": scenario, "pattern": pattern})
    return path
