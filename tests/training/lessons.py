"""Small problems to learn, without towers."""

import numpy as np
import torch
from torch import nn

from envs.interface import COMMAND_LIMIT
from policies.head import Head, Wants
from training.features import Features

SEEN, WORDS = 6, 4
WIDTHS = {"seen": SEEN, "words": WORDS}


def features(episodes: int = 12, steps: int = 5, wordings: int = 1) -> Features:
    """Episodes whose command is +-1.15 sideways, as their own words alone say."""
    rng = np.random.default_rng(0)
    side = np.repeat(np.arange(episodes) % 2, steps)
    texts = torch.zeros(2 * wordings, WORDS)
    texts[:wordings, 0], texts[wordings:, 0] = 1.0, -1.0
    seen = torch.from_numpy(rng.standard_normal((episodes * steps, SEEN), np.float32))
    return Features(
        seen={"seen": seen}, commands=torch.tensor([[0.0, 1.15], [0.0, -1.15]])[side],
        episodes=np.repeat(np.arange(episodes), steps),
        layouts=np.repeat(np.arange(episodes), steps), steps=np.tile(np.arange(steps), episodes),
        texts={"words": texts}, wordings=[list(range(wordings * (k % 2), wordings * (k % 2 + 1)))
                                          for k in range(episodes)],
    )


class Listens(Head):
    """The words, and what was seen, through one LSTM."""

    def __init__(self, window: int = 4) -> None:
        super().__init__(Wants(("seen",), ("words",), window=window), WIDTHS)
        self.lstm = nn.LSTM(SEEN + WORDS, 16, batch_first=True)
        self.actions = nn.Linear(16, 2)

    def forward(self, parts, lengths):
        states, _ = self.lstm(self.joined(self.scaled(parts), "seen", "words"))
        return self.actions(states)[:, :, None] * COMMAND_LIMIT
