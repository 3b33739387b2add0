"""Commands as tokens: 256 bins, numbered from the end of a vocabulary, as RoboVLMs does.

256 edges from -1 to 1 have 255 centres between them, yet a value has one of 256 bins: the last
holds 1.0 alone and is read as the last centre. So does RoboVLMs, and it costs 1/255 at both rims.
"""

from __future__ import annotations

import torch
from torch import nn

BINS = 256
OFFSET = 10  # entries at the end of a vocabulary that are left alone


class ActionTokenizer(nn.Module):
    """Values from -1 to 1 as token ids, and back.

    `orig` is the vocabulary without its special tokens and the offset; bin d has the id orig - d.
    """

    edges: torch.Tensor
    centres: torch.Tensor

    def __init__(self, vocabulary: int, specials: int = 0, bins: int = BINS) -> None:
        """Tokens of a vocabulary.

        Args:
            vocabulary: Its entries.
            specials: How many of these are special tokens.
            bins: Of each value.

        Raises:
            ValueError: if the vocabulary has too few entries.
        """
        super().__init__()
        self.orig = vocabulary - specials - OFFSET
        self.begin_id = self.orig - (bins + 1)  # stands before the tokens of a command
        if self.begin_id < 0:
            raise ValueError(f"vocabulary must have at least {bins + 1 + specials + OFFSET} "
                             f"entries for {bins} bins, got {vocabulary}.")
        edges = torch.linspace(-1.0, 1.0, bins, dtype=torch.float64)
        self.register_buffer("edges", edges.float(), persistent=False)
        self.register_buffer("centres", ((edges[:-1] + edges[1:]) / 2).float(), persistent=False)

    def encode(self, values: torch.Tensor) -> torch.Tensor:
        """Values of any shape as ids, begin_id < id < orig; beyond -1 to 1 they are cut."""
        return self.orig - torch.bucketize(values.clamp(-1.0, 1.0), self.edges, right=True)

    def decode(self, ids: torch.Tensor) -> torch.Tensor:
        """Ids as the centres of their bins; an id that is no action's becomes the nearest one."""
        return self.centres[(self.orig - ids - 1).clamp(0, len(self.centres) - 1)]
