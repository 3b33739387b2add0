"""Weight files: safetensors only, loaded strictly, with a readable list of what does not fit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

SHOWN = 5  # keys named in a sentence; the others are counted


def read_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file.

    Raises:
        ValueError: if the file is missing or damaged.
    """
    try:
        return load_file(path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except SafetensorError as error:
        raise ValueError(f"{path}: is no sound safetensors file ({error}).") from error


def load_strictly(module: torch.nn.Module, tensors: Mapping[str, torch.Tensor], where: str) -> None:
    """Load every key into its own place, converted to the module's dtype.

    Raises:
        ValueError: listing missing and unexpected keys and wrong shapes; nothing is loaded then.
    """
    check_fit(module.state_dict(), tensors, where)
    module.load_state_dict(dict(tensors), strict=True)


def load_file_strictly(module: torch.nn.Module, path: Path) -> None:
    """Load a safetensors file tensor by tensor: no second copy of the weights stands in memory.

    Raises:
        ValueError: if the file is missing or damaged, or its tensors do not fit by name and shape;
            nothing is loaded then.
    """
    wanted = module.state_dict()
    try:
        with safe_open(path, framework="pt") as file:
            shapes = {name: torch.empty(file.get_slice(name).get_shape(), device="meta")
                      for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            check_fit(wanted, shapes, str(path))
            with torch.no_grad():
                for name, place in wanted.items():
                    place.copy_(file.get_tensor(name))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except SafetensorError as error:
        raise ValueError(f"{path}: is no sound safetensors file ({error}).") from error


def check_fit(wanted: Mapping[str, torch.Tensor], tensors: Mapping[str, torch.Tensor],
              where: str) -> None:
    """Refuse tensors whose names or shapes are not the wanted ones.

    Raises:
        ValueError: listing missing and unexpected keys and wrong shapes.
    """
    missing = [key for key in wanted if key not in tensors]
    unexpected = [key for key in tensors if key not in wanted]
    shapes = [f"{key} (file {list(tensors[key].shape)}, model {list(wanted[key].shape)})"
              for key in wanted if key in tensors and tensors[key].shape != wanted[key].shape]
    said = [f"{kind}: {_some(keys)}" for kind, keys in
            (("missing", missing), ("unexpected", unexpected), ("wrong shape", shapes)) if keys]
    if said:
        raise ValueError(f"{where}: the weights do not fit the model. {'. '.join(said)}.")


def joint_hash(paths: Sequence[Path], *others: str) -> str:
    """16 hex digits of weight files together with other identities."""
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in paths))
    for other in others:
        digest.update(other.encode())
    return digest.hexdigest()[:16]


def folder_hash(folder: Path) -> str:
    """The first 16 hex digits of the sha256 over all weight files of a folder, in name order."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.relative_to(folder).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _some(keys: list[str]) -> str:
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return ", ".join(keys[:SHOWN]) + more
