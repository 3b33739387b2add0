"""Full and mini sizes of every part, by the same factors; one table, no second list.

Full: Kosmos-2 patch14-224 and CLIP ViT-B/32 as published; LSTM 4 x 1024 as the recorded checkpoint
sizes imply. Mini: vision widths / 8, text widths / 16, tower layers / 6, attention heads / 4,
fusion, LSTM, head, attention, adapter and goal widths / 8, latents / 8, Kosmos patches x 2. Window
and plan are the same. The cases' widths are heads' widths, their resamplers' layers and heads are
towers'.
GPT-2: width / 8, layers and heads / 4. Adapters: rank and alpha / 8, as the towers they lie in.
"""

from __future__ import annotations

from dataclasses import dataclass

SIZES = ("mini", "full")


@dataclass(frozen=True)
class Sizes:
    """The numbers that make a model of one size."""

    kosmos_vision_width: int
    kosmos_vision_layers: int
    kosmos_vision_heads: int
    kosmos_patch: int
    kosmos_text_width: int
    kosmos_text_layers: int
    kosmos_text_heads: int
    kosmos_latents: int
    kosmos_vocabulary: int  # at least; more where the tokenizer knows more
    clip_vision_width: int
    clip_vision_layers: int
    clip_vision_head_width: int
    clip_patch: int
    clip_text_width: int
    clip_text_layers: int
    clip_text_heads: int
    clip_joint: int
    fusion: int
    lstm_width: int
    lstm_layers: int
    head: tuple[int, int, int]
    attention: int  # width of the attention models and of the fusion before an LSTM
    attention_heads: int
    adapter: int  # width in which advanced_multimodal brings all modalities together
    goal: int  # width of its goals and subgoals
    case_width: int  # hidden width of Cases 1 to 3; Case 4's is twice, its state a quarter
    resampler_layers: int  # of Case 4; Case 2 has one
    resampler_heads: int  # of Case 4; Case 2 has half
    gpt_width: int  # of the GPT-2 over the frames of a window
    gpt_layers: int
    gpt_heads: int
    lora_rank: int  # of adapters in the picture towers, where a variant has some
    lora_alpha: float  # what an adapter adds is scaled by alpha / rank
    image_size: int = 224
    window: int = 8
    plan: int = 10  # commands of a plan, where a head plans


FULL = Sizes(
    kosmos_vision_width=1024, kosmos_vision_layers=24, kosmos_vision_heads=16, kosmos_patch=14,
    kosmos_text_width=2048, kosmos_text_layers=24, kosmos_text_heads=32, kosmos_latents=64,
    kosmos_vocabulary=65037,
    clip_vision_width=768, clip_vision_layers=12, clip_vision_head_width=64, clip_patch=32,
    clip_text_width=512, clip_text_layers=12, clip_text_heads=8, clip_joint=512,
    fusion=2048, lstm_width=1024, lstm_layers=4, head=(1024, 512, 256),
    attention=512, attention_heads=8, adapter=768, goal=256,
    case_width=256, resampler_layers=6, resampler_heads=8,
    gpt_width=1024, gpt_layers=8, gpt_heads=8, lora_rank=64, lora_alpha=16.0,
)
MINI = Sizes(
    kosmos_vision_width=1024 // 8, kosmos_vision_layers=24 // 6, kosmos_vision_heads=16 // 4,
    kosmos_patch=14 * 2, kosmos_text_width=2048 // 16, kosmos_text_layers=24 // 6,
    kosmos_text_heads=32 // 4, kosmos_latents=64 // 8, kosmos_vocabulary=0,
    clip_vision_width=768 // 8, clip_vision_layers=12 // 6, clip_vision_head_width=32,
    clip_patch=32, clip_text_width=512 // 16, clip_text_layers=12 // 6, clip_text_heads=8 // 4,
    clip_joint=512 // 16,
    fusion=2048 // 8, lstm_width=1024 // 8, lstm_layers=4, head=(1024 // 8, 512 // 8, 256 // 8),
    attention=512 // 8, attention_heads=8 // 4, adapter=768 // 8, goal=256 // 8,
    case_width=256 // 8, resampler_layers=6 // 6, resampler_heads=8 // 4,
    gpt_width=1024 // 8, gpt_layers=8 // 4, gpt_heads=8 // 4, lora_rank=64 // 8,
    lora_alpha=16.0 / 8,
)


def sizes(name: str) -> Sizes:
    """The sizes called `mini` or `full`.

    Raises:
        ValueError: for another name.
    """
    if name not in SIZES:
        raise ValueError(f"size must be one of {', '.join(SIZES)}, got {name!r}.")
    return {"mini": MINI, "full": FULL}[name]


def dropout(share: float, size: Sizes) -> float:
    """What to drop at a size, where `share` is dropped at full size, so that it is as loud.

    A sum of n numbers of which a share is dropped scatters by share / (1 - share) / n: what
    steadies 256 numbers drowns 32.
    """
    odds = share / (1.0 - share) * size.case_width / FULL.case_width
    return odds / (1.0 + odds)
