"""Which part of a model a tensor belongs to, by its name: needs no torch.

Names of towers are those of their public classes behind any prefix; a seeds' file calls them
`kosmos...`, ours have none. Everything else is told by what it is made of.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

KOSMOS_VISION, KOSMOS_TEXT = "kosmos vision", "kosmos text"
KOSMOS_PROJECTION = "kosmos projection"
KOSMOS = (KOSMOS_VISION, KOSMOS_TEXT, KOSMOS_PROJECTION)
CLIP_VISION, CLIP_TEXT, CLIP_JOINT = "clip vision", "clip text", "clip joint"
CLIP = (CLIP_VISION, CLIP_TEXT, CLIP_JOINT)  # transformers' CLIPModel
OPEN_CLIP_VISION, OPEN_CLIP_TEXT = "open_clip vision", "open_clip text"
OPEN_CLIP = (OPEN_CLIP_VISION, OPEN_CLIP_TEXT)
RECURRENT, HEAD = "recurrent", "head"
ORDER = (*KOSMOS, *CLIP, *OPEN_CLIP, RECURRENT, HEAD)
COMPUTED = re.compile(r"(?:\.|^)(?:position_ids|embed_positions\.weights|attn_mask)$")
START = r"(?:^|(?<=\.))"  # of a name, or behind a prefix that ends with a dot
PATTERNS = tuple((component, re.compile(START + pattern)) for component, pattern in (
    (KOSMOS_VISION, r"vision_model\.model\..+$"),
    (KOSMOS_TEXT, r"text_model\.lm_head\.weight$"),
    (KOSMOS_TEXT, r"text_model\.(?:model\.)?(?:layers\.\d|embed_tokens|layer_norm|embed_pos).*$"),
    (KOSMOS_PROJECTION, r"image_to_text_projection\..+$"),
    (CLIP_VISION, r"vision_model\.(?:embeddings|encoder|pre_layrnorm|post_layernorm)\..+$"),
    (CLIP_TEXT, r"text_model\.(?:embeddings|encoder|final_layer_norm)\..+$"),
    (CLIP_JOINT, r"(?:visual_projection\.weight|text_projection\.weight|logit_scale)$"),
    (OPEN_CLIP_VISION, r"visual\.(?:conv1|class_emb|positional|proj|ln_pre|ln_post|trans).*$"),
    (OPEN_CLIP_TEXT, r"(?:transformer\.resblocks\.\d|token_embedding|ln_final).*$"),
    (OPEN_CLIP_TEXT, r"(?:positional_embedding|text_projection|attn_mask)$"),
))
CELL = re.compile(r"(?P<stem>.*?)(?P<kind>weight|bias)_(?P<to>ih|hh)_l(?P<layer>\d+)(?:_reverse)?$")


@dataclass(frozen=True)
class Part:
    """Where a tensor belongs."""

    component: str
    prefix: str  # what stands before the public name, the dot included
    name: str  # the public class's own name for it; the whole name where there is none


def part(name: str) -> Part:
    """Where a tensor of this name belongs."""
    for component, pattern in PATTERNS:
        found = pattern.search(name)
        if found:
            return Part(component, name[:found.start()], found.group())
    cell = CELL.match(name)
    if cell:
        return Part(RECURRENT, cell["stem"], name[len(cell["stem"]):])
    return Part(HEAD, "", name)


def is_computed(name: str) -> bool:
    """Whether it is a buffer that newer classes compute instead of storing it."""
    return COMPUTED.search(name) is not None
