import json

import numpy as np
import pytest
import torch

from policies.clip import Clip
from policies.kosmos import Kosmos
from training.captions import grounded, plain
from training.scenes import collect, load_scenes
from training.towers import TowerRecipe, mirrored, train_towers

CUP = [1, 0.5, 0.4, 0.6, 0.5, 1.2, -0.3]
LEFT_BOX = [1, 0.1, 0.3, 0.3, 0.7, 0.8, 0.4]
RIGHT_BOX = [1, 0.7, 0.3, 0.9, 0.7, 0.8, -0.4]
NOTHING = [0] * 7


def labels(*rows):
    return np.array([rows], np.float32)


def write_scenes(folder, count=24):
    """Pictures whose only object moves over the floor, without a simulator."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)
    rows = np.repeat(labels(CUP, LEFT_BOX, NOTHING), count, axis=0)
    rows[:, 0, 5] = rng.uniform(0.5, 2.0, count)
    np.savez(folder / "shard_0000.npz", frames=frames, labels=rows)


def seen(tower, picture):
    return tower.vision(picture) if isinstance(tower, Clip) else tower.look(picture)[
        "kosmos_patches"]


def test_captions_say_what_stands_where():
    label = labels(CUP, LEFT_BOX, NOTHING)[0]
    assert plain(label) == "the red cup 12 ahead 3 right, a box 8 ahead 4 left"
    text, boxes = grounded(label)
    assert text.startswith("<grounding><phrase>the red cup</phrase> 12 ahead 3 right")
    assert boxes[0] == pytest.approx((0.5, 0.4, 0.6, 0.5))


def test_what_is_not_seen_is_not_named():
    assert plain(labels(NOTHING, NOTHING, NOTHING)[0]) == "an empty floor"


def test_a_mirrored_label_swaps_sides_and_keeps_boxes_in_picture_order():
    flipped = mirrored(labels(CUP, LEFT_BOX, RIGHT_BOX))[0]
    assert flipped[0] == pytest.approx([1, 0.4, 0.4, 0.5, 0.5, 1.2, 0.3])
    assert flipped[1] == pytest.approx(LEFT_BOX)  # the right box, mirrored, stands on the left
    assert flipped[2] == pytest.approx(RIGHT_BOX)


def test_mirroring_twice_changes_nothing():
    once = labels(CUP, LEFT_BOX, NOTHING)
    assert mirrored(mirrored(once)) == pytest.approx(once, abs=1e-6)


def test_interrupted_training_ends_with_the_same_weights(tmp_path):
    write_scenes(tmp_path / "scenes")
    recipe = TowerRecipe(frames=24, epochs=2, batch=8, precision="no")
    train_towers(tmp_path / "scenes", tmp_path / "whole", recipe)
    train_towers(tmp_path / "scenes", tmp_path / "parts", recipe)
    (tmp_path / "parts" / "towers.json").unlink()
    history = json.loads((tmp_path / "parts" / "progress" / "history.json").read_text())
    (tmp_path / "parts" / "progress" / "history.json").write_text(json.dumps(history[:1]))
    train_towers(tmp_path / "scenes", tmp_path / "parts", recipe)  # goes on after epoch 1
    picture = torch.ones(1, 3, 224, 224)
    for make, name in ((Kosmos.from_pretrained, "kosmos2"), (Clip.from_pretrained, "clip")):
        whole, parts = (make(tmp_path / run / name) for run in ("whole", "parts"))
        with torch.inference_mode():
            assert torch.equal(seen(whole, picture), seen(parts, picture))
            assert torch.equal(whole.text(["left"]), parts.text(["left"]))


def test_collected_scenes_show_what_their_labels_say(tmp_path):
    collect(tmp_path, count=16, seed=0, workers=0)
    frames, rows = load_scenes(tmp_path)
    assert frames.shape == (16, 224, 224, 3)
    seen = [(frame, row[0]) for frame, row in zip(frames, rows) if row[0][0]]
    assert seen
    for frame, cup in seen:
        x1, y1, x2, y2 = (np.array(cup[1:5]) * 224).round().astype(int)
        red, green, _ = frame[y1:y2, x1:x2].reshape(-1, 3).mean(axis=0)
        assert red > 1.5 * green


def test_a_folder_without_scenes_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no scenes"):
        load_scenes(tmp_path)
