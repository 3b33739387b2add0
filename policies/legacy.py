"""Other people's names for the same weights, turned into ours: strictly, never "where it fits".

Works on real tensors and on torch's meta tensors alike, so that what would fit can be told without
reading a file. What a renaming cannot place keeps its name, and the strict load then names it.

The seeds' files hold transformers' `Kosmos2Model` (885 tensors; the class that generates lists its
tied output layer too: 886) and `CLIPModel` (398; open_clip packs the same weights into 302), each
behind some prefix, and an LSTM with an MLP behind them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

from policies.components import CELL, CLIP, HEAD, KOSMOS, OPEN_CLIP, RECURRENT, is_computed, part

Tensors = Mapping[str, torch.Tensor]
LM_HEAD, EMBEDDINGS = "text_model.lm_head.weight", "text_model.model.embed_tokens.weight"
CLIP_NAMES = (  # transformers' CLIPModel to open_clip's CLIP
    (r"^vision_model\.embeddings\.class_embedding$", "visual.class_embedding"),
    (r"^vision_model\.embeddings\.patch_embedding\.", "visual.conv1."),
    (r"^vision_model\.embeddings\.position_embedding\.weight$", "visual.positional_embedding"),
    (r"^vision_model\.pre_layrnorm\.", "visual.ln_pre."),
    (r"^vision_model\.post_layernorm\.", "visual.ln_post."),
    (r"^vision_model\.encoder\.layers\.", "visual.transformer.resblocks."),
    (r"^text_model\.embeddings\.token_embedding\.", "token_embedding."),
    (r"^text_model\.embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^text_model\.final_layer_norm\.", "ln_final."),
    (r"^text_model\.encoder\.layers\.", "transformer.resblocks."),
    (r"\.layer_norm([12])\.", r".ln_\1."), (r"\.mlp\.fc1\.", ".mlp.c_fc."),
    (r"\.mlp\.fc2\.", ".mlp.c_proj."), (r"\.self_attn\.out_proj\.", ".attn.out_proj."),
)
TURNED = {"visual_projection.weight": "visual.proj", "text_projection.weight": "text_projection"}
QUERY = re.compile(r"^(.*)\.self_attn\.q_proj\.(weight|bias)$")
WEAKEST = "weakest"  # motion of the training data, see `policies.head`
SCALE = re.compile(r"^scale\..*\.(mean|std)$")


def kosmos_tensors(tensors: Tensors) -> dict[str, torch.Tensor]:
    """Kosmos-2's weights under the names of `Kosmos2ForConditionalGeneration`.

    Raises:
        ValueError: if there are two copies of one of them.
    """
    found = {}
    for name, value in _public(tensors, KOSMOS).items():
        if name.startswith("text_model.") and not name.startswith(("text_model.model.", LM_HEAD)):
            name = "text_model.model." + name.removeprefix("text_model.")
        found[name] = value
    if EMBEDDINGS in found and LM_HEAD not in found:
        found[LM_HEAD] = found[EMBEDDINGS]  # the output layer is the embeddings, by definition
    return found


def clip_tensors(tensors: Tensors) -> dict[str, torch.Tensor]:
    """CLIP's weights under open_clip's names.

    Raises:
        ValueError: if there are two copies of one of them.
    """
    found = _public(tensors, (*CLIP, *OPEN_CLIP))
    if not any(part(name).component in CLIP[:2] for name in tensors):
        return found  # they are open_clip's already
    renamed = {}
    for name in list(found):
        query = QUERY.match(name)
        if query:
            names = [f"{query[1]}.self_attn.{letter}_proj.{query[2]}" for letter in "qkv"]
            if all(each in found for each in names):
                packed = torch.cat([found.pop(each) for each in names])
                renamed[_clip_name(f"{query[1]}.attn.in_proj_{query[2]}")] = packed
    for name, value in found.items():
        if name in TURNED and value.ndim == 2:
            renamed[TURNED[name]] = value.T.contiguous()
        else:
            renamed[_clip_name(name)] = value
    return renamed


def head_tensors(tensors: Tensors, wanted: Tensors) -> dict[str, torch.Tensor]:
    """What stands behind the towers, under the names of one of our heads.

    A file with our names is taken as it is. In another one the one recurrent module and the linear
    layers, in their order, take the places of the head's own; what scales features starts as
    identity, and any motion counts as one, since such files say neither.

    Args:
        tensors: Of the whole file.
        wanted: The head's state_dict.
    """
    rest = {name: value for name, value in tensors.items()
            if part(name).component in (RECURRENT, HEAD)}
    if set(rest) & set(wanted):
        return rest
    places = {name: value for name, value in wanted.items() if name != WEAKEST}
    names = dict(zip(_ordered(rest), _ordered(places)))
    found = {names.get(name, name): value for name, value in rest.items()}
    found[WEAKEST] = torch.zeros_like(wanted[WEAKEST])
    for name, value in wanted.items():
        scale = SCALE.match(name)
        if scale:
            found[name] = torch.full_like(value, 0.0 if scale[1] == "mean" else 1.0)
    return found


def _public(tensors: Tensors, components: tuple[str, ...]) -> dict[str, torch.Tensor]:
    """Weights of some components under their public names, without what is computed anyway."""
    found: dict[str, torch.Tensor] = {}
    before: dict[str, str] = {}
    for name, value in tensors.items():
        place = part(name)
        if place.component not in components or is_computed(name):
            continue
        if place.name in found:
            raise ValueError(f"There are two copies of {place.name}, behind "
                             f"{before[place.name]!r} and {place.prefix!r}; take one of them out.")
        found[place.name], before[place.name] = value, place.prefix
    return found


def _clip_name(name: str) -> str:
    for pattern, ours in CLIP_NAMES:
        name = re.sub(pattern, ours, name)
    return name


def _ordered(tensors: Tensors) -> list[str]:
    """Names of a head's weights: recurrent ones by layer and kind, then linear ones by number."""
    names = [name for name in tensors if not SCALE.match(name)]
    cells = sorted((name for name in names if CELL.match(name)), key=_cell_place)
    return cells + sorted((name for name in names if not CELL.match(name)), key=_natural)


def _cell_place(name: str) -> tuple[int, str]:
    found = CELL.match(name)
    return (int(found["layer"]), name[found.start("kind"):]) if found else (0, name)


def _natural(name: str) -> list[tuple[int, str]]:
    """For sorting: 2 comes before 10."""
    return [(int(each), "") if each.isdigit() else (-1, each) for each in name.split(".")]
