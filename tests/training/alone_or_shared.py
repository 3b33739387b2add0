"""Trains a small head and saves its weights: run alone, or by `accelerate launch` in several."""

import sys
from pathlib import Path

import torch
from accelerate import PartialState
from safetensors.torch import save_file

from tests.training.lessons import Listens, features
from training.heads import HeadRecipe, train_head

RECIPE = HeadRecipe(epochs=4, batch=8, feature_noise=0.0, precision="no", accumulate=2)

if __name__ == "__main__":
    torch.manual_seed(0)
    head = Listens()
    train_head(head, features(40), RECIPE)
    if PartialState().is_main_process:
        save_file(head.state_dict(), Path(sys.argv[1]))
