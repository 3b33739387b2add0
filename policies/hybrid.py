"""The hybrid: Kosmos-2 and CLIP, pictures and words -> fusion -> LSTM over the window -> command.

The original concatenates 4096 + 2048 + 768 + 768 numbers, which no such towers have; here the
widths are read from the towers (1024 + 2048 + 768 + 512 at full size). Its LSTM is 4 x 1024, as the
recorded checkpoint's size implies, its head 1024-512-256-2, its towers frozen. The text is encoded
once.
"""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import nn

from envs.interface import COMMAND_LIMIT, Observation
from policies.checkpoint import HEAD_FILE, SHIPPED, read_config, tower_source, write_config
from policies.clip import Clip
from policies.interface import Action, Policy, PolicySpec, clip_commands
from policies.kosmos import Kosmos
from policies.pixels import pixels
from policies.sizes import Sizes, sizes
from policies.weights import folder_hash, load_strictly, read_tensors

KEPT_TEXTS = 1000  # instructions whose features are kept
INSTRUCTION_TEMPLATE = "Navigate around the obstacle on the {side} side and reach the cup"


class HybridHead(nn.Module):
    """Everything behind the towers: the only part that is trained under the protocol."""

    def __init__(self, sizes: Sizes, width: int) -> None:
        """`width`: all features of one frame and its text together."""
        super().__init__()
        self.register_buffer("mean", torch.zeros(width))  # of the training features
        self.register_buffer("std", torch.ones(width))
        self.fusion = nn.Linear(width, sizes.fusion)
        self.lstm = nn.LSTM(sizes.fusion, sizes.lstm_width, sizes.lstm_layers, batch_first=True)
        layers: list[nn.Module] = []
        for before, after in zip((sizes.lstm_width, *sizes.head), sizes.head):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.actions = nn.Sequential(*layers, nn.Linear(sizes.head[-1], 2))
        self._keep_scale()

    def forward(self, features: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Commands [B, 2] (linear_x, linear_y; command units) from features [B, W, D].

        The first `lengths[b]` frames of a row count; the state starts at zero with the window.
        """
        fused = self.fusion((features - self.mean) / self.std)
        states, _ = self.lstm(fused)  # [B, W, lstm_width]
        last = states[torch.arange(len(states), device=states.device), lengths - 1]
        return self.actions(last) * COMMAND_LIMIT


    def _keep_scale(self) -> None:
        """He et al. 2015: at torch's own scale the ReLU layers shrink the signal: no learning."""
        for layer in self.actions:
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)


@dataclass
class HybridMemory:
    """One episode: the words, and what the towers saw in the last frames."""

    text: torch.Tensor  # [kosmos text + clip text]
    seen: deque[torch.Tensor]  # each [kosmos vision + clip vision]

    def __deepcopy__(self, _: dict[int, Any]) -> HybridMemory:
        """What was read and seen is never changed, so a copy may share it."""
        return HybridMemory(self.text, self.seen.copy())


class Hybrid(Policy):
    """`--policy hybrid`."""

    def __init__(self, size: str | None = None, checkpoint: str | Path | None = None,
                 device: str = "cpu", random_weights: bool = False, name: str = "hybrid") -> None:
        """A trained checkpoint (the shipped one, of size mini), or random weights if asked for.

        Raises:
            ValueError: if there are no weights of that size, they do not fit, or no such device.
        """
        self.name, self.device = name, _device(device)
        if random_weights:
            self._build_random(size or "mini")
        else:
            self._load(_folder(size, checkpoint, name), size)
        for part in (self.kosmos.model, self.clip.model, self.head):
            part.to(self.device).eval().requires_grad_(False)

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str = "cpu") -> Hybrid:
        """The policy stored in a checkpoint folder, at whatever size it has."""
        return cls(None, folder, device)

    @classmethod
    def untrained(cls, kosmos: str | Path, clip: str | Path, size: str, seed: int = 0) -> Hybrid:
        """Towers from folders or by their published names, with a fresh head ready for training."""
        policy = cls.__new__(cls)
        policy.name, policy.device = "hybrid", torch.device("cpu")
        towers = Kosmos.from_pretrained(kosmos), Clip.from_pretrained(clip)
        policy._assemble(*towers, sizes(size), size, seed)
        policy._sources = {"kosmos2": str(kosmos), "clip": str(clip)}
        policy.spec = policy._describe()
        return policy

    def save_pretrained(self, folder: Path, trained_on: str,
                        trained_seed: int | None = None) -> None:
        """Write a checkpoint folder, self-contained where the towers came from folders.

        Published towers stay where they are and are named.

        Args:
            folder: Made if needed.
            trained_on: What the head learned from, in words.
            trained_seed: Root of the `train` seeds, where it learned from generated episodes.
        """
        towers = {}
        for name, source in self._sources.items():
            towers[name] = source
            if Path(source).is_dir():
                towers[name] = f"towers/{name}"
                shutil.copytree(source, folder / "towers" / name, dirs_exist_ok=True)
        tensors = {name: value.contiguous() for name, value in self.head.state_dict().items()}
        save_file(tensors, folder / HEAD_FILE)
        said = {"trained_on": trained_on, "trained_seed": trained_seed, "towers": towers}
        write_config(folder, self._config() | said)

    def begin(self, instruction: str, seed: int) -> HybridMemory:
        """Both text towers read an instruction once, however many episodes have it."""
        if instruction not in self._read_before:
            if len(self._read_before) >= KEPT_TEXTS:
                self._read_before.clear()
            with torch.inference_mode():
                self._read_before[instruction] = self.read([instruction])[0]
        text = self._read_before[instruction]
        return HybridMemory(text, deque(maxlen=self.sizes.window))

    def act(self, memories: Sequence[HybridMemory],
            observations: Sequence[Observation]) -> list[Action]:
        """Both vision towers look once; the LSTM runs over each robot's own window."""
        with torch.inference_mode():
            seen = self.look([observation["rgb"] for observation in observations])
            rows = []
            for memory, row in zip(memories, seen):
                memory.seen.append(row)
                rows.append(self._window(memory))
            lengths = torch.tensor([len(memory.seen) for memory in memories], device=self.device)
            commands = self.head(torch.stack(rows), lengths).cpu().numpy()
        turning = np.zeros((len(commands), 1), np.float32)  # the recorded data never turn
        plans = clip_commands(np.concatenate([commands, turning], axis=1)).astype(np.float32)
        return [Action(plan[None]) for plan in plans]

    @property
    def towers_hash(self) -> str:
        """Identity of the frozen towers, so that cached features can be told apart."""
        return " ".join(folder_hash(Path(source)) if Path(source).is_dir() else source
                        for source in self._sources.values())

    def look(self, pictures: Sequence[np.ndarray]) -> torch.Tensor:
        """Pictures [H, W, 3] uint8 RGB to features [B, kosmos vision + clip vision]."""
        values = pixels(pictures, self.sizes.image_size, self.device)
        return torch.cat([self.kosmos.vision(values), self.clip.vision(values)], dim=1)

    def read(self, texts: Sequence[str]) -> torch.Tensor:
        """Sentences to features [N, kosmos text + clip text]."""
        return torch.cat([self.kosmos.text(texts), self.clip.text(texts)], dim=1)

    def join(self, seen: torch.Tensor, text: torch.Tensor) -> torch.Tensor:
        """Seen [..., V] and read [..., T], in the fusion's order: Kosmos both, then CLIP both."""
        seen_k, seen_c = seen.split([self.kosmos.vision_width, self.clip.vision_width], dim=-1)
        text_k, text_c = text.split([self.kosmos.text_width, self.clip.text_width], dim=-1)
        return torch.cat([seen_k, text_k, seen_c, text_c], dim=-1)

    def _window(self, memory: HybridMemory) -> torch.Tensor:
        """The memory's frames [window, D], padded with zeros after the last."""
        seen = torch.stack(list(memory.seen))
        joined = self.join(seen, memory.text.expand(len(seen), -1))
        return nn.functional.pad(joined, (0, 0, 0, self.sizes.window - len(joined)))

    def _assemble(self, kosmos: Kosmos, clip: Clip, of: Sizes, size: str, seed: int) -> None:
        self.kosmos, self.clip, self.sizes, self.size = kosmos, clip, of, size
        self._read_before: dict[str, torch.Tensor] = {}
        width = kosmos.vision_width + kosmos.text_width + clip.vision_width + clip.text_width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.head = HybridHead(of, width)

    def _build_random(self, size: str) -> None:
        """Real classes, untrained; words are read with the shipped tokenizer."""
        tokenizer = Kosmos.tokenizer(SHIPPED / "hybrid" / "towers" / "kosmos2")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            kosmos, clip = Kosmos.random(sizes(size), tokenizer), Clip.random(sizes(size))
        self._assemble(kosmos, clip, sizes(size), size, seed=0)
        self.spec = self._describe()

    def _load(self, folder: Path, size: str | None) -> None:
        config = read_config(folder)
        if size not in (None, config["size"]):
            raise ValueError(f"{folder}: is of size {config['size']!r}, got --size {size}.")
        self._sources = {name: tower_source(folder, place)
                         for name, place in config["towers"].items()}
        kosmos = Kosmos.from_pretrained(self._sources["kosmos2"])
        clip = Clip.from_pretrained(self._sources["clip"])
        self._assemble(kosmos, clip, sizes(config["size"]), config["size"], seed=0)
        load_strictly(self.head, read_tensors(folder / HEAD_FILE), str(folder / HEAD_FILE))
        self.spec = replace(
            self._describe(), weights=config["weights"], weights_hash=folder_hash(folder),
            trained_on=config["trained_on"], trained_seed=config.get("trained_seed"),
        )

    def _describe(self) -> PolicySpec:
        """What it is before anything is known of its weights."""
        return PolicySpec(name=self.name, image_size=(self.sizes.image_size,) * 2,
                          window=self.sizes.window, weights="random", size=self.size)

    def _config(self) -> dict[str, Any]:
        return {
            "policy": self.name, "size": self.size, "weights": "trained",
            "picture": {"size": self.sizes.image_size, "color_order": "RGB", "resize": "squeeze"},
            "normalisation": f"mean and std of the features, in {HEAD_FILE}",
            "window": self.sizes.window, "plan_length": 1, "decision_s": 0.4,
            "action": {"columns": ["linear_x", "linear_y"], "unit": "command",
                       "scale": COMMAND_LIMIT, "angular_z": 0.0},
            "instruction_template": INSTRUCTION_TEMPLATE,
        }


def _device(name: str) -> torch.device:
    """A torch device that is there.

    Raises:
        ValueError: for one that is not.
    """
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is unknown to torch, expected cpu or cuda.") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda': torch finds no GPU here; use --device cpu.")
    return device


def _folder(size: str | None, checkpoint: str | Path | None, name: str) -> Path:
    """Where the weights lie: the given folder, or the shipped one at size mini."""
    if checkpoint is not None:
        return Path(checkpoint)
    if sizes(size or "mini") == sizes("mini"):
        return SHIPPED / name
    raise ValueError(
        f"{name} at size full has no shipped weights: train a head on the published towers with "
        f"'python -m training.run --policy {name} --size full' and give its folder with "
        f"--checkpoint, or measure with --random-weights."
    )
