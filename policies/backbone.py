"""The frozen towers, and every feature of a picture or of words that a head may want.

Frame parts come from a picture, text parts from an instruction; `action` comes from both: the
action token's last hidden state behind picture and words (`policies.kosmos`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from policies.clip import PUBLISHED as CLIP
from policies.clip import Clip
from policies.devices import making
from policies.kosmos import PUBLISHED as KOSMOS
from policies.kosmos import Kosmos, Prompt
from policies.layers import ALL, REDUCED
from policies.pixels import pixels
from policies.sizes import FULL, Sizes
from policies.tower_room import ask_for_device_room, ask_for_room
from policies.weights import folder_hash

FRAME_PARTS = ("kosmos_vision", "kosmos_patches", "kosmos_latents", "clip_vision")
TEXT_PARTS = ("kosmos_text", "clip_text")
ACTION = "action"
CLIP_PARTS = ("clip_vision", "clip_text")
Parts = dict[str, torch.Tensor]


class Backbone:
    """Kosmos-2 and, where a head wants it, CLIP."""

    def __init__(self, kosmos: Kosmos, clip: Clip | None, image_size: int,
                 sources: Mapping[str, str]) -> None:
        """Towers that are loaded; `sources`: where each came from, a folder or a published name."""
        self.kosmos, self.clip, self.image_size = kosmos, clip, image_size
        self.sources = dict(sources)
        self.device = torch.device("cpu")
        self.layers = ALL

    @classmethod
    def load(cls, sources: Mapping[str, str], image_size: int,
             dtype: torch.dtype = torch.float32) -> Backbone:
        """Towers from their sources, strictly.

        Args:
            sources: `kosmos2` and, where CLIP is wanted, `clip`.
            image_size: Height and width of a picture.
            dtype: What they compute in.

        Raises:
            ValueError: if weights cannot be had or do not fit, or memory is too small.
        """
        ask_for_room(sources, dtype)
        kosmos = Kosmos.from_pretrained(sources["kosmos2"], dtype)
        clip = Clip.from_pretrained(sources["clip"], dtype) if "clip" in sources else None
        return cls(kosmos, clip, image_size, sources)

    @classmethod
    def random(cls, sizes: Sizes, with_clip: bool, words: Path,
               dtype: torch.dtype = torch.float32) -> Backbone:
        """Real classes, untrained; `words`: a Kosmos-2 folder whose tokenizer reads.

        Raises:
            ValueError: if memory is too small for the full size.
        """
        if sizes == FULL:
            published = {"kosmos2": KOSMOS, "clip": CLIP}
            ask_for_room({name: published[name] for name in
                          (["kosmos2", "clip"] if with_clip else ["kosmos2"])}, dtype)
        with torch.random.fork_rng(devices=[]), making(dtype):
            torch.manual_seed(0)
            return cls._untrained(sizes, with_clip, words)

    @classmethod
    def weightless(cls, sizes: Sizes, with_clip: bool, words: Path) -> Backbone:
        """The same on torch's meta device: layers and shapes without numbers, at any size."""
        with torch.device("meta"):
            return cls._untrained(sizes, with_clip, words)

    @classmethod
    def _untrained(cls, sizes: Sizes, with_clip: bool, words: Path) -> Backbone:
        return cls(Kosmos.random(sizes, Kosmos.tokenizer(words)),
                   Clip.random(sizes) if with_clip else None, sizes.image_size, {})

    def with_layers(self, layers: str) -> Backbone:
        """These towers with `all` layers, or `reduced`: the first quarter or half of them.

        Raises:
            ValueError: for another word, or if these are reduced already.
        """
        if layers == self.layers:
            return self
        if (self.layers, layers) != (ALL, REDUCED):
            raise ValueError(f"tower_layers must be {ALL!r} or {REDUCED!r}, and what is reduced "
                             f"stays so; got {layers!r} of towers with layers {self.layers!r}.")
        fewer = copy.copy(self)
        fewer.kosmos = self.kosmos.reduced()
        fewer.clip = self.clip.reduced() if self.clip is not None else None
        fewer.layers = layers
        return fewer

    def freeze(self, device: torch.device) -> None:
        """Move the towers, for use without gradients."""
        self.device = device
        ask_for_device_room(self.modules(), device)
        for part in self.modules():
            part.to(device).eval().requires_grad_(False)

    def modules(self) -> list[torch.nn.Module]:
        """Everything with weights."""
        clip = [self.clip.model] if self.clip is not None else []
        return [self.kosmos.model, self.kosmos.action, *clip]

    @property
    def widths(self) -> dict[str, int]:
        """Width of every part: the last axis."""
        found = {"kosmos_vision": self.kosmos.vision_width, "kosmos_text": self.kosmos.text_width,
                 "kosmos_patches": self.kosmos.vision_width,
                 "kosmos_latents": self.kosmos.text_width, ACTION: self.kosmos.text_width}
        if self.clip is not None:
            found |= {"clip_vision": self.clip.vision_width, "clip_text": self.clip.text_width}
        return found

    @property
    def hash(self) -> str:
        """Identity of the towers, so that cached features can be told apart."""
        known = [folder_hash(Path(source)) if Path(source).is_dir() else source
                 for source in self.sources.values()]
        return " ".join(known if self.layers == ALL else [*known, self.layers])

    def look(self, pictures: Sequence[np.ndarray], parts: Sequence[str]) -> Parts:
        """Frame parts of pictures [H, W, 3] uint8 RGB, each [B, ...]; every tower looks once."""
        values, found = pixels(pictures, self.image_size, self.device), {}
        if set(parts) - set(CLIP_PARTS):
            found = self.kosmos.look(values, "kosmos_latents" in parts)
        if self.clip is not None and "clip_vision" in parts:
            found["clip_vision"] = self.clip.vision(values)
        return {name: found[name] for name in parts}

    def read(self, texts: Sequence[str], parts: Sequence[str]) -> Parts:
        """Text parts of sentences, each [N, width]."""
        found = {}
        if "kosmos_text" in parts:
            found["kosmos_text"] = self.kosmos.text(texts)
        if self.clip is not None and "clip_text" in parts:
            found["clip_text"] = self.clip.text(texts)
        return {name: found[name] for name in parts}

    def ask(self, latents: torch.Tensor, prompts: Sequence[Prompt]) -> torch.Tensor:
        """The action token's answers [B, width] to pictures' latents and prompts, row by row.

        Prompts of each length are a call of all rows, so that no row's bits depend on the others.
        """
        found = latents.new_zeros((len(prompts), latents.shape[-1]), dtype=torch.float32)
        for length in sorted({len(prompt.ids) for prompt in prompts}):
            rows = [row for row, prompt in enumerate(prompts) if len(prompt.ids) == length]
            filled = [prompt if len(prompt.ids) == length else prompts[rows[0]]
                      for prompt in prompts]
            found[rows] = self.kosmos.answer(latents, filled)[rows]
        return found
