"""Files laid out as the seeds' checkpoints: real classes' names and shapes behind prefixes."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from transformers import CLIPConfig, CLIPModel, Kosmos2Model

from policies.kosmos import config
from policies.sizes import FULL, MINI, Sizes

VOCABULARY = 2000


def head(sizes: Sizes, actions: int = 2) -> nn.Module:
    """Behind the towers: an LSTM and an MLP h-1024-512-256-2, named as RoboVLMs does."""
    module = nn.Module()
    module.rnn = nn.LSTM(sizes.kosmos_text_width, sizes.lstm_width, sizes.lstm_layers)
    widths = (sizes.lstm_width, *sizes.head, actions)
    layers = [layer for before, after in zip(widths, widths[1:])
              for layer in (nn.Linear(before, after), nn.ReLU())]
    module.actions = nn.Module()
    module.actions.mlp = nn.Sequential(*layers[:-1])
    return module


def towers(sizes: Sizes, vocabulary: int) -> tuple[Kosmos2Model, CLIPModel]:
    """Kosmos-2 without its output layer, and transformers' CLIP, at a size."""
    seen, read = sizes.clip_vision_width, sizes.clip_text_width
    clip = CLIPConfig(
        vision_config={"hidden_size": seen, "intermediate_size": 4 * seen,
                       "num_hidden_layers": sizes.clip_vision_layers,
                       "num_attention_heads": seen // sizes.clip_vision_head_width,
                       "patch_size": sizes.clip_patch, "image_size": sizes.image_size},
        text_config={"hidden_size": read, "intermediate_size": 4 * read,
                     "num_hidden_layers": sizes.clip_text_layers,
                     "num_attention_heads": sizes.clip_text_heads},
        projection_dim=sizes.clip_joint)
    return Kosmos2Model(config(sizes, vocabulary)).eval(), CLIPModel(clip).eval()


def state(kosmos: nn.Module, clip: nn.Module | None, behind: nn.Module) -> dict[str, torch.Tensor]:
    """One state_dict of all, as one big module would give it."""
    found = {f"kosmos.{name}": value for name, value in kosmos.state_dict().items()}
    if clip is not None:
        found |= {f"clip.{name}": value for name, value in clip.state_dict().items()}
    return found | behind.state_dict()


def full_state(with_clip: bool) -> dict[str, torch.Tensor]:
    """Names and shapes at full size, no numbers."""
    with torch.device("meta"):
        kosmos, clip = towers(FULL, FULL.kosmos_vocabulary)
        return state(kosmos, clip if with_clip else None, head(FULL))


def mini_state(with_clip: bool, vocabulary: int = VOCABULARY) -> dict[str, torch.Tensor]:
    """The same layout at size mini, with numbers."""
    torch.manual_seed(0)
    kosmos, clip = towers(MINI, vocabulary)
    return state(kosmos, clip if with_clip else None, head(MINI))


def as_torch_file(path: Path, tensors: Mapping[str, torch.Tensor], **beside: object) -> Path:
    """As the seeds' training scripts store it: weights, optimizer, error and command line."""
    moments = {0: {"exp_avg": torch.zeros(10), "exp_avg_sq": torch.zeros(10)}}
    torch.save({"epoch": 4, "model_state_dict": dict(tensors),
                "optimizer_state_dict": {"state": moments, "param_groups": [{"lr": 1e-4}]},
                "val_mae": 0.222, "args": argparse.Namespace(data_path="data", batch_size=2),
                **beside}, path)
    return path


def as_hollow_safetensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> Path:
    """A file of true shapes whose numbers are a hole: gigabytes that take no room on the disk."""
    header, end = {}, 0
    for name, value in tensors.items():
        start, end = end, end + 4 * value.numel()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + end)
    return path
