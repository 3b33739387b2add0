"""Picture towers that learned too: kept as little as possible beside the head.

The protocol's towers are frozen and shared. Two variants move those that look at pictures: `lora`
by adapters (Hu et al. 2021), `end_to_end` by all of their weights. A checkpoint of either names the
same shared towers as every other and has one file more: the adapters, or the picture towers' own
weights. The words are read by the frozen towers, once.

RoboVLMs (`lora_enable`) puts adapters into every linear layer, r 64, alpha 16, dropout 0.05; so it
is done here. CLIP's attention has its projections in one matrix that is no layer: there, the layers
behind the attention have adapters.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from policies.backbone import ACTION, Backbone
from policies.head import Wants
from policies.layers import same_weights
from policies.sizes import Sizes
from policies.weights import check_fit, load_strictly, read_tensors

FROZEN, LORA, END_TO_END = "frozen", "lora", "end_to_end"  # what `tuning` may be
FILE = "towers.safetensors"
DOWN, UP = "lora_A", "lora_B"  # [r, in] and [out, r], as peft calls them


def check(tuning: str, wants: Wants) -> None:
    """Refuse what is no tuning, and heads whose features it does not move.

    Raises:
        ValueError: one sentence.
    """
    if tuning not in (FROZEN, LORA, END_TO_END):
        raise ValueError(f"tuning must be {FROZEN}, {LORA} or {END_TO_END}, got {tuning!r}.")
    if tuning != FROZEN and {ACTION, "kosmos_latents"} & set(wants.frame):
        raise ValueError(f"tuning {tuning!r} moves the towers that look at pictures; this head "
                         f"wants {', '.join(wants.frame)}, of which some come from behind them.")


def towers(backbone: Backbone) -> nn.ModuleDict:
    """The towers that look at pictures, by the backbone's names."""
    found: dict[str, nn.Module] = {"kosmos2": backbone.kosmos.model.vision_model}
    if backbone.clip is not None:
        found["clip"] = backbone.clip.model.visual
    return nn.ModuleDict(found)


def own(backbone: Backbone) -> Backbone:
    """The same backbone with picture towers of its own; all else stays shared."""
    mine = copy.copy(backbone)
    mine.kosmos = copy.copy(backbone.kosmos)
    mine.kosmos.model = same_weights(backbone.kosmos.model)
    mine.kosmos.model.vision_model = copy.deepcopy(backbone.kosmos.model.vision_model)
    if backbone.clip is not None:
        mine.clip = copy.copy(backbone.clip)
        mine.clip.model = same_weights(backbone.clip.model)
        mine.clip.model.visual = copy.deepcopy(backbone.clip.model.visual)
    return mine


def adapted(tower: nn.Module) -> dict[str, nn.Linear]:
    """The layers of a tower that have adapters, by name."""
    return {name: layer for name, layer in tower.named_modules()
            if type(layer) is nn.Linear}  # torch's attention reads its out_proj as a matrix


def wanted(backbone: Backbone, tuning: str, rank: int) -> dict[str, torch.Tensor]:
    """The tensors that a file of this tuning must hold, without their numbers."""
    if tuning == END_TO_END:
        return dict(towers(backbone).state_dict())
    return {f"{tower}.{name}.{part}": torch.empty(shape, device="meta")
            for tower, module in towers(backbone).items()
            for name, layer in adapted(module).items()
            for part, shape in ((DOWN, (rank, layer.in_features)),
                                (UP, (layer.out_features, rank)))}


def take(backbone: Backbone, tuning: str, tensors: Mapping[str, torch.Tensor], sizes: Sizes,
         where: str) -> None:
    """Give a backbone's own picture towers what was learned.

    Args:
        backbone: Nobody else's, see `own`.
        tuning: lora or end_to_end.
        tensors: All that `wanted` names; adapters are added to the weights.
        sizes: Of the model: rank and alpha of the adapters.
        where: Named in the error.

    Raises:
        ValueError: listing what is missing, unexpected or of another shape; nothing is changed.
    """
    if tuning == END_TO_END:
        load_strictly(towers(backbone), tensors, where)
        return
    check_fit(wanted(backbone, tuning, sizes.lora_rank), tensors, where)
    scale = sizes.lora_alpha / sizes.lora_rank
    with torch.no_grad():
        for tower, module in towers(backbone).items():
            for name, layer in adapted(module).items():
                down, up = (tensors[f"{tower}.{name}.{part}"].float() for part in (DOWN, UP))
                layer.weight.copy_(layer.weight.float() + scale * up @ down)


def load(backbone: Backbone, tuning: str, folder: Path, sizes: Sizes) -> dict[str, torch.Tensor]:
    """`take` what a checkpoint folder holds; returns it.

    Raises:
        ValueError: if the file is missing or damaged, or does not fit.
    """
    tensors = read_tensors(folder / FILE)
    take(backbone, tuning, tensors, sizes, str(folder / FILE))
    return tensors
