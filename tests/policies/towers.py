"""Tiny untrained towers of the real classes, written as folders."""

from dataclasses import replace
from pathlib import Path

import torch

from policies.backbone import Backbone
from policies.clip import Clip
from policies.kosmos import Kosmos
from policies.sizes import MINI, Sizes
from policies.tokens import train_tokenizer

TINY = replace(
    MINI, kosmos_vision_width=16, kosmos_vision_layers=1, kosmos_vision_heads=2, kosmos_patch=56,
    kosmos_text_width=16, kosmos_text_layers=1, kosmos_text_heads=2, kosmos_latents=2,
    clip_vision_width=16, clip_vision_layers=1, clip_vision_head_width=8, clip_patch=56,
    clip_text_width=8, clip_text_layers=1, clip_text_heads=2, clip_joint=8,
)


DEEP = replace(TINY, kosmos_vision_layers=8, kosmos_text_layers=4, clip_vision_layers=4,
               clip_text_layers=2)


def write_tiny_towers(folder: Path, seed: int = 0, sizes: Sizes = TINY) -> tuple[Path, Path]:
    """Folders of a Kosmos-2 and a CLIP, with one layer each where not given otherwise."""
    torch.manual_seed(seed)
    tokenizer = train_tokenizer(["Navigate around the obstacle on the left side"] * 3)
    kosmos, clip = folder / "kosmos2", folder / "clip"
    Kosmos.random(sizes, tokenizer).save_pretrained(kosmos)
    Clip.random(sizes).save_pretrained(clip)
    return kosmos, clip


def tiny_backbone(folder: Path, sizes: Sizes = TINY) -> Backbone:
    """The same, loaded and frozen."""
    kosmos, clip = write_tiny_towers(folder, sizes=sizes)
    backbone = Backbone.load({"kosmos2": str(kosmos), "clip": str(clip)}, TINY.image_size)
    backbone.freeze(backbone.device)
    return backbone
