"""Heads of registered models without their towers: any widths, any size, also without memory."""

from inspect import signature

import torch

import policies
from policies.head import Head
from policies.sizes import Sizes


def widths(sizes: Sizes) -> dict[str, int]:
    """Width of every part that towers of a size give."""
    vision, text = sizes.kosmos_vision_width, sizes.kosmos_text_width
    return {"kosmos_vision": vision, "kosmos_patches": vision, "kosmos_latents": text,
            "action": text, "kosmos_text": text, "clip_vision": sizes.clip_vision_width,
            "clip_text": sizes.clip_joint}


def head_of(name: str, sizes: Sizes, given: dict[str, int] | None = None, seed: int = 0) -> Head:
    """A fresh head behind towers of these widths, those of the size where not given."""
    cls, fixed = policies.find(name)
    structure = {key: value for key, value in fixed.items() if key not in signature(cls).parameters}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return cls.head_class(sizes, given or widths(sizes), **structure)


def weightless(name: str, sizes: Sizes) -> Head:
    """The same on torch's meta device: only shapes, at any size."""
    with torch.device("meta"):
        return head_of(name, sizes)


def parameters(name: str, sizes: Sizes) -> int:
    """How many numbers of a head are trained."""
    return sum(each.numel() for each in weightless(name, sizes).parameters())
