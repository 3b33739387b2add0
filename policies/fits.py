"""Which of our models a file's weights would fit, told without reading or allocating them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import TYPE_CHECKING, cast

import open_clip
import torch
from torch import nn
from transformers import Kosmos2ForConditionalGeneration

import policies
from policies import clip, kosmos
from policies.components import CLIP, HEAD, KOSMOS, OPEN_CLIP, RECURRENT, part
from policies.legacy import EMBEDDINGS, clip_tensors, head_tensors, kosmos_tensors
from policies.sizes import SIZES, Sizes, sizes
from policies.weight_file import Entry

if TYPE_CHECKING:
    from policies.learned import Learned


@dataclass(frozen=True)
class Fit:
    """A file's weights against one model."""

    model: str  # and its size
    count: int  # tensors that the model has
    given: int  # tensors of the file that they come from, under the file's names
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrong: tuple[str, ...]  # shapes, in words

    @property
    def is_whole(self) -> bool:
        """Whether a strict load would take them."""
        return not self.off

    @property
    def off(self) -> int:
        """How many names stand in the way."""
        return len(self.missing) + len(self.unexpected) + len(self.wrong)


def fits(entries: Mapping[str, Entry]) -> list[Fit]:
    """The best fit among each kind of model that the file has weights of; all that fit whole.

    Raises:
        ValueError: if the file holds two copies of a tower.
    """
    tensors = shells(entries)
    components = {part(name).component for name in tensors}
    found: list[Fit] = []
    if components & set(KOSMOS):
        renamed = kosmos_tensors(tensors)
        rows = renamed[EMBEDDINGS].shape[0] if EMBEDDINGS in renamed else 0
        found += _best([_compare(f"kosmos2 {size}", _count(tensors, KOSMOS), renamed,
                                 _kosmos(sizes(size), rows)) for size in SIZES])
    if components & {*CLIP, *OPEN_CLIP}:
        renamed = clip_tensors(tensors)
        found += _best([_compare(f"clip {size}", _count(tensors, (*CLIP, *OPEN_CLIP)), renamed,
                                 _clip(sizes(size))) for size in SIZES])
    if components & {RECURRENT, HEAD}:
        heads = [(f"{name} {size}", head_shell(name, size)) for name in policies.LEARNED
                 for size in SIZES]
        given = _count(tensors, (RECURRENT, HEAD))
        found += _best([_compare(f"head of {name}", given, head_tensors(tensors, wanted), wanted)
                        for name, wanted in heads])
    return found


def shells(entries: Mapping[str, Entry]) -> dict[str, torch.Tensor]:
    """Tensors with shapes and no numbers."""
    return {name: torch.empty(entry.shape, device="meta") for name, entry in entries.items()
            if entry.shape is not None}


def head_shell(name: str, size: str) -> dict[str, torch.Tensor]:
    """The state_dict of a policy's head at a size, without numbers."""
    policy, options = cast("tuple[type[Learned], dict]", policies.find(name))
    own = signature(policy).parameters  # the rest is the head's
    structure = {key: value for key, value in options.items() if key not in own}
    with torch.device("meta"):
        head: nn.Module = policy.head_class(sizes(size), widths(sizes(size)), **structure)
    return head.state_dict()


def widths(of: Sizes) -> dict[str, int]:
    """What the towers of a size give, as `policies.backbone` names it."""
    seen, read = of.kosmos_vision_width, of.kosmos_text_width
    return {"kosmos_vision": seen, "kosmos_patches": seen, "kosmos_latents": read,
            "kosmos_text": read, "action": read, "clip_vision": of.clip_vision_width,
            "clip_text": of.clip_joint}


def _kosmos(of: Sizes, rows: int) -> dict[str, torch.Tensor]:
    """A mini tower's vocabulary is whatever its tokenizer learned."""
    with torch.device("meta"):
        about = kosmos.config(of, max(of.kosmos_vocabulary, rows))
        return Kosmos2ForConditionalGeneration(about).state_dict()


def _clip(of: Sizes) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        return open_clip.CLIP(**clip.config(of)).state_dict()


def _count(tensors: Mapping[str, torch.Tensor], components: tuple[str, ...]) -> int:
    return sum(part(name).component in components for name in tensors)


def _compare(model: str, given: int, tensors: Mapping[str, torch.Tensor],
             wanted: Mapping[str, torch.Tensor]) -> Fit:
    """`given`: how many tensors of the file `tensors` were made of."""
    wrong = [f"{name} (file {list(tensors[name].shape)}, model {list(wanted[name].shape)})"
             for name in wanted if name in tensors and tensors[name].shape != wanted[name].shape]
    return Fit(model, len(wanted), given,
               tuple(name for name in wanted if name not in tensors),
               tuple(name for name in tensors if name not in wanted), tuple(wrong))


def _best(found: list[Fit]) -> list[Fit]:
    """All that fit, else the nearest."""
    whole = [fit for fit in found if fit.is_whole]
    return whole or [min(found, key=lambda fit: fit.off)]
