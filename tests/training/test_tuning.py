"""Variants that move the picture towers: they learn what no head could, in small checkpoints."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import policies
from policies import tuned
from policies.backbone import Backbone
from policies.checkpoint import SHIPPED
from policies.sizes import FULL
from tests.episodes.records import laboratory_file
from tests.policies.towers import TINY, write_tiny_towers
from training import tuning as module
from training.features import compute
from training.heads import HeadRecipe, train_head
from training.learn import Lesson, untrained
from training.options import TrainingOptions
from training.run import run
from training.tuning import TUNINGS, tune

VARIANTS = {"hybrid_lora": tuned.LORA, "hybrid_end_to_end": tuned.END_TO_END}
RECIPE = HeadRecipe(epochs=1)
PARTS = ("kosmos_vision", "kosmos_text", "clip_vision", "clip_text")
GUESSED = 1.15 / 2  # mean error of one command in two, where +-1.15 is not told apart


def write_episodes(folder, count=12):
    """A bright picture asks for a move to the left, a dark one for a move to the right."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(count):
        bright = rng.permutation([0, 1, number % 2])
        images = np.repeat(bright, 36 * 64 * 3).reshape(-1, 36, 64, 3).astype(np.uint8) * 255
        start = images[:1].copy()
        start[0, 0, 0] = number  # no two recordings begin alike
        commands = np.stack([np.zeros(3), np.where(bright, 1.15, -1.15), np.zeros(3)], axis=1)
        laboratory_file(
            folder / f"episode_20250815_1000{number:02d}_1box_hori_left_core_medium.h5",
            frames=4, images=np.concatenate([start, images]),
            actions=np.concatenate([np.zeros((1, 3)), commands]).astype(np.float32))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """Behind these towers every picture looks alike: nothing reaches the pooled token."""
    folder = tmp_path_factory.mktemp("lesson")
    sources = dict(zip(("kosmos2", "clip"), map(str, write_tiny_towers(folder))))
    backbone = Backbone.load(sources, TINY.image_size)
    for name, weight in tuned.towers(backbone).named_parameters():
        if "attn.out_proj.weight" in name:
            torch.nn.init.zeros_(weight)
    backbone.kosmos.save_pretrained(folder / "kosmos2")
    backbone.clip.save_pretrained(folder / "clip")
    backbone.freeze(backbone.device)
    paths = write_episodes(folder / "episodes")
    return Lesson(backbone, paths, compute(backbone, paths, folder / "cache", PARTS), "", None)


def fresh(name, lesson):
    return untrained(name, lesson.backbone, TrainingOptions(policy=name), seed=0)


@pytest.fixture
def changed(monkeypatch):
    """Give a variant other numbers."""
    def change(name, **numbers):
        kind = VARIANTS[name]
        monkeypatch.setitem(TUNINGS, kind, replace(TUNINGS[kind], **numbers))
        return name
    return change


def seen_by(policy, lesson):
    """What the first episode's bright and dark pictures look like to a policy."""
    pictures = [np.full((36, 64, 3), value, np.uint8) for value in (0, 255)]
    with torch.no_grad():
        return policy.backbone.look(pictures, ("kosmos_vision", "clip_vision"))


def test_no_head_learns_what_frozen_towers_do_not_see(lesson):
    head = fresh("hybrid", lesson).head
    assert train_head(head, lesson.features, HeadRecipe(epochs=6))["test_mae"] > GUESSED - 0.1


@pytest.fixture
def unkept(monkeypatch):
    """Nothing is kept on disk after a pass."""
    monkeypatch.setattr(module.Loop, "keep", lambda *_: None)


@pytest.mark.usefixtures("unkept")
def test_end_to_end_learns_it(lesson, tmp_path, changed):
    changed("hybrid_end_to_end", learning_rate=0.01, head_learning_rate=2e-3, passes=30, batch=2)
    learned = tune(fresh("hybrid_end_to_end", lesson), lesson, RECIPE, tmp_path)
    assert learned["test_mae"] < GUESSED - 0.15


@pytest.mark.usefixtures("unkept")
def test_adapters_of_a_high_rank_learn_it_too(lesson, tmp_path, changed, monkeypatch):
    changed("hybrid_lora", learning_rate=0.01, head_learning_rate=2e-3, passes=15, batch=2)
    monkeypatch.setattr("policies.learned.sizes",
                        lambda name: replace(TINY, lora_rank=16, lora_alpha=64.0))
    learned = tune(fresh("hybrid_lora", lesson), lesson, RECIPE, tmp_path)
    assert learned["test_mae"] < GUESSED - 0.15


@pytest.mark.parametrize("name", VARIANTS)
def test_a_checkpoint_names_the_shared_towers_and_answers_as_the_policy_did_when_it_had_learned(
    name, lesson, tmp_path, changed
):
    policy, before = fresh(changed(name, passes=1, learning_rate=0.05), lesson), []
    give_back = module._Tuner.give_back

    def watched(tuner):
        tuner._trainee.eval()  # nothing is dropped
        before.append(seen_by(tuner._policy, lesson))  # adapters beside the weights
        give_back(tuner)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module._Tuner, "give_back", watched)
        patch.setattr(module._Tuner, "_restore", lambda _: None)  # the last weights, not the best
        tune(policy, lesson, RECIPE, tmp_path / "work")
    folder = tmp_path / "checkpoint"
    policy.save_pretrained(folder, "a test", towers=tmp_path / "towers")
    assert not (folder / "towers").exists()
    (tmp_path / "towers").symlink_to(lesson.paths[0].parents[1])
    again = policies.make(str(folder))
    frozen = seen_by(fresh("hybrid", lesson), lesson)
    for part, values in before[0].items():
        torch.testing.assert_close(seen_by(policy, lesson)[part], values, atol=1e-4, rtol=0)
        torch.testing.assert_close(seen_by(again, lesson)[part], values, atol=1e-2, rtol=0)
        assert not torch.allclose(values, frozen[part], atol=5e-2)
    assert again.spec.name == name
    tensors = load_file(folder / tuned.FILE)
    tensors["surplus"] = tensors.pop(next(iter(tensors)))
    save_file(tensors, folder / tuned.FILE)
    with pytest.raises(ValueError, match=r"towers\.safetensors.*missing: .*unexpected: surplus"):
        policies.make(str(folder))


def test_the_towers_that_other_policies_share_stay_as_they_are(lesson, tmp_path, changed):
    before = [copy.deepcopy(part.state_dict()) for part in lesson.backbone.modules()]
    changed("hybrid_end_to_end", learning_rate=0.1, passes=1)
    policy = fresh("hybrid_end_to_end", lesson)
    tune(policy, lesson, RECIPE, tmp_path)
    for old, part in zip(before, lesson.backbone.modules()):
        assert all(torch.equal(old[name], value) for name, value in part.state_dict().items())
    assert policy.backbone.kosmos.model.text_model.model.embed_tokens.weight.data_ptr() == \
        lesson.backbone.kosmos.model.text_model.model.embed_tokens.weight.data_ptr()


@pytest.mark.parametrize("name", VARIANTS)
def test_interrupted_training_ends_with_the_same_weights(name, lesson, tmp_path, changed):
    changed(name, learning_rate=0.01, passes=2)
    whole = fresh(name, lesson)
    tune(whole, lesson, RECIPE, tmp_path / "whole")

    def killed(loop, folder, history):
        keep(loop, folder, history)
        if history[-1].get("pass") == 1:
            raise KeyboardInterrupt

    keep = module.Loop.keep
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.Loop, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            tune(fresh(name, lesson), lesson, RECIPE, tmp_path / "parts")
    parts = fresh(name, lesson)
    learned = tune(parts, lesson, RECIPE, tmp_path / "parts")
    assert [entry["pass"] for entry in learned["history"] if "pass" in entry] == [1, 2]
    for key, value in whole.learned_by_towers.items():
        assert torch.equal(parts.learned_by_towers[key], value)


def test_where_moving_makes_it_worse_the_first_weights_are_left(lesson, tmp_path, changed):
    changed("hybrid_end_to_end", learning_rate=10.0, head_learning_rate=10.0, warmup=0.0, passes=1)
    policy = fresh("hybrid_end_to_end", lesson)
    tune(policy, lesson, RECIPE, tmp_path)
    frozen = tuned.towers(lesson.backbone).state_dict()
    assert all(torch.equal(value, frozen[key]) for key, value in policy.learned_by_towers.items())


def test_a_loss_that_is_no_number_stops_with_a_sentence(lesson, tmp_path, monkeypatch):
    monkeypatch.setattr(module.Trainee, "forward", lambda *_: torch.tensor(float("nan")))
    with pytest.raises(ValueError, match="pass 1; lower the learning rate"):
        tune(fresh("hybrid_lora", lesson), lesson, RECIPE, tmp_path)


@pytest.mark.parametrize("name", VARIANTS)
def test_one_command_trains_a_variant(name, lesson, tmp_path, changed):
    changed(name, passes=1)
    folder = run(TrainingOptions(
        policy=name, data=lesson.paths[0].parent, towers=lesson.paths[0].parents[1],
        work=tmp_path / "work", epochs=1, validation_episodes=0))
    assert (folder / tuned.FILE).is_file()
    assert policies.make(str(folder)).tuning == VARIANTS[name]
    shared = sum(each.stat().st_size for each in (folder / "towers").rglob("*.safetensors"))
    assert (folder / tuned.FILE).stat().st_size < shared / 3


def test_a_head_on_what_lies_behind_the_picture_towers_cannot_have_moved_them():
    with pytest.raises(ValueError, match="'lora' moves the towers that look at pictures"):
        policies.make("robovlms_lstm", random_weights=True, tuning="lora")
    with pytest.raises(ValueError, match="tuning must be frozen, lora or end_to_end, got 'all'"):
        policies.make("hybrid", random_weights=True, tuning="all")


def test_at_full_size_adapters_have_rank_64_in_every_linear_layer_of_the_picture_towers():
    towers = Backbone.weightless(FULL, True, SHIPPED / "towers" / "kosmos2")
    wanted = tuned.wanted(towers, tuned.LORA, FULL.lora_rank)
    count = sum(each.numel() for each in wanted.values())
    kosmos = 24 * (4 * (1024 + 1024) + 2 * (1024 + 4096))
    clip = 12 * 2 * (768 + 3072)
    assert (count, FULL.lora_alpha) == (64 * (kosmos + clip), 16.0)
