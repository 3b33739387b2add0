"""Case 5, active learning: Case 1's structure, trained on episodes that it asked for.

Of the original only a row of a table was found (MAE 0.915), no code: all of this is an
interpretation. The structure is Case 1's, so that the two differ in their episodes alone: which of
the unlabelled ones the expert is to label, the head's own uncertainty says. With dropout left on,
answers of one head to one picture scatter; how much they do is what it does not know (Monte Carlo
dropout, Gal and Ghahramani 2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from policies.backbone import Parts
from policies.case1_simplified import SimplifiedHead
from policies.head import Head
from policies.learned import Learned


def uncertainty(head: Head, parts: Parts, lengths: torch.Tensor, samples: int,
                generator: torch.Generator) -> torch.Tensor:
    """How much answers scatter when dropout stays on.

    Args:
        head: Any with dropout layers; its mode is left as it was.
        parts: As in `Head.forward`.
        lengths: As in `Head.forward`.
        samples: Answers to each frame, at least 2.
        generator: Of chance; torch's own is not moved.

    Returns:
        [B, W] variance over the samples, mean of plan and axes, squared command units; 0 where a
        frame does not count.

    Raises:
        ValueError: for fewer than two samples, or a head without dropout.
    """
    if samples < 2:
        raise ValueError(f"samples must be at least 2, got {samples}.")
    device = next(head.parameters()).device
    seed = int(torch.randint(2**62, (), generator=generator))
    with (torch.random.fork_rng([device] if device.type == "cuda" else []), torch.no_grad(),
          _dropping(head)):
        torch.manual_seed(seed)
        answers = torch.stack([head(parts, lengths) for _ in range(samples)])
    scatter = answers.var(dim=0).mean(dim=(-2, -1))
    return scatter * (torch.arange(scatter.shape[1], device=device) < lengths[:, None])


@contextmanager
def _dropping(head: Head) -> Iterator[None]:
    """Evaluation, but for the dropout layers."""
    layers = [each for each in head.modules() if isinstance(each, nn.Dropout) and each.p > 0]
    if not layers:
        raise ValueError(f"{type(head).__name__} has no dropout layers to sample with; expected a "
                         f"head like Case 1's.")
    before = {each: each.training for each in head.modules()}
    head.eval()
    for layer in layers:
        layer.train()
    try:
        yield
    finally:
        for each, training in before.items():
            each.training = training


class CaseFive(Learned):
    """`--policy case5_active_learning`."""

    model, head_class = "case5_active_learning", SimplifiedHead
