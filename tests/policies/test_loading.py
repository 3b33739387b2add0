"""Weights are loaded once: into their own places, in the numbers that were asked for."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from policies import memory
from policies.backbone import Backbone
from policies.checkpoint import SHIPPED
from policies.devices import making
from policies.memory import clear, used_bytes
from policies.weights import load_file_strictly
from tests.policies.towers import TINY

ROOT = Path(__file__).parents[2]
SIDE = 6000  # of a matrix of 144 MB


def test_a_file_is_loaded_into_the_numbers_of_the_module(tmp_path):
    layer = nn.Linear(3, 2)
    save_file(layer.state_dict(), tmp_path / "w.safetensors")
    other = nn.Linear(3, 2, dtype=torch.bfloat16)
    load_file_strictly(other, tmp_path / "w.safetensors")
    assert torch.equal(other.weight, layer.weight.bfloat16())


def test_what_does_not_fit_changes_nothing(tmp_path):
    layer = nn.Linear(3, 2)
    before = layer.weight.clone()
    save_file({"weight": torch.ones(2, 3), "offset": torch.ones(2)}, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match=r"missing: bias\. unexpected: offset"):
        load_file_strictly(layer, tmp_path / "w.safetensors")
    assert torch.equal(layer.weight, before)
    (tmp_path / "w.safetensors").write_bytes(b"no")
    with pytest.raises(ValueError, match="is no sound safetensors file"):
        load_file_strictly(layer, tmp_path / "w.safetensors")


def test_loading_takes_the_memory_of_the_model_and_not_twice_that(tmp_path):
    """Half of the file is in 16 bits in memory: a second copy in 32 would show threefold."""
    names = [f"{number}.weight" for number in range(4)]
    save_file({name: torch.ones(SIDE // 2, SIDE) for name in names}, tmp_path / "w.safetensors")
    code = f"""
import torch
from pathlib import Path
from torch import nn
from policies.memory import used_bytes
from policies.weights import load_file_strictly
layers = nn.Sequential(*[nn.Linear({SIDE}, {SIDE // 2}, bias=False, dtype=torch.bfloat16)
                         for _ in range(4)])
before = used_bytes()["resident"]
load_file_strictly(layers, Path({str(tmp_path / 'w.safetensors')!r}))
print((used_bytes()["most resident"] - before) / ({SIDE} * {SIDE // 2} * 4 * 4))
"""
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
                          check=True)
    assert float(told.stdout) < 1.5  # of the file's bytes, which are mapped and can be dropped


def test_random_towers_are_built_in_the_numbers_asked_for_and_ask_for_that_room(monkeypatch):
    words = SHIPPED / "towers" / "kosmos2"
    towers = Backbone.random(TINY, True, words, torch.bfloat16)
    numbers = {each.dtype for part in (towers.kosmos.model, towers.clip.model)
               for each in part.parameters()}
    assert numbers == {torch.bfloat16}
    assert torch.get_default_dtype() == torch.float32
    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": memory.GIB)
    from policies.sizes import FULL
    with pytest.raises(ValueError, match=r"needs about 3\.7 GiB"):
        Backbone.random(FULL, True, words, torch.bfloat16)


def test_what_is_made_after_an_error_has_32_bits_again():
    with pytest.raises(RuntimeError), making(torch.float16):
        raise RuntimeError
    assert nn.Linear(1, 1).weight.dtype == torch.float32


def test_memory_is_told_and_what_nobody_holds_is_freed():
    used = used_bytes()
    assert 0 < used["resident"] <= used["most resident"]
    assert clear() >= 0
