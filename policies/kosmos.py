"""Kosmos-2 as a frozen backbone: pooled picture features and mean text features, real classes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from transformers import (
    Kosmos2Config,
    Kosmos2ForConditionalGeneration,
    Kosmos2Processor,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from policies.sizes import Sizes
from policies.tokens import make_processor

PUBLISHED = "microsoft/kosmos-2-patch14-224"


class Kosmos:
    """The whole Kosmos-2, its processor, and the two features that policies use."""

    def __init__(self, model: Kosmos2ForConditionalGeneration, processor: Kosmos2Processor) -> None:
        """A model and the processor whose tokenizer it was trained with."""
        self.model = model.eval()
        self.processor = processor

    @classmethod
    def random(cls, sizes: Sizes, tokenizer: PreTrainedTokenizerFast) -> Kosmos:
        """Untrained weights of a size, for training, benchmarks and tests."""
        processor = make_processor(tokenizer, sizes.image_size, sizes.kosmos_latents)
        about = config(sizes, max(sizes.kosmos_vocabulary, len(processor.tokenizer)))
        return cls(Kosmos2ForConditionalGeneration(about), processor)

    @classmethod
    def from_pretrained(cls, source: str | Path, dtype: torch.dtype = torch.float32) -> Kosmos:
        """Weights from a local folder or the hub, strictly.

        Raises:
            ValueError: if they cannot be had, or keys are missing or unexpected.
        """
        try:
            with _own_words():
                model, report = Kosmos2ForConditionalGeneration.from_pretrained(
                    source, dtype=dtype, output_loading_info=True, ignore_mismatched_sizes=True,
                    local_files_only=Path(source).is_dir(),
                )
            processor = Kosmos2Processor.from_pretrained(source)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"Kosmos-2 weights {str(source)!r} cannot be had: {str(error).splitlines()[0]} "
                f"Give a folder written by save_pretrained, or run once where {PUBLISHED} "
                f"can be downloaded."
            ) from error
        kinds = ("missing_keys", "unexpected_keys", "mismatched_keys")
        bad = {kind: sorted(map(str, report[kind])) for kind in kinds if report[kind]}
        if bad:
            said = "; ".join(f"{kind.replace('_', ' ')}: {', '.join(k[:3])} ({len(k)})"
                             for kind, k in bad.items())
            raise ValueError(f"Kosmos-2 weights {str(source)!r} do not fit: {said}.")
        return cls(model, processor)

    @staticmethod
    def tokenizer(folder: Path) -> PreTrainedTokenizerFast:
        """The tokenizer stored with a processor."""
        return Kosmos2Processor.from_pretrained(folder).tokenizer

    def save_pretrained(self, folder: Path) -> None:
        """Configuration, safetensors, processor and tokenizer files."""
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)

    @property
    def vision_width(self) -> int:
        """Width of the pooled picture features (1024 at full size)."""
        return self.model.config.vision_config.hidden_size

    @property
    def text_width(self) -> int:
        """Width of the text features (2048 at full size)."""
        return self.model.config.text_config.embed_dim

    def vision(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pictures [B, 3, 224, 224] to the class token after the last norm [B, vision_width]."""
        pixels = pixels.to(self.model.dtype)
        return self.model.vision_model(pixel_values=pixels).pooler_output.float()

    def text(self, texts: Sequence[str]) -> torch.Tensor:
        """Sentences to the mean of their last hidden states [N, text_width], each on its own."""
        rows = []
        for text in texts:  # one by one: no padding, so a row does not depend on its companions
            tokens = self.processor.tokenizer(text or " ", return_tensors="pt", truncation=True)
            ids = tokens["input_ids"].to(self.model.device)
            start = torch.full_like(ids[:, :1], self.processor.tokenizer.bos_token_id)
            hidden = self.model.text_model.model(input_ids=torch.cat([start, ids], dim=1))
            rows.append(hidden.last_hidden_state.mean(dim=1))
        return torch.cat(rows).float()


@contextlib.contextmanager
def _own_words() -> Iterator[None]:
    """Keep transformers' progress bars and tables off the terminal: what is wrong, we say."""
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def config(sizes: Sizes, vocabulary: int) -> Kosmos2Config:
    """Kosmos-2's configuration at a size; the full one equals the published model's."""
    return Kosmos2Config(
        vision_config={
            "hidden_size": sizes.kosmos_vision_width,
            "intermediate_size": 4 * sizes.kosmos_vision_width,
            "num_hidden_layers": sizes.kosmos_vision_layers,
            "num_attention_heads": sizes.kosmos_vision_heads,
            "patch_size": sizes.kosmos_patch, "image_size": sizes.image_size,
        },
        text_config={
            "vocab_size": vocabulary, "embed_dim": sizes.kosmos_text_width,
            "ffn_dim": 4 * sizes.kosmos_text_width, "layers": sizes.kosmos_text_layers,
            "attention_heads": sizes.kosmos_text_heads,
        },
        latent_query_num=sizes.kosmos_latents,
    )
