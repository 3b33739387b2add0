"""What is said of weight files: the seeds' layouts, damaged ones, and those that mean harm."""

import argparse
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn

from policies import torch_file
from policies.checkpoint import SHIPPED
from policies.components import part
from policies.file_report import report
from policies.weight_file import look, read
from tests.policies.seed_files import (
    as_hollow_safetensors,
    as_torch_file,
    full_state,
    mini_state,
    towers,
)

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def seeds_file(tmp_path_factory):
    return as_torch_file(tmp_path_factory.mktemp("seeds") / "best.pth", mini_state(True))


@pytest.fixture
def small(tmp_path):
    return as_torch_file(tmp_path / "small.pth", {"a.weight": torch.zeros(3, 2)})


def test_the_seeds_numbers_of_tensors_are_those_of_the_public_classes():
    from transformers import Kosmos2ForConditionalGeneration

    from policies.kosmos import config
    from policies.sizes import FULL

    with torch.device("meta"):
        kosmos, clip = towers(FULL, FULL.kosmos_vocabulary)
        whole = Kosmos2ForConditionalGeneration(config(FULL, FULL.kosmos_vocabulary))
    assert len(kosmos.state_dict()) == 885
    assert len(clip.state_dict()) == 398
    assert len(whole.state_dict()) == 886  # its output layer is listed beside the embeddings
    assert set(whole.state_dict()) - set(kosmos.state_dict()) == {"text_model.lm_head.weight"}


def test_the_recorded_parameters_are_kosmos_2_an_lstm_of_4_x_1024_and_an_mlp(tmp_path):
    found = look(as_hollow_safetensors(tmp_path / "final.safetensors", full_state(False)))
    assert found.numbers == 1_703_973_122


def test_a_file_of_the_seeds_size_is_told_apart_without_reading_its_gigabytes(tmp_path):
    path = as_hollow_safetensors(tmp_path / "hybrid.safetensors", full_state(True))
    assert path.stat().st_size > 7e9
    said = report(path)
    for line in (
        "kosmos vision      kosmos.                      391    303,179,776",
        "kosmos text        kosmos.                      483  1,342,289,920",
        "kosmos projection  kosmos.                       11     19,015,680",
        "clip vision        clip.                        199",
        "LSTM rnn: 4 layers, 1024 wide, on 2048 inputs (4096 rows are 4 gates x 1024)",
        "action width 2, guessed from the last layer, actions.mlp.6.weight",
        "fits kosmos2 full: all 886 tensors, made of 885 in the file",
        "fits clip full: all 302 tensors, made of 398 in the file",
    ):
        assert line in said


def test_a_torch_file_of_the_seeds_tells_what_stands_beside_the_weights(seeds_file):
    said = report(seeds_file)
    assert "weights under 'model_state_dict'; epoch: 4; optimizer_state_dict: 2 tensors" in said
    assert "val_mae: 0.222; args: data_path data, batch_size 2" in said
    assert "fits kosmos2 mini" in said
    assert "fits clip mini" in said


@pytest.mark.parametrize(("file", "line"), [
    ("hybrid/head.safetensors", "fits head of hybrid mini"),
    ("towers/kosmos2/model.safetensors", "fits kosmos2 mini"),
    ("towers/clip/open_clip_model.safetensors", "fits clip mini"),
])
def test_the_shipped_files_fit_their_own_models(file, line):
    assert line in report(SHIPPED / file)


def test_what_is_missing_unexpected_or_of_another_shape_is_listed(tmp_path):
    tensors = {name: value.contiguous() for name, value in mini_state(False).items()}
    gone = "kosmos.image_to_text_projection.dense.bias"
    del tensors[gone]
    tensors["kosmos.vision_model.model.surplus"] = torch.zeros(1)
    tensors["kosmos.image_to_text_projection.dense.weight"] = torch.zeros(3, 3)
    save_file(tensors, tmp_path / "torn.safetensors")
    said = report(tmp_path / "torn.safetensors")
    assert "does not fit kosmos2 mini (166 tensors), the nearest:" in said
    assert "missing (1): image_to_text_projection.dense.bias" in said
    assert "unexpected (1): vision_model.model.surplus" in said
    assert "dense.weight (file [3, 3], model [128, 128])" in said


def test_a_layer_reduced_tower_is_told_by_its_missing_layers(tmp_path):
    tensors = {name: value.contiguous() for name, value in mini_state(False).items()
               if "vision_model.model.encoder.layers.1." not in name}
    save_file(tensors, tmp_path / "fewer.safetensors")
    said = report(tmp_path / "fewer.safetensors", all_keys=True)
    assert "encoder.layers has layer 3 but lacks 1 before it, like 1" in said
    assert "missing (16): vision_model.model.encoder.layers.1." in said


def test_safetensors_whose_header_has_a_length_that_begins_like_a_pickle_are_opened(tmp_path):
    for count in range(1, 400):  # the header's length comes in steps of 8 bytes
        path = as_hollow_safetensors(tmp_path / "odd.safetensors", {"a" * count: torch.zeros(1)})
        if path.read_bytes()[0] == 0x80:
            break
    assert path.read_bytes()[0] == 0x80
    assert len(look(path).entries) == 1


def test_a_torn_lstm_and_a_layer_without_numbers_are_incomplete(tmp_path):
    tensors = {"rnn.weight_ih_l0": torch.zeros(8, 3), "rnn.weight_hh_l0": torch.zeros(8, 2),
               "rnn.weight_ih_l1": torch.zeros(8, 2), "head.weight": torch.zeros(2, 0)}
    save_file(tensors, tmp_path / "torn.safetensors")
    said = report(tmp_path / "torn.safetensors")
    assert "rnn.weight_ih_l1 stands without rnn.weight_hh_l1" in said
    assert "head.weight is empty" in said
    assert "LSTM rnn: 2 layers, 2 wide, on 3 inputs" in said


def test_a_lazily_built_layer_is_told_and_not_loaded(tmp_path):
    module = nn.Sequential(nn.LazyLinear(2), nn.Linear(2, 2))
    torch.save(module.state_dict(), tmp_path / "lazy.pth")
    assert "0.weight was built lazily and never had a shape" in report(tmp_path / "lazy.pth")
    with pytest.raises(ValueError, match="no weights to load"):
        read(tmp_path / "lazy.pth")


def test_tensors_that_share_their_numbers_count_once(tmp_path):
    shared = torch.zeros(10, 4)
    torch.save({"a.weight": shared, "b.weight": shared}, tmp_path / "tied.pth")
    assert look(tmp_path / "tied.pth").numbers == 40


def test_views_of_one_storage_as_an_lstm_on_a_gpu_leaves_them_count_each(tmp_path):
    flat = torch.zeros(20)
    torch.save({"a": flat[:8].view(2, 4), "b": flat[8:].view(3, 4)}, tmp_path / "flat.pth")
    assert look(tmp_path / "flat.pth").numbers == 20


class Harm:
    """What a pickle could do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_a_pickle_that_would_run_code_is_refused_and_not_run(tmp_path):
    marker = tmp_path / "harmed"
    path = as_torch_file(tmp_path / "bad.pth", {"a": torch.zeros(1)}, surprise=Harm(marker))
    with pytest.raises(ValueError, match=r"holds .+, which only a pickle that may run code"):
        report(path)
    assert not marker.exists()


def test_a_whole_module_is_refused_by_the_name_of_its_class(tmp_path):
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(ValueError, match=r"holds torch\.nn\.modules\.linear\.Linear.*state_dict"):
        look(tmp_path / "module.pth")


def test_a_bare_pickle_is_not_opened_at_all(tmp_path):
    marker = tmp_path / "harmed"
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Harm(marker)))
    with pytest.raises(ValueError, match="is a bare pickle"):
        look(tmp_path / "bare.pt")
    assert not marker.exists()


def test_a_compressed_archive_is_not_unpacked(small, tmp_path):
    with zipfile.ZipFile(small) as archive, zipfile.ZipFile(
            tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as bomb:
        for part in archive.infolist():
            bomb.writestr(part.filename, archive.read(part))
    with pytest.raises(ValueError, match="is compressed, which torch never does"):
        look(tmp_path / "bomb.pth")


def test_a_pickle_too_large_for_names_and_shapes_is_not_opened(small, monkeypatch):
    monkeypatch.setattr(torch_file, "MOST_PICKLE_BYTES", 100)
    with pytest.raises(ValueError, match=r"data\.pkl has \d+ bytes; names and shapes never need"):
        look(small)


def test_a_tensor_that_claims_more_than_the_file_holds_is_refused(tmp_path):
    path = as_torch_file(tmp_path / "huge.pth", {"a": torch.zeros(1).expand(10**12)})
    with pytest.raises(ValueError, match="claim more numbers than the file holds"):
        look(path)


def test_a_sparse_tensor_is_refused(tmp_path):
    path = as_torch_file(tmp_path / "sparse.pth", {"a": torch.zeros(3, 3).to_sparse()})
    with pytest.raises(ValueError, match="is no plain tensor"):
        look(path)


@pytest.mark.parametrize("name", ["a\x1b[2J", "a\nb", "x" * 400, 7])
def test_a_name_that_would_garble_the_terminal_is_refused(tmp_path, name):
    path = as_torch_file(tmp_path / "names.pth", {name: torch.zeros(1)})
    with pytest.raises(ValueError, match="is no name of a tensor") as refused:
        look(path)
    assert str(refused.value).isprintable()


def test_values_beside_the_weights_are_printed_safely_and_without_an_end(tmp_path):
    endless: list = []
    endless.append(endless)
    bombs = [["lol"] * 10]
    for _ in range(30):
        bombs = [bombs] * 10
    path = as_torch_file(tmp_path / "beside.pth", {"a": torch.zeros(1)}, note="\x1b[31mred",
                         endless=endless, bombs=bombs,
                         args=argparse.Namespace(x="y" * 500))
    said = report(path)
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) < 600


@pytest.mark.parametrize(("content", "said"), [
    (b"", "neither a torch file nor a sound safetensors file"),
    (b"PK\x03\x04 but nothing more", "no sound torch file"),
    (b"just some words in a text file", "neither a torch file nor a sound safetensors file"),
    (b"\xff" * 64, "neither a torch file nor a sound safetensors file"),
    ((2**62).to_bytes(8, "little") + b"{}", "neither a torch file nor a sound safetensors file"),
])
def test_what_is_no_weight_file_gets_a_sentence(tmp_path, content, said):
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises(ValueError, match=said):
        look(tmp_path / "odd.pth")


@pytest.mark.parametrize("content", [{"epoch": 3}, [1, 2], 7, {"state_dict": {"a": 1}}])
def test_a_sound_file_without_tensors_says_what_it_holds(tmp_path, content):
    torch.save(content, tmp_path / "empty.pth")
    with pytest.raises(ValueError, match="holds no named tensors but"):
        look(tmp_path / "empty.pth")


def test_a_file_that_ends_too_early_gets_a_sentence(small):
    whole = small.read_bytes()
    for share in (0.2, 0.5, 0.9, 0.99):
        small.write_bytes(whole[:int(share * len(whole))])
        with pytest.raises(ValueError, match="no sound torch file"):
            look(small)


@settings(max_examples=60, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(places=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1,
                       max_size=8))
def test_a_damaged_torch_file_is_told_or_refused_and_never_a_crash(small, places):
    whole = bytearray(small.read_bytes())
    for place, value in places:
        whole[place % len(whole)] = value
    damaged = small.with_name("damaged.pth")
    damaged.write_bytes(whole)
    try:
        look(damaged)
    except ValueError as refused:
        assert "\n" not in str(refused)


@pytest.mark.parametrize(("name", "component", "prefix"), [
    ("kosmos.vision_model.model.embeddings.class_embedding", "kosmos vision", "kosmos."),
    ("m.text_model.model.layers.3.ffn.fc1.weight", "kosmos text", "m."),
    ("text_model.layers.3.ffn.fc1.weight", "kosmos text", ""),
    ("text_model.encoder.layers.3.mlp.fc1.weight", "clip text", ""),
    ("clip.vision_model.encoder.layers.3.mlp.fc1.weight", "clip vision", "clip."),
    ("visual.transformer.resblocks.1.ln_1.bias", "open_clip vision", ""),
    ("transformer.resblocks.1.ln_1.bias", "open_clip text", ""),
    ("act_head.rnn.weight_hh_l3", "recurrent", "act_head.rnn."),
    ("fusion.0.weight", "head", ""),
])
def test_a_tensors_name_tells_its_component_and_what_stands_before(name, component, prefix):
    found = part(name)
    assert (found.component, found.prefix) == (component, prefix)


def inspect(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "policies.inspect", *arguments], cwd=ROOT,
                          capture_output=True, text=True)


def test_the_command_prints_the_report_and_refuses_with_one_sentence_and_2(small, tmp_path):
    done = inspect(str(small))
    assert done.returncode == 0
    assert "small.pth: torch file" in done.stdout
    for path, said in ((tmp_path / "nothing.pth", "No such file"), (tmp_path, "is a folder")):
        done = inspect(str(path))
        assert (done.returncode, done.stdout) == (2, "")
        assert said in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
