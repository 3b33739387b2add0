"""Learned policies in half precision, and room in memory asked for before anything is read."""

import numpy as np
import pytest
import torch

from eval.run import run
from policies import make, memory
from policies.backbone import Backbone
from policies.hybrid import Hybrid
from policies.kosmos import PUBLISHED, Kosmos
from policies.sizes import FULL
from tests.episodes.records import laboratory_file
from tests.policies.towers import TINY, tiny_backbone, write_tiny_towers

LEFT = "Navigate around the obstacle on the left side and reach the cup"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hybrid")
    Hybrid.untrained(tiny_backbone(folder / "sources"), "mini").save_pretrained(
        folder / "checkpoint", "nothing, a test")
    return folder / "checkpoint"


def command(policy):
    rgb = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    observation = {"rgb": rgb, "velocity": np.zeros(3, np.float32)}
    return policy.act([policy.begin(LEFT, 0)], [observation])[0].commands


@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_in_half_precision_towers_are_half_as_large_and_commands_nearly_the_same(
    checkpoint, dtype
):
    whole, half = make(str(checkpoint)), make(str(checkpoint), dtype=dtype)
    sizes = [sum(each.numel() * each.element_size() for part in policy.backbone.modules()
                 for each in part.parameters()) for policy in (whole, half)]
    assert sizes[1] < 0.51 * sizes[0]
    np.testing.assert_allclose(command(half), command(whole), atol=0.02)
    assert not np.array_equal(command(half), command(whole))


def test_random_weights_have_the_precision_that_was_asked_for():
    policy = make("kosmos_lstm", random_weights=True, dtype="bf16")
    assert policy.backbone.kosmos.model.dtype == torch.bfloat16


def test_a_run_in_half_precision_loads_such_towers_and_says_so(tmp_path, checkpoint, monkeypatch):
    loaded, load = [], Backbone.load
    monkeypatch.setattr(Backbone, "load", lambda *given: loaded.append(given[-1]) or load(*given))
    episode = tmp_path / "episode_20250815_100000_1box_vert_left_core_medium.h5"
    laboratory_file(episode)
    result = run(policy=str(checkpoint), loop="open", data=str(episode), dtype="bf16",
                 out=str(tmp_path))
    assert loaded == [torch.bfloat16]
    assert '"dtype": "bf16"' in (result.folder / "run.json").read_text()


@pytest.mark.parametrize(("name", "option", "said"), [
    ("hybrid", {"txt": False}, "'hybrid' takes no txt, expected only size.*dtype.*text, memory"),
    ("robovlms_lstm", {"mulaw": 1}, "takes no mulaw, expected only.*organise.*mu_law"),
    ("kosmos_lstm", {"dtype": "fp8"}, "dtype must be one of fp32, bf16, fp16, got 'fp8'"),
])
def test_an_option_that_no_head_has_is_refused_with_those_that_there_are(name, option, said):
    with pytest.raises(ValueError, match=said):
        make(name, random_weights=True, **option)


@pytest.fixture
def small(monkeypatch):
    """A machine with 5 GiB free, in which nothing may be read any more."""
    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": 5 * memory.GIB)
    for name in ("Kosmos2ForConditionalGeneration", "Kosmos2Processor"):
        monkeypatch.setattr(f"policies.kosmos.{name}", None)


@pytest.mark.usefixtures("small")
def test_published_towers_that_do_not_fit_are_refused_before_they_are_fetched():
    sources = {"kosmos2": PUBLISHED, "clip": "ViT-B-32-quickgelu/openai"}
    with pytest.raises(ValueError, match=r"needs about 7\.4 GiB.*5\.0 GiB are free.*--dtype bf16"):
        Backbone.load(sources, 224)
    with pytest.raises(ValueError, match=r"needs about 6\.8 GiB"):
        Kosmos.from_pretrained(PUBLISHED)


@pytest.mark.usefixtures("small")
def test_random_towers_of_full_size_that_do_not_fit_are_not_built(tmp_path):
    with pytest.raises(ValueError, match=r"kosmos2.*needs about 6\.8 GiB"):
        Backbone.random(FULL, with_clip=False, words=tmp_path)


def test_local_towers_are_measured_by_their_files(tmp_path, monkeypatch):
    write_tiny_towers(tmp_path)
    sources = {name: str(tmp_path / name) for name in ("kosmos2", "clip")}
    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": 1000)
    with pytest.raises(ValueError, match="kosmos2 from .* and clip from .* needs about 25"):
        Backbone.load(sources, TINY.image_size)


def test_in_half_precision_what_did_not_fit_may_fit(monkeypatch):
    from policies.tower_room import ask_for_room

    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": 5 * memory.GIB)
    ask_for_room({"kosmos2": PUBLISHED}, torch.float16)
