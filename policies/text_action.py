"""The VLM says where things are, a parser turns its words into an action: no head is trained.

The original prompts Kosmos-2, matches keywords in what it answers or turns towards the first box it
names, and forgets everything at once. Here the shipped tower completes `<grounding>` on the picture
in its own words ("the red cup ... 24 ahead 3 left"), what was said is remembered and moved along
with the robot, and the way leads round every box on the side that the instruction names. An answer
without places is read by the keyword parser, as the original does.
"""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from envs.interface import Observation, full_command
from policies.checkpoint import CONFIG_FILE, SHIPPED, read_config, tower_source
from policies.devices import find_device, find_dtype
from policies.interface import Action, Policy, PolicySpec
from policies.kosmos import PUBLISHED, Kosmos
from policies.pixels import pixels
from policies.prompts import Goal, prompt
from policies.robot_action import FULL_LINEAR, ActionType, RobotAction, to_command
from policies.scene_words import Sighting, View, sightings
from policies.sizes import SIZES, sizes
from policies.surroundings import Surroundings
from policies.text_parser import KEPT_CHARACTERS, named_side, parse_text
from policies.weights import folder_hash

MOST_TOKENS = 64  # of an answer: three things with their places need 38
DECISION_S = 0.4  # how long a command is held: the checkpoints' control rate
SEEN_CONFIDENCE = 0.8  # the laboratory's, of an answer with places
FADING = 0.9  # a decision without one: after ten the robot stands still
TOWER = SHIPPED / "towers" / "kosmos2"


@dataclass
class TextMemory:
    """One episode: the side, what the instruction asks for, and what the VLM told of."""

    side: str | None
    told: RobotAction  # the instruction, read by the keyword parser
    around: Surroundings = field(default_factory=Surroundings)
    confidence: float = 0.0
    has_started: bool = False
    words: str = ""  # the VLM's last answer

    def __deepcopy__(self, memo: dict[int, object]) -> TextMemory:
        """Only what changes is copied."""
        return TextMemory(self.side, self.told, copy.deepcopy(self.around, memo), self.confidence,
                          self.has_started, self.words)


class TextAction(Policy):
    """`--policy text_action`."""

    def __init__(self, size: str | None = None, checkpoint: str | Path | None = None,
                 device: str = "cpu", random_weights: bool = False, name: str = "text_action",
                 dtype: str = "fp32", view: View | None = None) -> None:
        """The shipped tower at size mini, the published Kosmos-2 at size full.

        Args:
            size: mini or full.
            checkpoint: A Kosmos-2 folder, a checkpoint folder of any policy, whose tower is taken,
                or a published name.
            device: cpu or cuda.
            random_weights: Load nothing.
            name: The registered name.
            dtype: What Kosmos-2 computes in: fp32, bf16 or fp16.
            view: How pictures are taken, for a tower that says no distances.

        Raises:
            ValueError: if weights cannot be had or do not fit, or there is no such device.
        """
        self.device, self.view = find_device(device), view or View()
        source, numbers = _source(size or "mini", checkpoint), find_dtype(dtype)
        if random_weights:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                self.kosmos = Kosmos.random(sizes(size or "mini"), Kosmos.tokenizer(TOWER))
        else:
            self.kosmos = Kosmos.from_pretrained(source, numbers)
        self.kosmos.model.to(self.device, numbers).eval().requires_grad_(False)
        self._image_size = self.kosmos.model.config.vision_config.image_size
        self._asked = self._tokens(prompt(Goal.DESCRIBE_SCENE))
        folder = Path(source)
        self.spec = PolicySpec(
            name=name, image_size=(self._image_size,) * 2, size=_size(self.kosmos, size),
            weights="random" if random_weights else "trained",
            weights_hash=folder_hash(folder) if folder.is_dir() and not random_weights else None,
            trained_on=None if random_weights else "captions, with its tower; no head is trained",
        )

    def begin(self, instruction: str, seed: int) -> TextMemory:
        """The instruction's side, and what it asks for while nothing is seen."""
        told = parse_text(instruction)
        return TextMemory(named_side(instruction), told, confidence=told.confidence)

    def act(self, memories: Sequence[TextMemory],
            observations: Sequence[Observation]) -> list[Action]:
        """Each picture is described on its own, so that no row depends on the others."""
        return [self._decide(memory, observation)
                for memory, observation in zip(memories, observations)]

    def describe(self, rgb: np.ndarray) -> str:
        """What the VLM says of a picture [H, W, 3] uint8 RGB: greedy, at most `MOST_TOKENS`."""
        ids, slots = self._asked
        tokenizer = self.kosmos.processor.tokenizer
        values = pixels([rgb], self._image_size, self.device).to(self.kosmos.model.dtype)
        with torch.inference_mode():
            said = self.kosmos.model.generate(
                pixel_values=values, input_ids=ids, image_embeds_position_mask=slots,
                attention_mask=torch.ones_like(ids), do_sample=False, num_beams=1,
                max_new_tokens=MOST_TOKENS, pad_token_id=tokenizer.pad_token_id,
                eos_token_id=tokenizer.eos_token_id,
            )
        return tokenizer.decode(said[0, ids.shape[1]:]).replace(tokenizer.eos_token, "").strip()

    def _decide(self, memory: TextMemory, observation: Observation) -> Action:
        """Look, remember, steer."""
        if memory.has_started:
            memory.around.move(observation["velocity"], DECISION_S)
        memory.has_started, memory.words = True, self.describe(observation["rgb"])
        seen = sightings(memory.words, self.view)
        memory.around.see(seen)
        action = robot_action(memory, seen)
        memory.confidence = action.confidence
        return Action(_command(action), stop=action.type is ActionType.STOP,
                      confidence=action.confidence)

    def _tokens(self, words: str) -> tuple[torch.Tensor, torch.Tensor]:
        """`<s><image>` latents `</image>` words: tokens [1, L], and where latents go in [1, L]."""
        count = self.kosmos.model.config.latent_query_num
        text = "<s><image>" + "<image>" * count + "</image>" + words
        ids = self.kosmos.processor.tokenizer(text, add_special_tokens=False,
                                              return_tensors="pt")["input_ids"]
        slots = torch.zeros_like(ids)
        slots[:, 2:2 + count] = 1
        return ids.to(self.device), slots.to(self.device)


def robot_action(memory: TextMemory, seen: Sequence[Sighting]) -> RobotAction:
    """What to do with what is known, in the laboratory's terms and units.

    Args:
        memory: With this picture's words and sightings taken in.
        seen: This picture's sightings; without any, confidence fades.
    """
    around, words = memory.around, memory.words[:KEPT_CHARACTERS]
    confidence = SEEN_CONFIDENCE if seen else FADING * memory.confidence
    if not seen and around.cup is None and not around.boxes:
        spoken = parse_text(memory.words)  # free words: what the original hoped for
        if spoken.type is not ActionType.UNKNOWN:
            return spoken
    if around.has_arrived:
        return RobotAction(ActionType.STOP, 0.0, target_object="cup", confidence=confidence,
                           description=words)
    memory.side = memory.side or (around.shorter_side() if around.boxes else None)
    heading = around.heading(memory.side or "left")
    x, y = (float(value) for value in full_command(_direction(heading))[:2])
    share = FULL_LINEAR / max(abs(x), abs(y))
    kind = ActionType.AVOID if around.boxes else ActionType.NAVIGATE
    return RobotAction(kind, x * share, y * share, target_object="cup" if around.cup else None,
                       confidence=confidence, description=words)


def _direction(bearing_rad: float) -> np.ndarray:
    return np.array([math.cos(bearing_rad), math.sin(bearing_rad)])


def _command(action: RobotAction) -> np.ndarray:
    """A plan of one row [1, 3]."""
    return to_command(action)[None]


def _source(size: str, checkpoint: str | Path | None) -> str | Path:
    """Where the tower's weights lie."""
    if checkpoint is None:
        return TOWER if sizes(size) == sizes("mini") else PUBLISHED
    folder = Path(checkpoint)
    if not (folder / CONFIG_FILE).is_file() or _is_tower(folder / CONFIG_FILE):
        return checkpoint
    return tower_source(folder, read_config(folder)["towers"]["kosmos2"])


def _size(kosmos: Kosmos, wanted: str | None) -> str | None:
    """The size of a tower, if it is one of ours.

    Raises:
        ValueError: if another was wanted.
    """
    found = next((name for name in SIZES if sizes(name).kosmos_text_width == kosmos.text_width),
                 None)
    if wanted not in (None, found):
        raise ValueError(f"The tower is {kosmos.text_width} wide, which is not size {wanted} "
                         f"({sizes(wanted).kosmos_text_width}); leave --size away.")
    return found


def _is_tower(path: Path) -> bool:
    """Whether a configuration is transformers' own."""
    try:
        return "model_type" in json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is not valid JSON ({error}).") from error
