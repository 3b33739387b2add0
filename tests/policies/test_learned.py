"""What every learned policy is by its base: towers, window, checkpoint; tried with the hybrid."""

import copy
import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from policies import make
from policies.checkpoint import HEAD_FILE
from policies.clip import Clip
from policies.clip import config as clip_config
from policies.hybrid import FusionLstm, Hybrid
from policies.kosmos import Kosmos
from policies.kosmos import config as kosmos_config
from policies.sizes import FULL, MINI
from tests.policies.towers import tiny_backbone

LEFT = "Navigate around the obstacle on the left side and reach the cup"
VISION = ("kosmos_vision", "clip_vision")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hybrid")
    policy = Hybrid.untrained(tiny_backbone(folder / "sources"), "mini")
    policy.save_pretrained(folder / "checkpoint", trained_on="nothing, a test")
    shutil.rmtree(folder / "sources")  # a checkpoint must not need where its towers came from
    return folder / "checkpoint"


@pytest.fixture(scope="module")
def policy(checkpoint):
    return Hybrid(checkpoint=checkpoint)


def look(seed):
    rgb = np.random.default_rng(seed).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    return {"rgb": rgb, "velocity": np.zeros(3, np.float32)}


def drive(policy, memory, seeds):
    return [policy.act([memory], [look(seed)])[0].commands for seed in seeds]


def test_the_words_are_read_once_by_both_text_towers_and_every_picture_by_both_vision_towers(
    policy, monkeypatch
):
    calls = []
    towers = policy.backbone
    for tower, label, methods in ((towers.kosmos, "kosmos", ("text", "look")),
                                  (towers.clip, "clip", ("text", "vision"))):
        for method in methods:
            original = getattr(tower, method)

            def counted(*values, original=original, label=label, method=method):
                calls.append(f"{label} {method}")
                return original(*values)

            monkeypatch.setattr(tower, method, counted)
    drive(policy, policy.begin(LEFT, seed=0), range(3))
    assert calls == ["kosmos text", "clip text"] + ["kosmos look", "clip vision"] * 3


def test_other_words_change_the_command(policy):
    left = drive(policy, policy.begin(LEFT, 0), [1])[0]
    right = drive(policy, policy.begin(LEFT.replace("left", "right"), 0), [1])[0]
    assert not np.array_equal(left, right)


def test_a_robot_in_a_batch_is_commanded_as_if_alone(policy):
    alone = drive(policy, policy.begin(LEFT, 0), [1, 2, 3])
    first, other = policy.begin(LEFT, 0), policy.begin("컵까지 가세요", 0)
    drive(policy, other, [7])  # the companion is at another step of its episode
    together = [policy.act([other, first], [look(50 + seed), look(seed)])[1].commands
                for seed in (1, 2, 3)]
    assert np.allclose(alone, together, atol=1e-5)


def test_a_copied_memory_continues_as_the_original_does(policy):
    memory = policy.begin(LEFT, 0)
    drive(policy, memory, [1, 2])
    branch = copy.deepcopy(memory)
    assert np.array_equal(drive(policy, memory, [3, 4]), drive(policy, branch, [3, 4]))


def test_what_was_seen_before_the_window_is_forgotten(policy):
    window = list(range(10, 10 + policy.spec.window))
    after_one = drive(policy, policy.begin(LEFT, 0), [1, *window])[-1]
    after_other = drive(policy, policy.begin(LEFT, 0), [2, *window])[-1]
    assert np.array_equal(after_one, after_other)


def test_what_was_seen_within_the_window_is_remembered(policy):
    after_one = drive(policy, policy.begin(LEFT, 0), [1, 10, 11])[-1]
    after_other = drive(policy, policy.begin(LEFT, 0), [2, 10, 11])[-1]
    assert not np.array_equal(after_one, after_other)


def test_a_720p_view_is_squeezed_whole_to_the_policy_s_picture(policy):
    wide = np.zeros((720, 1280, 3), np.uint8)
    wide[:, 640:] = 255  # the right half is white: so it must be after squeezing
    seen = policy.backbone.look([wide], VISION)
    square = np.zeros((224, 224, 3), np.uint8)
    square[:, 112:] = 255
    squeezed = policy.backbone.look([square], VISION)
    assert all(torch.allclose(seen[name], squeezed[name], atol=1e-4) for name in VISION)


def test_a_saved_checkpoint_commands_as_the_policy_did(checkpoint, policy):
    again = make(str(checkpoint))
    assert np.array_equal(drive(policy, policy.begin(LEFT, 0), [1, 2]),
                          drive(again, again.begin(LEFT, 0), [1, 2]))
    assert again.spec.weights_hash == policy.spec.weights_hash


def test_other_weights_have_another_hash(checkpoint, policy, tmp_path):
    other = shutil.copytree(checkpoint, tmp_path / "other")
    tensors = load_file(other / HEAD_FILE)
    tensors["fusion.bias"] += 1.0
    save_file(tensors, other / HEAD_FILE)
    assert Hybrid(checkpoint=other).spec.weights_hash != policy.spec.weights_hash


def test_weights_that_do_not_fit_are_refused_by_the_names_of_their_keys(checkpoint, tmp_path):
    other = shutil.copytree(checkpoint, tmp_path / "other")
    tensors = load_file(other / HEAD_FILE)
    tensors["surplus.weight"] = tensors.pop("fusion.bias")
    save_file(tensors, other / HEAD_FILE)
    with pytest.raises(ValueError, match=r"missing: fusion\.bias.*unexpected: surplus\.weight"):
        Hybrid(checkpoint=other)


def test_towers_with_missing_keys_are_refused_by_name(checkpoint, tmp_path):
    other = shutil.copytree(checkpoint, tmp_path / "other")
    path = other / "towers" / "kosmos2" / "model.safetensors"
    tensors = load_file(path)
    gone = next(key for key in tensors if "vision_model" in key)
    del tensors[gone]
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match="missing keys") as refused:
        Hybrid(checkpoint=other)
    assert gone.split(".")[-1] in str(refused.value)


def test_a_tower_of_another_shape_is_refused_by_the_name_of_its_tensor(checkpoint, tmp_path):
    other = shutil.copytree(checkpoint, tmp_path / "other")
    path = other / "towers" / "kosmos2" / "model.safetensors"
    tensors = load_file(path)
    key = next(key for key in tensors if key.endswith("fc1.weight"))
    tensors[key] = tensors[key][1:].contiguous()
    save_file(tensors, path, metadata={"format": "pt"})
    with pytest.raises(ValueError, match="mismatched keys.*fc1"):
        Hybrid(checkpoint=other)


@pytest.mark.parametrize(("file", "content", "said"), [
    ("config.json", '{"format": 1}', "policy must be a str"),
    ("config.json", '{"format": 1, "policy": "hybrid", "size": "mini", "weights": "trained", '
                    '"trained_on": "x", "towers": {}}', "towers must be kosmos2, or clip and"),
    ("towers/clip/open_clip_config.json", "{", "open_clip_config.json: is not valid JSON"),
    ("towers/clip/open_clip_config.json", "{}", "expected model_cfg with"),
    ("towers/kosmos2/config.json", "{", "cannot be had"),
])
def test_a_damaged_checkpoint_is_refused_with_a_sentence(checkpoint, tmp_path, file, content, said):
    other = shutil.copytree(checkpoint, tmp_path / "other")
    (other / file).write_text(content)
    with pytest.raises(ValueError, match=said):
        Hybrid(checkpoint=other)


def test_loading_prints_nothing_but_our_own_words(checkpoint, capfd):
    Hybrid(checkpoint=checkpoint)
    assert capfd.readouterr() == ("", "")


def test_a_damaged_weight_file_is_refused_by_its_name(checkpoint, tmp_path):
    other = shutil.copytree(checkpoint, tmp_path / "other")
    (other / HEAD_FILE).write_bytes(b"no tensors at all")
    with pytest.raises(ValueError, match=HEAD_FILE):
        Hybrid(checkpoint=other)


def test_a_checkpoint_of_an_unregistered_class_is_refused(checkpoint, tmp_path):
    other = shutil.copytree(checkpoint, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"policy": "os:system"}))
    with pytest.raises(ValueError, match="os:system"):
        make(str(other))


def test_a_checkpoint_of_another_size_than_asked_for_is_refused(checkpoint):
    with pytest.raises(ValueError, match="size 'mini'.*full"):
        Hybrid(size="full", checkpoint=checkpoint)


def test_size_full_without_weights_says_what_to_do():
    with pytest.raises(ValueError, match="--checkpoint.*--random-weights"):
        make("hybrid", size="full")


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match="abacus"):
        make("hybrid", device="abacus")


def test_random_weights_are_said_to_be_random(policy):
    random = make("hybrid", random_weights=True)
    assert (random.spec.weights, policy.spec.weights) == ("random", "trained")
    assert len(drive(random, random.begin(LEFT, 0), [1])) == 1


def test_the_fusion_is_as_wide_as_the_four_towers_together(policy):
    parts = (*VISION, "kosmos_text", "clip_text")
    wide = sum(policy.backbone.widths[name] for name in parts)
    assert policy.head.fusion.in_features == wide == 16 + 16 + 16 + 8


def test_at_full_size_the_parts_have_the_published_numbers_of_parameters():
    from open_clip import CLIP
    from transformers import Kosmos2ForConditionalGeneration

    with torch.device("meta"):
        kosmos = Kosmos2ForConditionalGeneration(kosmos_config(FULL, vocabulary=65037))
        clip = CLIP(**clip_config(FULL))
        head = FusionLstm(FULL, {"kosmos_vision": 1024, "kosmos_text": 2048, "clip_vision": 768,
                                 "clip_text": 512})
    count = {name: sum(p.numel() for p in part.parameters())
             for name, part in (("kosmos", kosmos), ("clip", clip), ("lstm", head.lstm))}
    # 1,664,485,376 counts the tied output layer once; LSTM: 4 layers of 4 x 1024 x (in + 1024 + 2)
    lstm = 4 * 1024 * (2048 + 1024 + 2) + 3 * 4 * 1024 * (1024 + 1024 + 2)
    assert count == {"kosmos": 1_664_485_376, "clip": 151_277_313, "lstm": lstm}
    assert head.fusion.in_features == 4352


def test_mini_is_full_by_the_stated_factors():
    assert FULL.kosmos_vision_width / MINI.kosmos_vision_width == 8
    assert FULL.clip_vision_width / MINI.clip_vision_width == 8
    assert FULL.kosmos_text_width / MINI.kosmos_text_width == 16
    assert FULL.clip_text_width / MINI.clip_text_width == 16
    assert FULL.lstm_width / MINI.lstm_width == FULL.fusion / MINI.fusion == 8
    assert FULL.kosmos_vision_layers / MINI.kosmos_vision_layers == 6


def finite(policy, text):
    read = policy.backbone.read([text], ("kosmos_text", "clip_text"))
    return all(torch.isfinite(part).all() for part in read.values())


@pytest.mark.parametrize("text", ["", "컵까지 가세요", "zzqx ☃ ١٢٣", LEFT + "."])
def test_any_words_can_be_read(policy, text):
    assert finite(policy, text)


def test_words_longer_than_the_towers_read_are_cut(policy):
    assert finite(policy, "left " * 2000)


def test_a_folder_without_weights_is_refused(tmp_path):
    with pytest.raises(ValueError, match="cannot be had"):
        Kosmos.from_pretrained(tmp_path)
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": clip_config(MINI)}))
    with pytest.raises(ValueError, match=r"open_clip_model\.safetensors"):
        Clip.from_pretrained(tmp_path)


def test_the_text_towers_read_an_instruction_once_for_all_episodes(policy, monkeypatch):
    first = policy.begin("go by the left", 0)
    monkeypatch.setattr(policy.backbone, "read", None)  # reading again would fail
    again = policy.begin("go by the left", 1)
    assert all(torch.equal(part, again.text[name]) for name, part in first.text.items())
    assert first.seen is not again.seen


def test_checkpoints_that_share_towers_find_them_beside_themselves(tmp_path):
    backbone = tiny_backbone(tmp_path / "towers")
    Hybrid.untrained(backbone, "mini").save_pretrained(
        tmp_path / "heads" / "hybrid", "nothing", towers=tmp_path / "towers")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    for name in ("towers", "heads"):
        shutil.move(tmp_path / name, moved / name)
    assert not (moved / "heads" / "hybrid" / "towers").exists()
    assert make(str(moved / "heads" / "hybrid")).spec.weights == "trained"


def test_towers_of_other_widths_are_refused_by_the_name_of_the_feature(checkpoint, tmp_path):
    other = shutil.copytree(checkpoint, tmp_path / "other")
    said = json.loads((other / "config.json").read_text())
    said["features"]["widths"]["kosmos_text"] = 2048
    (other / "config.json").write_text(json.dumps(said))
    with pytest.raises(ValueError, match="expected kosmos_text 2048, got 16"):
        Hybrid(checkpoint=other)


def test_a_checkpoint_of_another_policy_is_refused(checkpoint):
    with pytest.raises(ValueError, match="checkpoint of 'hybrid', got --policy kosmos_lstm"):
        make("kosmos_lstm", checkpoint=checkpoint)


def test_a_model_without_shipped_weights_says_how_to_get_some():
    with pytest.raises(ValueError, match="training.run --policy hybrid_no_text --size mini"):
        make("hybrid_no_text")


def test_without_text_no_word_changes_a_command(tmp_path):
    deaf = Hybrid.untrained(tiny_backbone(tmp_path), "mini", text=False)
    right = LEFT.replace("left", "right")
    assert np.array_equal(drive(deaf, deaf.begin(LEFT, 0), [1]),
                          drive(deaf, deaf.begin(right, 0), [1]))


def test_without_memory_the_past_is_forgotten(tmp_path):
    forgetful = Hybrid.untrained(tiny_backbone(tmp_path), "mini", memory=False)
    assert np.array_equal(drive(forgetful, forgetful.begin(LEFT, 0), [1, 3])[-1],
                          drive(forgetful, forgetful.begin(LEFT, 0), [2, 3])[-1])


def test_the_originals_norm_over_two_outputs_leaves_two_commands(tmp_path):
    normed = Hybrid.untrained(tiny_backbone(tmp_path), "mini", output_norm=True)
    said = np.stack(drive(normed, normed.begin(LEFT, 0), range(6)))[:, 0, :2]
    assert said[:, 0] == pytest.approx(-said[:, 1])  # forward and right, or back and left
    assert np.abs(said).min() > 1.0
