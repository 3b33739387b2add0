"""Opens our exports by LeRobot's own reader, frame by frame, and writes a data set by its writer.

Runs in an environment of its own (`tox -e lerobot`): nothing of ours is imported here.
"""

import json
import logging
import sys
from pathlib import Path

import numpy as np
import torch
from lerobot.datasets.compute_stats import aggregate_stats, get_feature_stats
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.utils.feature_utils import dataset_to_policy_features

CAMERA = "observation.images.front"
logging.getLogger("lerobot").setLevel(logging.ERROR)  # it says at length that it decodes by pyav
MOST_ERROR = 2.0  # of 255, mean of a picture's pixels: what the codec may change
REPEATS = {"many_image": 2, "many_video": 8}  # as in make.py


def opened(folder: Path, name: str, **options) -> LeRobotDataset:
    return LeRobotDataset(f"local/{name}", root=folder / name, **options)


def check(folder: Path, name: str, expected: dict[str, np.ndarray], tasks: list[str],
          **options) -> None:
    repeats, count = REPEATS.get(name, 1), len(expected["images"])
    numbers = 2 if name == "lerobot_xy" else 3
    data_set = opened(folder, name, **options)
    assert len(data_set) == repeats * count
    assert data_set.num_episodes == repeats * len(tasks)
    assert data_set.meta.robot_type == "mobile_base_simulated"
    errors, frame, last = [], 0, None
    for index in range(len(data_set)):
        item, at = data_set[index], index % count
        episode = int(expected["episode"][at])
        frame = frame + 1 if last == episode else 0
        last = episode
        shown = (item[CAMERA] * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
        errors.append(np.abs(shown.astype(int) - expected["images"][at]))
        assert errors[-1].mean() <= MOST_ERROR, (name, index, errors[-1].mean())
        command = expected["commands"][at]
        before = expected["commands"][at - 1] if frame else np.zeros(3)
        assert np.array_equal(item["action"].numpy(), command[:numbers])
        assert np.array_equal(item["observation.state"].numpy(), before)
        assert item["task"] == tasks[episode]
        assert (int(item["frame_index"]), int(item["index"])) == (frame, index)
        assert float(item["timestamp"]) == np.float32(frame / data_set.fps)
    found = np.array(errors)
    if CAMERA not in data_set.meta.video_keys:
        assert found.max() == 0
    files = len([*(folder / name).glob("data/*/*"), *(folder / name).glob("videos/*/*/*")])
    print(f"| {name} | {options.get('video_backend', 'PNG')} | {files} | "
          f"{data_set.num_episodes} | {len(data_set)} | {found.max()} | {found.mean():.2f} | "
          f"{np.quantile(found, 0.99):.0f} |", flush=True)
    check_use(folder, name, data_set, expected, numbers, **options)


def check_use(folder: Path, name: str, data_set: LeRobotDataset, expected: dict[str, np.ndarray],
              numbers: int, **options) -> None:
    """What training does with a data set: statistics, windows over time, some episodes, batches."""
    stats = data_set.meta.stats
    aggregate_stats([stats, stats])  # refuses wrong shapes
    theirs = get_feature_stats(expected["commands"][:, :numbers], axis=0, keepdims=False)
    for key in ("min", "max", "mean", "std"):
        assert np.allclose(stats["action"][key], theirs[key], atol=1e-5), key
    pixels = expected["images"].reshape(-1, 3) / 255
    assert np.allclose(stats[CAMERA]["mean"].ravel(), pixels.mean(axis=0), atol=1e-6)
    assert np.allclose(stats[CAMERA]["std"].ravel(), pixels.std(axis=0), atol=1e-6)
    policy = dataset_to_policy_features(data_set.meta.features)
    assert set(policy) == {CAMERA, "observation.state", "action"}  # no clock among the inputs
    step = 1 / data_set.fps
    some = opened(folder, name, episodes=[2, 5],
                  delta_timestamps={CAMERA: [-step, 0.0], "action": [0.0, step]}, **options)
    lengths = np.bincount(expected["episode"])
    assert len(some) == lengths[2] + lengths[5]
    loader = torch.utils.data.DataLoader(some, batch_size=4)
    batch = next(iter(loader))
    assert batch[CAMERA].shape[:3] == (4, 2, 3)
    assert batch["action"].shape == (4, 2, numbers)


def write_theirs(folder: Path) -> None:
    """A data set by LeRobot's writer, for our reader: a base at 5 pictures a second, in m/s."""
    numbers = {"dtype": "float32", "shape": (3,), "names": ["x.vel", "y.vel", "theta.vel"]}
    for storage in ("image", "video"):
        features = {"action": numbers, "observation.state": numbers, CAMERA: {
            "dtype": storage, "shape": (96, 128, 3), "names": ["height", "width", "channels"]}}
        written = LeRobotDataset.create(
            "local/theirs", fps=5, features=features, root=folder / f"theirs_{storage}",
            robot_type="cart", use_videos=storage == "video")
        for episode in range(3):
            for frame in range(8 + episode):
                picture = np.full((96, 128, 3), 20 * frame + episode, np.uint8)
                speed = np.array([0.25, 0.01 * frame, 0.0], np.float32)
                written.add_frame({"action": speed, "observation.state": speed, CAMERA: picture,
                                   "task": f"Way {episode}"})
            written.save_episode()
        written.finalize()


def main(folder: Path) -> None:
    expected = dict(np.load(folder / "expected.npz"))
    tasks = json.loads((folder / "tasks.json").read_text())
    print("| folder | pictures by | files | episodes | frames | largest error | mean | 99 % |")
    print("|---|---|---|---|---|---|---|---|")
    for name in ("lerobot", "lerobot_xy", "many_image"):
        check(folder, name, expected, tasks)
    for name in ("lerobot_video", "many_video"):
        check(folder, name, expected, tasks, video_backend="pyav")
    write_theirs(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
