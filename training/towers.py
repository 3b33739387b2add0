"""Train the mini towers on simulated pictures with the towers' own objectives in miniature.

Kosmos-2 learns grounded captions (next token, location tokens included) and the wording of the
instructions; CLIP learns which caption belongs to which picture. Both learn, by an auxiliary linear
layer that is thrown away, where cup and boxes stand. The action token, placed behind picture and
instruction, learns the same and which side was named. All that is stated in the model card.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from accelerate.utils import set_seed
from torch import nn

from policies.clip import Clip
from policies.kosmos import Kosmos
from policies.pixels import normalise
from policies.sizes import sizes
from policies.tokens import train_tokenizer
from scenarios import SIDELESS
from training.captions import SIDES, grounded, instruction_texts, plain, side_named
from training.loop import Loop, accelerator, epochs
from training.scenes import LABEL_WIDTH, OBJECTS, load_scenes

logger = logging.getLogger(__name__)
IGNORED = -100
PLACE_SCALE = torch.tensor([1.0, 1.0, 1.0, 1.0, 2.5, 1.0])  # four shares; metres ahead, left


@dataclass(frozen=True)
class TowerRecipe:
    """Every number of the towers' training; stored beside the weights."""

    frames: int = 48_000
    epochs: int = 8
    batch: int = 64  # one half gets captions, the other half instructions
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 0.05  # share of all steps
    clip_grad: float = 1.0
    place_weight: float = 4.0  # of the auxiliary loss
    light: float = 0.15  # half range of the random contrast and brightness
    instructions_per_step: int = 8
    precision: str = "bf16"  # of the products; weights stay in 32 bits until they are saved
    seed: int = 0


class TowerTrainee(nn.Module):
    """Both towers and the auxiliary layers in one module, so that one optimizer moves them."""

    def __init__(self, kosmos: Kosmos, clip: Clip) -> None:
        """Untrained towers."""
        super().__init__()
        self._kosmos, self._clip = kosmos, clip
        self.kosmos, self.clip, self.action = kosmos.model, clip.model, kosmos.action
        self.kosmos_places = nn.Linear(kosmos.vision_width, len(OBJECTS) * LABEL_WIDTH)
        self.clip_places = nn.Linear(clip.vision_width, len(OBJECTS) * LABEL_WIDTH)
        self.action_places = nn.Linear(kosmos.text_width, len(OBJECTS) * LABEL_WIDTH)
        self.action_side = nn.Linear(kosmos.text_width, len(SIDES))

    def forward(self, batch: dict[str, Any]) -> dict[str, torch.Tensor]:
        """Named losses of a batch."""
        pixels, half = batch["pixels"], len(batch["tokens"])
        looked = self.kosmos.vision_model(pixel_values=pixels)
        latents = self._kosmos.summary(looked.last_hidden_state)
        captioned = self.kosmos.text_model(
            input_ids=batch["tokens"], image_embeds=latents[:half],
            image_embeds_position_mask=batch["image_mask"],
        )
        asked = self._kosmos.answer(latents[half:], batch["prompts"])
        worded = self.kosmos.text_model(input_ids=batch["instructions"])
        pooled = self._clip.vision(pixels)
        return {
            "caption": _next_token_loss(captioned.logits, batch["targets"]),
            "instruction": _next_token_loss(worded.logits, batch["instruction_targets"]),
            "contrast": self._contrast(pooled, batch["clip_tokens"]),
            "place": _place_loss(self.kosmos_places(looked.pooler_output), batch["labels"]),
            "clip_place": _place_loss(self.clip_places(pooled), batch["labels"]),
            "action_place": _place_loss(self.action_places(asked), batch["labels"][half:]),
            "action_side": F.cross_entropy(self.action_side(asked), batch["sides"]),
        }

    def _contrast(self, pooled: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """CLIP's symmetric loss; equal captions in a batch count as equally right."""
        pictures = F.normalize(pooled @ self.clip.visual.proj, dim=-1)
        captions = F.normalize(self.clip.encode_text(tokens), dim=-1)
        logits = self.clip.logit_scale.exp().clamp(max=100.0) * pictures @ captions.T
        same = (tokens[:, None] == tokens[None]).all(dim=-1).float()
        right = same / same.sum(dim=1, keepdim=True)
        return 0.5 * (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right))


def train_towers(scenes: Path, folder: Path, recipe: TowerRecipe) -> None:
    """Train and save `folder/kosmos2` and `folder/clip` in half precision, with `towers.json`.

    Resumes from the last finished epoch in `folder/progress`.
    """
    set_seed(recipe.seed)
    frames, labels = load_scenes(scenes)
    data = _Scenes(frames[: recipe.frames], labels[: recipe.frames], recipe)
    kosmos, clip = Kosmos.random(sizes("mini"), data.tokenizer), Clip.random(sizes("mini"))
    data.tokenise(kosmos, clip)
    shared = accelerator(recipe.precision)
    trainee = TowerTrainee(kosmos, clip).train()
    steps = recipe.epochs * data.steps
    optimizer = torch.optim.AdamW(trainee.parameters(), recipe.learning_rate,
                                  weight_decay=recipe.weight_decay, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, recipe.learning_rate, total_steps=steps, pct_start=recipe.warmup
    )
    loop = Loop(shared, *shared.prepare(trainee, optimizer, schedule))
    history = loop.resume(folder / "progress")
    for epoch in epochs(len(history), recipe.epochs, "towers"):
        start = time.perf_counter()
        losses = _one_epoch(loop, data, epoch, recipe)
        history.append(losses | {"seconds": round(time.perf_counter() - start, 1)})
        logger.info("towers, epoch %d of %d: %s", epoch + 1, recipe.epochs, history[-1])
        loop.keep(folder / "progress", history)
    if shared.is_main_process:
        kosmos.model.half()
        kosmos.save_pretrained(folder / "kosmos2")
        clip.model.half()
        clip.save_pretrained(folder / "clip")
        about = {"recipe": asdict(recipe), "history": history, "frames": len(data.frames)}
        (folder / "towers.json").write_text(json.dumps(about, indent=2), encoding="utf-8")
    shared.wait_for_everyone()


def _one_epoch(loop: Loop, data: _Scenes, epoch: int, recipe: TowerRecipe) -> dict[str, float]:
    """One pass over the scenes; returns the mean of each loss."""
    sums: dict[str, float] = {}
    for batch in data.batches(epoch, loop.share):
        moved = {name: value.to(loop.accelerator.device) if name != "prompts" else value
                 for name, value in batch.items()}
        losses = loop.model(moved)
        places = losses["place"] + losses["clip_place"] + losses["action_place"]
        total = (losses["caption"] + losses["instruction"] + losses["contrast"]
                 + losses["action_side"] + recipe.place_weight * places)
        if not torch.isfinite(total):
            raise ValueError(f"The towers' loss is {total.item()} in epoch {epoch + 1}; lower the "
                             f"learning rate ({recipe.learning_rate}).")
        loop.step(total, recipe.clip_grad)
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value.item() / data.steps
    return {name: round(value, 4) for name, value in sums.items()}


class _Scenes:
    """Scenes in memory, each as it is and mirrored, tokenised once."""

    def __init__(self, frames: np.ndarray, labels: np.ndarray, recipe: TowerRecipe) -> None:
        self.frames, self._recipe = frames, recipe
        self.labels = np.stack([labels, mirrored(labels)])  # [2, N, 3, 7]
        self.steps = len(frames) // recipe.batch
        self._instructions = [*instruction_texts(), *SIDELESS]
        captions = [grounded(label)[0] for label in labels]
        self.tokenizer = train_tokenizer([*captions, *self._instructions * 50])

    def tokenise(self, kosmos: Kosmos, clip: Clip) -> None:
        """Token tensors [2, N, L] for both versions of every scene."""
        flat = self.labels.reshape(-1, *self.labels.shape[2:])
        latents = kosmos.model.config.latent_query_num
        self._tokens, self._targets = _caption_tokens(kosmos, flat, latents)
        self._tokens = self._tokens.view(2, len(self.frames), -1)
        self._targets = self._targets.view(2, len(self.frames), -1)
        image_mask = torch.zeros(self._tokens.shape[-1], dtype=torch.long)
        image_mask[2:2 + latents] = 1  # after <s> and <image>
        self._image_mask = image_mask
        captions = clip.tokens([plain(label) for label in flat])
        self._clip_tokens = captions.view(2, len(self.frames), -1)
        tokens = kosmos.processor.tokenizer(
            [f"<s>{text}</s>" for text in self._instructions], padding=True, return_tensors="pt"
        )
        self._words = tokens["input_ids"]
        self._word_targets = self._words.masked_fill(tokens["attention_mask"] == 0, IGNORED)
        self._prompts = [kosmos.prompt(text) for text in self._instructions]
        self._sides = torch.tensor([SIDES.index(side_named(text)) for text in self._instructions])
        self._lengths = np.array([len(prompt.ids) for prompt in self._prompts])

    def batches(self, epoch: int, share: Callable[[np.ndarray], np.ndarray]
                ) -> Iterator[dict[str, Any]]:
        """Shuffled batches of one epoch; the same epoch gives the same batches."""
        rng = np.random.default_rng([self._recipe.seed, epoch])
        order = rng.permutation(len(self.frames))
        for step in range(self.steps):
            index = share(order[step * self._recipe.batch:(step + 1) * self._recipe.batch])
            half = len(index) // 2
            flip = int(rng.random() < 0.5)
            frames = self.frames[index][:, :, ::-1] if flip else self.frames[index]
            spread = rng.uniform(-1, 1, (2, len(index), 1, 1, 1)).astype(np.float32)
            contrast, brightness = torch.from_numpy(1.0 + spread * self._recipe.light)
            pictures = torch.from_numpy(np.ascontiguousarray(frames))
            lit = pictures.float().mul_(contrast).add_(128.0 * (brightness - contrast))
            words = rng.integers(len(self._words), size=self._recipe.instructions_per_step)
            asked = self._asked(rng, len(index) - half)
            yield {
                "pixels": normalise(lit.clamp_(0, 255)),
                "tokens": self._tokens[flip, index[:half]],
                "targets": self._targets[flip, index[:half]],
                "image_mask": self._image_mask.expand(half, -1),
                "prompts": [self._prompts[number] for number in asked],
                "sides": self._sides[asked],
                "clip_tokens": self._clip_tokens[flip, index],
                "labels": torch.from_numpy(self.labels[flip, index]),
                "instructions": self._words[words],
                "instruction_targets": self._word_targets[words],
            }

    def _asked(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Numbers of instructions for one batch, whose prompts are equally long."""
        length = rng.choice(self._lengths)
        return rng.choice(np.flatnonzero(self._lengths == length), count)


def mirrored(labels: np.ndarray) -> np.ndarray:
    """Labels [N, 3, 7] of the pictures flipped left to right; boxes stay in picture order."""
    seen = labels[..., :1] > 0
    flipped = labels.copy()
    flipped[..., 1], flipped[..., 3] = 1.0 - labels[..., 3], 1.0 - labels[..., 1]
    flipped[..., 6] = -labels[..., 6]
    flipped = np.where(seen, flipped, 0.0).astype(np.float32)
    two = flipped[:, 2, 0] > 0
    flipped[two, 1], flipped[two, 2] = flipped[two, 2].copy(), flipped[two, 1].copy()
    return flipped


def _caption_tokens(kosmos: Kosmos, labels: np.ndarray,
                    latents: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens and targets [N, L]: `<s><image>` latents `</image>` caption `</s>`.

    Only the caption counts as a target.
    """
    processor = kosmos.processor
    pairs = [grounded(label) for label in labels]
    texts = [processor.preprocess_examples(text, None, boxes or None) for text, boxes in pairs]
    start = "<s><image>" + "<image>" * latents + "</image>"
    tokens = processor.tokenizer([f"{start}{text}</s>" for text in texts], padding=True,
                                 return_tensors="pt")
    targets = tokens["input_ids"].masked_fill(tokens["attention_mask"] == 0, IGNORED)
    targets[:, : latents + 4] = IGNORED  # <s>, <image>, latents, </image>, <grounding>
    return tokens["input_ids"], targets


def _next_token_loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each token from those before it; logits [B, L, V], targets [B, L]."""
    return F.cross_entropy(logits[:, :-1].flatten(0, 1).float(), targets[:, 1:].flatten(),
                           ignore_index=IGNORED)


def _place_loss(predicted: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Visible or not, and where, for the visible ones; predicted [B, 21], labels [B, 3, 7]."""
    predicted = predicted.view_as(labels)
    seen = labels[..., 0]
    visible = F.binary_cross_entropy_with_logits(predicted[..., 0], seen)
    off = F.smooth_l1_loss(predicted[..., 1:], labels[..., 1:] / PLACE_SCALE.to(labels.device),
                           beta=0.05, reduction="none").mean(dim=-1)
    return visible + 4.0 * (off * seen).sum() / seen.sum().clamp(min=1.0)

