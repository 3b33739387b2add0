"""A trained head behind frozen towers: what all models of the comparison have in common.

A model is a file of its own with a `Head` and a `Learned` that builds it; loading, saving, the
window of the last frames and the batch are the same for all.
"""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from safetensors.torch import save_file

from envs.interface import COMMAND_LIMIT, Observation
from policies import tuned
from policies.backbone import ACTION, Backbone, Parts
from policies.checkpoint import (
    HEAD_FILE,
    SHIPPED,
    check_widths,
    read_config,
    tower_source,
    write_config,
)
from policies.devices import find_device, find_dtype
from policies.head import Head
from policies.interface import Action, Policy, PolicySpec, clip_commands
from policies.kosmos import Prompt
from policies.layers import ALL
from policies.sizes import Sizes, sizes
from policies.weights import joint_hash, load_strictly, read_tensors

KEPT_TEXTS = 1000  # instructions whose features are kept
INSTRUCTION_TEMPLATE = "Navigate around the obstacle on the {side} side and reach the cup"


@dataclass
class LearnedMemory:
    """One episode: the words, and what the towers saw in the last frames."""

    text: Parts  # each [width]
    prompt: Prompt | None  # where the words are asked about pictures
    seen: deque[Parts]  # each [...]

    def __deepcopy__(self, _: dict[int, Any]) -> LearnedMemory:
        """What was read and seen is never changed, so a copy may share it."""
        return LearnedMemory(self.text, self.prompt, self.seen.copy())


class Learned(Policy):
    """Frozen towers and a head; a subclass says which head."""

    model: ClassVar[str]  # the registered name
    head_class: ClassVar[Any]  # called with sizes, widths and the structure
    with_clip: ClassVar[bool] = False

    def __init__(self, size: str | None = None, checkpoint: str | Path | None = None,
                 device: str = "cpu", random_weights: bool = False, name: str | None = None,
                 dtype: str = "fp32", tower_layers: str = ALL, tuning: str = tuned.FROZEN,
                 **structure: Any) -> None:
        """A trained checkpoint (the shipped one, of size mini), or random weights if asked for.

        Args:
            size: mini or full.
            checkpoint: Folder with the weights.
            device: cpu or cuda.
            random_weights: Load nothing.
            name: The registered name; a variant has another than its model.
            dtype: What the towers compute in: fp32, bf16 or fp16. The head keeps 32 bits.
            tower_layers: all, or reduced as `policies.layers` says.
            tuning: frozen, or how the picture towers learned too, as `policies.tuned` says.
            structure: What makes a variant: options of the head.

        Raises:
            ValueError: if there are no weights of that size, they do not fit, memory is too
                small, or there is no such device, dtype or option.
        """
        self.name, self._structure, self.tuning = name or self.model, structure, tuning
        _check_options(self.name, self.head_class, structure)
        self.device, numbers = find_device(device), find_dtype(dtype)
        if random_weights:
            towers = self._random_towers(size or "mini", numbers).with_layers(tower_layers)
            self._assemble(towers, size or "mini", seed=0)
            self.spec = self._describe()
        else:
            self._load(_folder(size, checkpoint, self.name), size, numbers, tower_layers)
        self.backbone.freeze(self.device)
        self.head.to(self.device).eval().requires_grad_(False)

    @classmethod
    def untrained(cls, backbone: Backbone, size: str, seed: int = 0, name: str | None = None,
                  tower_layers: str = ALL, tuning: str = tuned.FROZEN,
                  **structure: Any) -> Learned:
        """A fresh head, ready for training, behind towers that several policies may share."""
        policy = cls.__new__(cls)
        policy.name, policy._structure, policy.tuning = name or cls.model, structure, tuning
        policy.device = backbone.device
        policy._assemble(backbone.with_layers(tower_layers), size, seed)
        policy.spec = policy._describe()
        return policy

    def save_pretrained(self, folder: Path, trained_on: str, trained_seed: int | None = None,
                        towers: Path | None = None) -> None:
        """Write a checkpoint folder; weights are stored in 16 bits.

        Published towers stay where they are and are named.

        Args:
            folder: Made if needed.
            trained_on: What the head learned from, in words.
            trained_seed: Root of the `train` seeds, where it learned from generated episodes.
            towers: A folder with the towers that several checkpoints share, named by its relative
                path; without it the towers are copied, so that the checkpoint stands alone.
        """
        said = {}
        for name in self.towers():
            source = said[name] = self.backbone.sources[name]
            if towers is not None:
                said[name] = os.path.relpath(towers / name, folder)
            elif Path(source).is_dir():
                said[name] = f"towers/{name}"
                shutil.copytree(source, folder / "towers" / name, dirs_exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        trained = {name for name, _ in self.head.named_parameters()}
        save_file({name: (value.half() if name in trained else value).contiguous()
                   for name, value in self.head.state_dict().items()}, folder / HEAD_FILE)
        if self.tuning != tuned.FROZEN:
            save_file({name: value.half() for name, value in self.learned_by_towers.items()},
                      folder / tuned.FILE)
        write_config(folder, self._config() | {"trained_on": trained_on,
                                               "trained_seed": trained_seed, "towers": said})

    def begin(self, instruction: str, seed: int) -> LearnedMemory:
        """The text towers read an instruction once, however many episodes have it."""
        if instruction not in self._read_before:
            if len(self._read_before) >= KEPT_TEXTS:
                self._read_before.clear()
            with torch.inference_mode():
                read = self.backbone.read([instruction], self.head.wants.text)
            prompt = (self.backbone.kosmos.prompt(instruction) if self._asks else None)
            self._read_before[instruction] = {key: row[0] for key, row in read.items()}, prompt
        text, prompt = self._read_before[instruction]
        return LearnedMemory(text, prompt, deque(maxlen=self.head.wants.window))

    def act(self, memories: Sequence[LearnedMemory],
            observations: Sequence[Observation]) -> list[Action]:
        """The towers look once; the head sees each robot's own window."""
        with torch.inference_mode():
            seen = self._see(memories, observations)
            for row, memory in enumerate(memories):
                memory.seen.append({name: part[row] for name, part in seen.items()})
            lengths = torch.tensor([len(memory.seen) for memory in memories], device=self.device)
            commands = self.head.decide(self._windows(memories), lengths)  # [B, W, plan, 2]
            last = commands[torch.arange(len(memories), device=self.device), lengths - 1]
            rows = last.float().cpu().numpy()
        turning = np.zeros((*rows.shape[:2], 1), np.float32)  # the recorded data never turn
        plans = clip_commands(np.concatenate([rows, turning], axis=2)).astype(np.float32)
        return [Action(plan) for plan in plans]

    @property
    def sizes(self) -> Sizes:
        """The numbers of this policy's size."""
        return sizes(self.size)

    @classmethod
    def towers(cls) -> tuple[str, ...]:
        """Which towers it needs."""
        return ("kosmos2", "clip") if cls.with_clip else ("kosmos2",)

    @property
    def _asks(self) -> bool:
        return ACTION in self.head.wants.frame

    def _see(self, memories: Sequence[LearnedMemory],
             observations: Sequence[Observation]) -> Parts:
        """Frame parts [B, ...] of what is seen now."""
        wanted = [name for name in self.head.wants.frame if name != ACTION]
        looked = wanted + (["kosmos_latents"] if self._asks else [])
        pictures = [observation["rgb"] for observation in observations]
        seen = self.backbone.look(pictures, list(dict.fromkeys(looked)))
        if self._asks:
            prompts = [memory.prompt for memory in memories if memory.prompt is not None]
            seen[ACTION] = self.backbone.ask(seen["kosmos_latents"], prompts)
        return {name: seen[name] for name in self.head.wants.frame}

    def _windows(self, memories: Sequence[LearnedMemory]) -> Parts:
        """Frame parts [B, window, ...] with zeros after the last frame, and text parts [B, ...]."""
        parts = {}
        for name in self.head.wants.frame:
            rows = torch.zeros((len(memories), self.head.wants.window,
                                *memories[0].seen[-1][name].shape), device=self.device)
            for row, memory in enumerate(memories):
                for step, seen in enumerate(memory.seen):
                    rows[row, step] = seen[name]
            parts[name] = rows
        return parts | {name: torch.stack([memory.text[name] for memory in memories])
                        for name in self.head.wants.text}

    def _assemble(self, backbone: Backbone, size: str, seed: int) -> None:
        self.backbone, self.size = backbone, size
        self._read_before: dict[str, tuple[Parts, Prompt | None]] = {}
        self.learned_by_towers: Parts = {}  # what a checkpoint has beside head and shared towers
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head: Head = self.head_class(sizes(size), backbone.widths, **self._structure)
        tuned.check(self.tuning, self.head.wants)

    def _random_towers(self, size: str, dtype: torch.dtype) -> Backbone:
        words = tower_source(SHIPPED / "hybrid", "../towers/kosmos2")
        return Backbone.random(sizes(size), self.with_clip, Path(words), dtype)

    def _load(self, folder: Path, size: str | None, dtype: torch.dtype, layers: str) -> None:
        config = read_config(folder)
        if size not in (None, config["size"]):
            raise ValueError(f"{folder}: is of size {config['size']!r}, got --size {size}.")
        if config["policy"] != self.name:
            raise ValueError(f"{folder}: is a checkpoint of {config['policy']!r}, got --policy "
                             f"{self.name}; give the folder itself as --policy.")
        sources = {name: tower_source(folder, place) for name, place in config["towers"].items()}
        absent = [name for name in self.towers() if name not in sources]
        if absent:
            raise ValueError(f"{folder}: {self.name} needs the towers "
                             f"{' and '.join(self.towers())}, got {', '.join(sources)}.")
        sources = {name: sources[name] for name in self.towers()}
        trained = config.get("features", {})
        if trained.get("tower_layers", ALL) != layers:
            raise ValueError(f"{folder}: its head was trained behind towers with layers "
                             f"{trained.get('tower_layers', ALL)!r}, got tower_layers {layers!r}.")
        backbone = Backbone.load(sources, sizes(config["size"]).image_size, dtype)
        backbone = backbone.with_layers(layers)
        check_widths(trained.get("widths", {}), backbone.widths, folder)
        self._assemble(backbone, config["size"], seed=0)
        load_strictly(self.head, read_tensors(folder / HEAD_FILE), str(folder / HEAD_FILE))
        files = [folder / HEAD_FILE]
        if self.tuning != tuned.FROZEN:
            self.learned_by_towers = tuned.load(backbone, self.tuning, folder, self.sizes)
            files.append(folder / tuned.FILE)
        self.spec = replace(
            self._describe(), weights=config["weights"], trained_on=config["trained_on"],
            trained_seed=config.get("trained_seed"),
            weights_hash=joint_hash(files, backbone.hash),
        )

    def _describe(self) -> PolicySpec:
        """What it is before anything is known of its weights."""
        return PolicySpec(name=self.name, image_size=(self.sizes.image_size,) * 2,
                          plan_length=self.head.wants.plan, window=self.head.wants.window,
                          weights="random", size=self.size)

    def _config(self) -> dict[str, Any]:
        return {
            "policy": self.name, "size": self.size, "weights": "trained",
            "picture": {"size": self.sizes.image_size, "color_order": "RGB", "resize": "squeeze"},
            "features": {"frame": self.head.wants.frame, "text": self.head.wants.text,
                         "widths": {name: self.backbone.widths[name] for name in
                                    (*self.head.wants.frame, *self.head.wants.text)},
                         "tower_layers": self.backbone.layers, "tuning": self.tuning,
                         "normalisation": f"mean and std of each, in {HEAD_FILE}"},
            "window": self.head.wants.window, "plan_length": self.head.wants.plan,
            "decision_s": 0.4,
            "action": {"columns": ["linear_x", "linear_y"], "unit": "command",
                       "limit": COMMAND_LIMIT, "angular_z": 0.0},
            "instruction_template": INSTRUCTION_TEMPLATE,
        }


def _check_options(name: str, head_class: Any, structure: dict[str, Any]) -> None:
    """Refuse options that neither `Learned` nor the head knows."""
    takes = signature(head_class).parameters
    known = [each for each in takes if each not in ("sizes", "widths", "options")]
    known += getattr(head_class, "more_options", ())
    unknown = [option for option in structure if option not in known]
    if unknown:
        base = [each for each in signature(Learned).parameters if each != "structure"]
        raise ValueError(f"Policy {name!r} takes no {', '.join(unknown)}, expected only "
                         f"{', '.join([*base, *known])}.")


def _folder(size: str | None, checkpoint: str | Path | None, name: str) -> Path:
    """Where the weights lie: the given folder, or the shipped one at size mini."""
    if checkpoint is not None:
        return Path(checkpoint)
    size = size or "mini"
    if sizes(size) == sizes("mini") and (SHIPPED / name).is_dir():
        return SHIPPED / name
    raise ValueError(
        f"{name} at size {size} has no shipped weights: train a head with 'python -m training.run "
        f"--policy {name} --size {size}' and give its folder with --checkpoint, or measure with "
        f"--random-weights."
    )
