"""Checkpoint folders: `config.json`, `head.safetensors` and the towers, self-contained.

A folder says everything a user of it needs: sizes, window, units, colour order, control rate,
instruction template. The class comes from the registry by name, never from the folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FORMAT = 1
CONFIG_FILE = "config.json"
HEAD_FILE = "head.safetensors"
NEEDED = {"policy": str, "size": str, "weights": str, "trained_on": str, "towers": dict}
TOWERS = ({"kosmos2", "clip"}, {"kosmos2"})
SHIPPED = Path(__file__).parent / "checkpoints"


def read_config(folder: Path) -> dict[str, Any]:
    """The checkpoint's configuration.

    Raises:
        ValueError: if the folder is no checkpoint of this project, or of another format.
    """
    path = folder / CONFIG_FILE
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"{folder}: no checkpoint, {CONFIG_FILE} cannot be read ({error.strerror}). "
            f"Expected a folder written by save_pretrained."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: is not valid JSON ({error}).") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise ValueError(f"{path}: expected a checkpoint of format {FORMAT}, "
                         f"got {config.get('format') if isinstance(config, dict) else config!r}.")
    for name, kind in NEEDED.items():
        if not isinstance(config.get(name), kind):
            raise ValueError(f"{path}: {name} must be a {kind.__name__}, got {config.get(name)!r}.")
    if set(config["towers"]) not in TOWERS:
        raise ValueError(f"{path}: towers must be kosmos2, or clip and kosmos2, "
                         f"got {', '.join(config['towers']) or 'none'}.")
    return config


def write_config(folder: Path, config: dict[str, Any]) -> None:
    """Store a configuration; the folder is made if needed."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"format": FORMAT} | config, indent=2, ensure_ascii=False)
    (folder / CONFIG_FILE).write_text(text + "\n", encoding="utf-8")


def tower_source(folder: Path, name: str) -> str:
    """A tower's place: a folder relative to the checkpoint, or a published name as it stands."""
    inside = folder / name
    return str(inside) if inside.is_dir() else name


def check_widths(trained: dict[str, int], given: dict[str, int], folder: Path) -> None:
    """Refuse towers that are not as wide as those that the head was trained behind.

    Raises:
        ValueError: naming every feature whose width differs.
    """
    wrong = [f"{name} {width}, got {given.get(name)}" for name, width in trained.items()
             if given.get(name) != width]
    if wrong:
        raise ValueError(f"{folder}: its head was trained behind features of other widths: "
                         f"expected {'; '.join(wrong)}. Give it the towers it was trained with.")
