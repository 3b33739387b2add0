"""Towers with fewer layers: they run fewer, are told apart, and a head belongs to one kind."""

import numpy as np
import pytest
import torch
from open_clip import CLIP
from transformers import Kosmos2ForConditionalGeneration

from policies import make
from policies.backbone import FRAME_PARTS, TEXT_PARTS, Backbone
from policies.clip import Clip
from policies.clip import config as clip_config
from policies.hybrid import Hybrid
from policies.kosmos import Kosmos
from policies.kosmos import config as kosmos_config
from policies.sizes import FULL
from tests.policies.towers import DEEP, tiny_backbone

NAME = "hybrid_reduced_towers"


@pytest.fixture(scope="module")
def deep(tmp_path_factory):
    return tiny_backbone(tmp_path_factory.mktemp("towers"), DEEP)


@pytest.fixture(scope="module")
def checkpoint(deep, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reduced") / "checkpoint"
    policy = Hybrid.untrained(deep, "mini", name=NAME, tower_layers="reduced")
    policy.save_pretrained(folder, trained_on="nothing, a test")
    return folder


def towers(backbone: Backbone) -> dict[str, torch.nn.ModuleList]:
    return {"sees": backbone.kosmos.model.vision_model.model.encoder.layers,
            "reads": backbone.kosmos.model.text_model.model.layers,
            "clip sees": backbone.clip.model.visual.transformer.resblocks,
            "clip reads": backbone.clip.model.transformer.resblocks}


def ran(backbone: Backbone) -> dict[str, int]:
    """How many layers of each tower run for one picture and one sentence."""
    counts = dict.fromkeys(towers(backbone), 0)

    def count(name):
        def one_more(*_):
            counts[name] += 1
        return one_more

    hooks = [layer.register_forward_hook(count(name))
             for name, layers in towers(backbone).items() for layer in layers]
    with torch.inference_mode():
        backbone.look([np.zeros((224, 224, 3), np.uint8)], FRAME_PARTS)
        backbone.read(["left"], TEXT_PARTS)
    for hook in hooks:
        hook.remove()
    return counts


def test_reduced_towers_run_a_quarter_of_kosmos_layers_and_half_of_clips(deep):
    assert ran(deep) == {"sees": 8, "reads": 4, "clip sees": 4, "clip reads": 2}
    assert ran(deep.with_layers("reduced")) == {"sees": 2, "reads": 1, "clip sees": 2,
                                                "clip reads": 1}
    assert ran(deep)["sees"] == 8  # what the others run behind stayed whole


def test_at_full_size_six_layers_of_every_tower_stay():
    with torch.device("meta"):
        kosmos = Kosmos2ForConditionalGeneration(kosmos_config(FULL, vocabulary=65037))
        clip = CLIP(**clip_config(FULL))
        backbone = Backbone(Kosmos(kosmos, None), Clip(clip, clip_config(FULL)), 224, {})
        reduced = backbone.with_layers("reduced")
    assert {len(layers) for layers in towers(backbone).values()} == {24, 12}
    assert {len(layers) for layers in towers(reduced).values()} == {6}


def test_reduced_towers_keep_no_weights_of_their_own_and_have_another_hash(deep):
    reduced = deep.with_layers("reduced")
    own = {id(each) for part in deep.modules() for each in part.parameters()}
    assert all(id(each) in own for part in reduced.modules() for each in part.parameters())
    assert reduced.hash != deep.hash
    assert reduced.with_layers("reduced") is reduced


@pytest.mark.parametrize(("have", "want"), [("all", "few"), ("reduced", "all")])
def test_layers_that_there_are_not_are_refused(deep, have, want):
    with pytest.raises(ValueError, match=f"tower_layers must be 'all' or 'reduced'.*got '{want}'"):
        deep.with_layers(have).with_layers(want)


def test_a_checkpoint_behind_reduced_towers_loads_them_reduced(checkpoint):
    policy = make(str(checkpoint))
    assert policy.name == NAME
    assert ran(policy.backbone)["sees"] == 2


def test_a_head_is_not_put_behind_towers_that_it_was_not_trained_behind(checkpoint):
    with pytest.raises(ValueError, match="trained behind towers with layers 'reduced', got.*'all'"):
        Hybrid(checkpoint=checkpoint, name=NAME)


def test_random_weights_of_the_variant_are_reduced_too():
    policy = make(NAME, random_weights=True)
    assert ran(policy.backbone) == {"sees": 1, "reads": 1, "clip sees": 1, "clip reads": 1}
