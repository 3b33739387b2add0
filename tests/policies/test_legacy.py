"""Weights under other people's names compute the same under ours, or are refused by name."""

import shutil

import numpy as np
import pytest
import torch

import policies
from policies.adopt import adopt
from policies.checkpoint import SHIPPED
from policies.clip import Clip
from policies.kosmos import Kosmos
from policies.legacy import clip_tensors, kosmos_tensors
from policies.simple_lstm import SimpleLstm
from policies.sizes import MINI
from policies.weights import load_strictly
from tests.policies.seed_files import VOCABULARY, as_torch_file, head, mini_state, state, towers

WORDS = SHIPPED / "towers" / "kosmos2"  # a tokenizer of fewer than VOCABULARY entries


@pytest.fixture(scope="module")
def theirs():
    torch.manual_seed(0)
    return towers(MINI, VOCABULARY)


@pytest.fixture(scope="module")
def seeds_file(tmp_path_factory):
    return as_torch_file(tmp_path_factory.mktemp("seeds") / "final.pth", mini_state(False))


def test_kosmos_2_computes_the_same_under_our_names(theirs):
    kosmos = Kosmos.random(MINI, Kosmos.tokenizer(WORDS))
    kosmos.model.resize_token_embeddings(VOCABULARY)
    found = kosmos_tensors(state(theirs[0], None, head(MINI)))
    load_strictly(kosmos.model, found, "theirs")
    pixels, ids = torch.randn(1, 3, 224, 224), torch.arange(10, 20)[None]
    with torch.inference_mode():
        assert torch.equal(kosmos.model.vision_model(pixel_values=pixels).pooler_output,
                           theirs[0].vision_model(pixel_values=pixels).pooler_output)
        mine = kosmos.model.text_model.model(input_ids=ids).last_hidden_state
        assert torch.equal(mine, theirs[0].text_model(input_ids=ids).last_hidden_state)


def test_transformers_clip_computes_the_same_as_open_clips(theirs):
    clip = Clip.random(MINI)
    load_strictly(clip.model, clip_tensors(state(theirs[0], theirs[1], head(MINI))), "theirs")
    pixels, tokens = torch.randn(2, 3, 224, 224), clip.tokens(["go left", "stop at the red cup"])
    with torch.inference_mode():
        seen = theirs[1].visual_projection(theirs[1].vision_model(pixel_values=pixels)[1])
        read = theirs[1].text_projection(theirs[1].text_model(input_ids=tokens)[1])
        torch.testing.assert_close(clip.model.encode_image(pixels), seen, atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(clip.model.encode_text(tokens), read, atol=1e-5, rtol=1e-4)


def test_our_own_names_stay_as_they_are(theirs):
    clip = Clip.random(MINI)
    assert set(clip_tensors(clip.model.state_dict())) == set(clip.model.state_dict())
    kosmos = Kosmos.random(MINI, Kosmos.tokenizer(WORDS))
    assert set(kosmos_tensors(kosmos.model.state_dict())) == set(kosmos.model.state_dict())


def test_buffers_that_older_classes_stored_are_left_out_by_name():
    found = kosmos_tensors({"vision_model.model.embeddings.position_ids": torch.zeros(1),
                            "text_model.model.embed_positions.weights": torch.zeros(1),
                            "image_to_text_projection.latent_query": torch.zeros(1)})
    assert set(found) == {"image_to_text_projection.latent_query"}


def test_two_copies_of_a_tower_are_not_chosen_between():
    copies = {f"{prefix}.image_to_text_projection.latent_query": torch.zeros(1)
              for prefix in ("kosmos2_vision", "kosmos2_text")}
    with pytest.raises(ValueError, match="two copies of image_to_text_projection.latent_query, "
                                         "behind 'kosmos2_vision.' and 'kosmos2_text.'"):
        kosmos_tensors(copies)


def test_a_name_that_no_renaming_knows_is_refused_by_the_strict_load(theirs):
    tensors = state(*theirs, head(MINI))
    tensors["clip.vision_model.encoder.layers.0.adapter.weight"] = torch.zeros(1)
    del tensors["clip.text_model.encoder.layers.1.self_attn.q_proj.bias"]
    with pytest.raises(ValueError, match=r"missing: transformer\.resblocks\.1\.attn\.in_proj_bias.*"
                                         r"unexpected: .*adapter"):
        load_strictly(Clip.random(MINI).model, clip_tensors(tensors), "theirs")


def test_a_seeds_file_becomes_a_checkpoint_that_drives(seeds_file, tmp_path):
    said = adopt(seeds_file, tmp_path / "mine", "mini", str(WORDS))
    assert said[0] == "kosmos2 mini: taken over to towers/kosmos2"
    assert "head: taken over as simple_lstm" in said[-1]
    policy = SimpleLstm(checkpoint=tmp_path / "mine")
    assert policy.spec.trained_on.startswith("final.pth, by whoever made it")
    picture = np.zeros((224, 224, 3), np.uint8)
    action, = policy.act([policy.begin("Reach the cup", 0)],
                         [{"rgb": picture, "velocity": np.zeros(3, np.float32)}])
    assert action.commands.shape == (1, 3)
    theirs = mini_state(False)
    lstm = policy.head.lstm.state_dict()
    for layer in range(4):  # heads are stored in 16 bits
        torch.testing.assert_close(lstm[f"weight_hh_l{layer}"],
                                   theirs[f"rnn.weight_hh_l{layer}"].half().float())
    torch.testing.assert_close(policy.head.actions[6].weight,
                               theirs["actions.mlp.6.weight"].half().float())


def test_a_head_that_does_not_fit_is_said_and_its_towers_are_taken_all_the_same(tmp_path):
    tensors = mini_state(True) | {"clip_fusion.weight": torch.zeros(4, 4)}
    said = adopt(as_torch_file(tmp_path / "hybrid.pth", tensors), tmp_path / "mine", "mini",
                 str(WORDS))
    assert said[1] == "clip mini: taken over to towers/clip"
    assert "head: not taken over" in said[2]
    assert "unexpected: clip_fusion.weight" in said[2]
    assert not (tmp_path / "mine" / "config.json").exists()
    Clip.from_pretrained(tmp_path / "mine" / "towers" / "clip")
    Kosmos.from_pretrained(tmp_path / "mine" / "towers" / "kosmos2")


@pytest.mark.parametrize(("change", "said"), [
    ({"size": "full"}, "holds no Kosmos-2 of size full"),
    ({"words": "/nowhere/at/all"}, "tokenizer '/nowhere/at/all' cannot be had"),
])
def test_what_cannot_be_taken_over_is_refused_and_nothing_is_left(seeds_file, tmp_path, change,
                                                                  said):
    with pytest.raises(ValueError, match=said):
        adopt(seeds_file, tmp_path / "mine", **({"size": "mini", "words": str(WORDS)} | change))
    assert list(tmp_path.iterdir()) == []


def test_a_tower_that_lacks_a_tensor_is_refused_by_its_name(tmp_path):
    tensors = mini_state(False)
    del tensors["kosmos.image_to_text_projection.dense.bias"]
    path = as_torch_file(tmp_path / "torn.pth", tensors)
    with pytest.raises(ValueError, match="1 missing.*like image_to_text_projection.dense.bias"):
        adopt(path, tmp_path / "mine", "mini", str(WORDS))


def test_what_is_there_is_not_overwritten(seeds_file, tmp_path):
    (tmp_path / "mine").mkdir()
    with pytest.raises(ValueError, match="is there already"):
        adopt(seeds_file, tmp_path / "mine", "mini", str(WORDS))


def test_too_little_memory_is_said_before_anything_is_read(seeds_file, tmp_path, monkeypatch):
    from policies import memory

    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": 10_000_000)
    with pytest.raises(ValueError, match="needs about .* of memory on cpu, of which 9.5 MiB"):
        adopt(seeds_file, tmp_path / "mine", "mini", str(WORDS))
    assert not (tmp_path / "mine").exists()


def test_an_adopted_folder_is_found_like_any_other_checkpoint(seeds_file, tmp_path):
    adopt(seeds_file, tmp_path / "mine", "mini", str(WORDS))
    moved = shutil.move(tmp_path / "mine", tmp_path / "elsewhere")
    assert policies.make(str(moved)).spec.name == "simple_lstm"
