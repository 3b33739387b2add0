"""A small Kosmos-2 tokenizer with byte fallback: Korean and nonsense encode too."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPImageProcessor, Kosmos2Processor, PreTrainedTokenizerFast

from policies.picture import CLIP_MEAN, CLIP_STD

SPECIAL = {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"}
MAX_ENTRIES = 4096  # location and tag tokens included
PATCH_TOKENS = 1024  # Kosmos-2's own grid of 32 x 32
TAG_TOKENS = 11


def train_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """A BPE tokenizer of these texts; what it does not know becomes bytes `<0x00>` ... `<0xFF>`."""
    room = MAX_ENTRIES - PATCH_TOKENS - TAG_TOKENS - 256
    learner = _blank(models.BPE(unk_token=SPECIAL["unk_token"]))
    learner.train_from_iterator(
        texts, trainers.BpeTrainer(vocab_size=room, special_tokens=list(SPECIAL.values()),
                                   min_frequency=2, show_progress=False),
    )
    learned = json.loads(learner.to_str())["model"]
    vocabulary = {**learned["vocab"]}
    for byte in range(256):
        vocabulary[f"<0x{byte:02X}>"] = len(vocabulary)
    merges = [tuple(merge) for merge in learned["merges"]]
    tokenizer = _blank(models.BPE(vocab=vocabulary, merges=merges, byte_fallback=True,
                                  unk_token=SPECIAL["unk_token"]))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=256, **SPECIAL)


def make_processor(tokenizer: PreTrainedTokenizerFast, image_size: int,
                   latents: int) -> Kosmos2Processor:
    """The real Kosmos-2 processor around a tokenizer; pictures come squeezed, so no crop."""
    images = CLIPImageProcessor(
        do_resize=False, do_center_crop=False, size={"height": image_size, "width": image_size},
        image_mean=list(CLIP_MEAN), image_std=list(CLIP_STD),
    )
    processor = Kosmos2Processor(images, tokenizer, num_patch_index_tokens=PATCH_TOKENS)
    processor.num_image_tokens = latents
    return processor


def _blank(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    return tokenizer
