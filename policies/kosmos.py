"""Kosmos-2 as a backbone, real classes: what it sees, what it reads, what it answers to a query.

RoboVLMs puts a learnable token behind picture and words and takes its last hidden state as the
feature of an action. The same is done here, without a patched model: the token travels beside the
picture's latents, in a place of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import (
    Kosmos2Config,
    Kosmos2ForConditionalGeneration,
    Kosmos2Processor,
    PreTrainedTokenizerFast,
)
from transformers.utils import logging

from policies.layers import KOSMOS_SHARE, kept, same_weights
from policies.sizes import Sizes
from policies.tokens import make_processor
from policies.tower_room import ask_for_room
from policies.weights import load_strictly, read_tensors

PUBLISHED = "microsoft/kosmos-2-patch14-224"
ACTION_FILE = "action_token.safetensors"
PROMPT_STEP = 16  # prompts are padded to a multiple of so many tokens, so that few lengths occur
MOST_WORDS = 64  # tokens of an instruction in a prompt; what is longer is cut


@dataclass(frozen=True)
class Prompt:
    """`<s><image>` latents `</image>` words, action token `</s>`: words about a picture."""

    ids: torch.Tensor  # [L] int64, padded behind
    slots: torch.Tensor  # [L] int64: 1 where a latent or, as the last, the action token goes in
    place: int  # of the action token


class ActionToken(nn.Module):
    """The learnable token; zeros until it is trained, as in RoboVLMs."""

    def __init__(self, width: int) -> None:
        """`width`: of the text tower."""
        super().__init__()
        self.token = nn.Parameter(torch.zeros(width))


class Kosmos:
    """The whole Kosmos-2, its processor, and the two features that policies use."""

    def __init__(self, model: Kosmos2ForConditionalGeneration, processor: Kosmos2Processor) -> None:
        """A model and the processor whose tokenizer it was trained with."""
        self.model = model.eval()
        self.processor = processor
        self.action = ActionToken(self.text_width)

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
            ValueError: if they cannot be had, keys are missing or unexpected, or memory is too
                small; that is asked before anything is read.
        """
        ask_for_room({"Kosmos-2": source}, dtype)
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
        kosmos = cls(model, processor)
        if (Path(source) / ACTION_FILE).is_file():
            path = Path(source) / ACTION_FILE
            load_strictly(kosmos.action, read_tensors(path), str(path))
        return kosmos

    @staticmethod
    def tokenizer(folder: Path) -> PreTrainedTokenizerFast:
        """The tokenizer stored with a processor."""
        return Kosmos2Processor.from_pretrained(folder).tokenizer

    def save_pretrained(self, folder: Path) -> None:
        """Configuration, safetensors, processor, tokenizer and the action token."""
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)
        save_file(self.action.state_dict(), Path(folder) / ACTION_FILE)

    def reduced(self) -> Kosmos:
        """The same with the first quarter of both towers' layers, at least one."""
        fewer = Kosmos(same_weights(self.model), self.processor)
        fewer.action = self.action
        vision, text = fewer.model.config.vision_config, fewer.model.config.text_config
        vision.num_hidden_layers = kept(vision.num_hidden_layers, KOSMOS_SHARE)
        text.layers = kept(text.layers, KOSMOS_SHARE)
        del fewer.model.vision_model.model.encoder.layers[vision.num_hidden_layers:]
        del fewer.model.text_model.model.layers[text.layers:]
        return fewer

    @property
    def vision_width(self) -> int:
        """Width of the pooled picture features (1024 at full size)."""
        return self.model.config.vision_config.hidden_size

    @property
    def text_width(self) -> int:
        """Width of the text features (2048 at full size)."""
        return self.model.config.text_config.embed_dim

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

    def look(self, pixels: torch.Tensor, latents: bool = False) -> dict[str, torch.Tensor]:
        """Pictures [B, 3, 224, 224] to all that is seen of them, by one pass.

        Returns:
            kosmos_vision [B, vision_width]: the class token after the last norm;
            kosmos_patches [B, T, vision_width]: class token and patches before it;
            kosmos_latents [B, N, text_width], on demand: what the words see.
        """
        looked = self.model.vision_model(pixel_values=pixels.to(self.model.dtype))
        found = {"kosmos_vision": looked.pooler_output.float(),
                 "kosmos_patches": looked.last_hidden_state.float()}
        if latents:
            found["kosmos_latents"] = self.summary(looked.last_hidden_state).float()
        return found

    def summary(self, patches: torch.Tensor) -> torch.Tensor:
        """The vision tower's last hidden states [B, T, vision_width] as latents for the words."""
        normed = self.model.vision_model.model.post_layernorm(patches)
        return self.model.image_to_text_projection(nn.functional.normalize(normed, dim=-1))[0]

    def prompt(self, text: str) -> Prompt:
        """The tokens around a picture's latents for one instruction."""
        tokenizer, count = self.processor.tokenizer, self.model.config.latent_query_num
        words = tokenizer(text or " ", add_special_tokens=False)["input_ids"][:MOST_WORDS]
        image = tokenizer.convert_tokens_to_ids("<image>")
        start = [tokenizer.bos_token_id, image]
        ids = [*start, *[image] * count, tokenizer.convert_tokens_to_ids("</image>"), *words, image,
               tokenizer.eos_token_id]
        place = len(ids) - 2
        ids += [tokenizer.pad_token_id] * (-len(ids) % PROMPT_STEP)
        slots = torch.zeros(len(ids), dtype=torch.long)
        slots[len(start):len(start) + count] = 1
        slots[place] = 1
        return Prompt(torch.tensor(ids), slots, place)

    def answer(self, latents: torch.Tensor, prompts: Sequence[Prompt]) -> torch.Tensor:
        """The action token's last hidden state [B, text_width], a picture and a prompt a row.

        Prompts of one call must be equally long; what is behind the token does not count.
        """
        device, latents = latents.device, latents.to(self.model.dtype)
        token = self.action.token.to(latents.dtype).expand(len(latents), 1, -1)
        hidden = self.model.text_model.model(
            input_ids=torch.stack([each.ids for each in prompts]).to(device),
            image_embeds=torch.cat([latents, token], dim=1),
            image_embeds_position_mask=torch.stack([each.slots for each in prompts]).to(device),
        ).last_hidden_state
        rows = torch.arange(len(latents), device=device)
        return hidden[rows, torch.tensor([each.place for each in prompts], device=device)].float()


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
