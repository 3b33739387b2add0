"""Picture towers and head as one module: pictures go in, the head's loss comes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from peft import LoraConfig, inject_adapter_in_model
from torch import nn

from episodes.hdf5 import read_episode
from policies import tuned
from policies.backbone import Backbone, Parts
from policies.head import Head
from policies.sizes import Sizes
from training.features import Features

if TYPE_CHECKING:
    from training.learn import Lesson

DROPOUT = 0.05  # of the adapters' inputs, RoboVLMs' number
NAME = "default"  # peft's, of the only adapter that there is


class Trainee(nn.Module):
    """What moves, in one module, so that one optimizer moves it and processes stay alike."""

    def __init__(self, backbone: Backbone, head: Head, tuning: str, sizes: Sizes,
                 lesson: Lesson, stop_weight: float) -> None:
        """Make the picture towers, which are nobody else's, trainable.

        Args:
            backbone: See `policies.tuned.own`; on the head's device.
            head: Trained behind the same towers while they were frozen.
            tuning: lora, whose adapters are put in here and change nothing yet, or end_to_end.
            sizes: Rank and alpha of adapters.
            lesson: Its episodes are looked at, its words are as they were read.
            stop_weight: As in `HeadRecipe`.
        """
        super().__init__()
        self.towers, self.head = tuned.towers(backbone), head.requires_grad_(True)
        self._backbone, self._tuning, self._lesson = backbone, tuning, lesson
        self._stop_weight = stop_weight
        self.towers.requires_grad_(tuning == tuned.END_TO_END)
        for tower in self.towers.values() if tuning == tuned.LORA else ():
            inject_adapter_in_model(LoraConfig(
                r=sizes.lora_rank, lora_alpha=sizes.lora_alpha, lora_dropout=DROPOUT,
                target_modules=list(tuned.adapted(tower))), tower)

    def forward(self, episodes: Sequence[int], rng: np.random.Generator) -> torch.Tensor:
        """The head's loss over all windows of some episodes, each called by words by chance."""
        seen = self.see(episodes)
        rows = seen.covering(np.arange(len(seen.steps)), self.head.wants)
        windows, lengths = seen.windows(rows, self.head.wants, rng)
        commands, mask = seen.targets(rows, self.head.wants, self._stop_weight)
        device = self._backbone.device
        with torch.autocast(device.type, enabled=False):  # the head learns in 32 bits
            return self.head.loss({name: part.to(device) for name, part in windows.items()},
                                  lengths.to(device), commands.to(device), mask.to(device))

    def see(self, episodes: Sequence[int]) -> Features:
        """What the towers make of whole episodes now; words are as the frozen ones read them.

        Args:
            episodes: Numbers of files of the lesson; here they are counted from 0.
        """
        known = self._lesson.features
        pictures = [picture for number in episodes
                    for picture in read_episode(self._lesson.paths[number]).decisions[0]]
        seen = self._backbone.look(pictures, self.head.wants.frame)
        each = [np.flatnonzero(known.episodes == number) for number in episodes]
        rows = np.concatenate(each)
        return Features(
            {name: part.cpu() for name, part in seen.items()}, known.commands[rows],
            np.repeat(np.arange(len(each)), [len(some) for some in each]), known.layouts[rows],
            known.steps[rows], known.texts, [known.wordings[number] for number in episodes])

    def learned(self) -> Parts:
        """What the towers learned, as `policies.tuned` stores it, on the CPU."""
        found = {}
        for name, value in self.towers.state_dict().items():
            if self._tuning == tuned.END_TO_END:
                found[name] = value
            elif f".{NAME}.weight" in name:
                found[name.replace(f".{NAME}.weight", "")] = value
        return {name: value.detach().cpu().clone().contiguous() for name, value in found.items()}

    def recompute(self) -> None:
        """Keep layers' inputs only and compute the rest again: slower, in far less memory."""
        self._backbone.kosmos.model.vision_model.gradient_checkpointing_enable(
            {"use_reentrant": False})
        if self._backbone.clip is not None:
            self._backbone.clip.model.visual.set_grad_checkpointing()
