"""open_clip's CLIP, frozen: picture features before projection, text features after it."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import open_clip
import torch
from safetensors.torch import save_file

from policies.devices import making
from policies.layers import CLIP_SHARE, kept, same_weights
from policies.picture import CLIP_MEAN, CLIP_STD
from policies.sizes import Sizes
from policies.weights import load_file_strictly

PUBLISHED = "ViT-B-32-quickgelu/openai"  # the activation that these weights were trained with
CONFIG_FILE = "open_clip_config.json"  # open_clip's own file names
WEIGHTS_FILE = "open_clip_model.safetensors"


class Clip:
    """A CLIP model, its tokenizer, and the two features that policies use."""

    def __init__(self, model: open_clip.CLIP, model_config: dict[str, Any]) -> None:
        """A model and the open_clip configuration that it was built from."""
        self.model = model.eval()
        self.config = model_config
        self._tokenizer = open_clip.SimpleTokenizer(
            context_length=model_config["text_cfg"]["context_length"]
        )

    @classmethod
    def random(cls, sizes: Sizes) -> Clip:
        """Untrained weights of a size, for training, benchmarks and tests."""
        model_config = config(sizes)
        return cls(open_clip.CLIP(**model_config), model_config)

    @classmethod
    def from_pretrained(cls, source: str | Path, dtype: torch.dtype = torch.float32) -> Clip:
        """Weights from a local folder, or `NAME/TAG` from where open_clip downloads them.

        Raises:
            ValueError: if they cannot be had, or keys are missing or unexpected.
        """
        folder = Path(source)
        if (folder / CONFIG_FILE).is_file():
            model_config = _read_config(folder / CONFIG_FILE)
            with making(dtype):
                model = open_clip.CLIP(**model_config)
            load_file_strictly(model, folder / WEIGHTS_FILE)
            return cls(model, model_config)
        name, _, tag = str(source).partition("/")
        try:
            model = open_clip.create_model(name, pretrained=tag, force_quick_gelu=tag == "openai")
        except (OSError, RuntimeError) as error:
            raise ValueError(
                f"CLIP weights {str(source)!r} cannot be had: {str(error).splitlines()[0]} Give a "
                f"folder with {CONFIG_FILE} and {WEIGHTS_FILE}, or run once where they can be had."
            ) from error
        return cls(model.to(dtype), open_clip.get_model_config(name))

    def save_pretrained(self, folder: Path) -> None:
        """open_clip's configuration and safetensors; its tokenizer comes with the package."""
        folder.mkdir(parents=True, exist_ok=True)
        about = {"model_cfg": self.config, "preprocess_cfg": {"mean": CLIP_MEAN, "std": CLIP_STD}}
        (folder / CONFIG_FILE).write_text(json.dumps(about, indent=2), encoding="utf-8")
        tensors = {name: value.contiguous() for name, value in self.model.state_dict().items()}
        save_file(tensors, folder / WEIGHTS_FILE)

    def reduced(self) -> Clip:
        """The same with the first half of both towers' layers, at least one."""
        fewer = Clip(same_weights(self.model), copy.deepcopy(self.config))
        for tower, name in ((fewer.model.visual.transformer, "vision_cfg"),
                            (fewer.model.transformer, "text_cfg")):
            fewer.config[name]["layers"] = kept(fewer.config[name]["layers"], CLIP_SHARE)
            del tower.resblocks[fewer.config[name]["layers"]:]
        return fewer

    @property
    def vision_width(self) -> int:
        """Width of the picture features (768 at full size)."""
        return self.config["vision_cfg"]["width"]

    @property
    def text_width(self) -> int:
        """Width of the text features, which is the joint space's (512 at full size)."""
        return self.config["embed_dim"]

    def vision(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pictures [B, 3, 224, 224] to the normed class token, unprojected [B, vision_width]."""
        found = self.model.visual.forward_intermediates(
            pixels.to(self.model.visual.conv1.weight.dtype), indices=1, intermediates_only=True,
            normalize_intermediates=True, output_extra_tokens=True,
        )
        return found["image_intermediates_prefix"][-1][:, 0].float()

    def text(self, texts: Sequence[str]) -> torch.Tensor:
        """Sentences to projected text features [N, text_width], each on its own."""
        device = self.model.logit_scale.device
        rows = [self.model.encode_text(self.tokens([text]).to(device)) for text in texts]
        return torch.cat(rows).float()

    def tokens(self, texts: Sequence[str]) -> torch.Tensor:
        """Token numbers [N, 77]; what is longer is cut."""
        return self._tokenizer(list(texts))


def _read_config(path: Path) -> dict[str, Any]:
    """open_clip's model configuration of a folder, checked for what is read here.

    Raises:
        ValueError: if the file is damaged or says something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: is not valid JSON ({error}).") from error
    found = found.get("model_cfg") if isinstance(found, dict) else None
    needed = {"embed_dim", "vision_cfg", "text_cfg"}
    if not isinstance(found, dict) or not needed <= set(found):
        raise ValueError(f"{path}: expected model_cfg with {', '.join(sorted(needed))}.")
    return found


def config(sizes: Sizes) -> dict[str, Any]:
    """open_clip's model configuration at a size; the full one equals ViT-B/32's."""
    return {
        "embed_dim": sizes.clip_joint, "quick_gelu": True,
        "vision_cfg": {"image_size": sizes.image_size, "layers": sizes.clip_vision_layers,
                       "width": sizes.clip_vision_width, "head_width": sizes.clip_vision_head_width,
                       "patch_size": sizes.clip_patch},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": sizes.clip_text_width,
                     "heads": sizes.clip_text_heads, "layers": sizes.clip_text_layers},
    }
