"""Whether towers fit into memory, asked of their files' headers before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from policies.devices import name_of
from policies.memory import load_bytes, require
from policies.weight_file import look

PARAMETERS = {  # of the published towers, which are asked about before they are downloaded
    "microsoft/kosmos-2-patch14-224": 1_664_485_376,
    "ViT-B-32-quickgelu/openai": 151_277_313,
}


def ask_for_room(sources: Mapping[str, str | Path], dtype: torch.dtype) -> None:
    """Do nothing if these towers fit into main memory together, or if nobody can tell.

    Args:
        sources: What each tower is called and where it comes from, a folder or a published name.
        dtype: What they compute in.

    Raises:
        ValueError: one sentence: what is needed, what is free, what helps.
    """
    numbers = sum(count(source) for source in sources.values())
    said = " and ".join(f"{name} from {source}" for name, source in sources.items())
    require(load_bytes(numbers, name_of(dtype)), said)


def ask_for_device_room(modules: list[torch.nn.Module], device: torch.device) -> None:
    """The same for modules that are to be moved to a device of its own memory."""
    if device.type == "cpu":
        return
    needed = sum(each.numel() * each.element_size()
                 for module in modules for each in module.parameters() if each.device != device)
    require(needed, "The towers", str(device))


def count(source: str | Path) -> int:
    """How many numbers a tower has; 0 where that is not known without downloading it."""
    folder = Path(source)
    if not folder.is_dir():
        return PARAMETERS.get(str(source), 0)
    return sum(look(path).numbers for path in folder.glob("*.safetensors"))
