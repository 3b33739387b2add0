"""Weight files of anybody: safetensors, and torch's own, opened without running what is in them.

`look` reads names and shapes and leaves the numbers on the disk; `read` takes the numbers too.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from policies.memory import in_words, require
from policies.torch_file import first_line, is_torch, open_torch, state_of, words

MOST_TENSORS, MOST_NAME = 100_000, 300
SAFETENSORS_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
                      "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8",
                      "BOOL": "bool"}


@dataclass(frozen=True)
class Entry:
    """One tensor of a file."""

    shape: tuple[int, ...] | None  # None: a lazily built layer that never was
    dtype: str
    stored_bytes: int  # 0 where the numbers are another entry's too

    @property
    def numbers(self) -> int:
        """How many numbers it has."""
        return math.prod((0,) if self.shape is None else self.shape)


@dataclass(frozen=True)
class WeightFile:
    """What stands in a file."""

    path: Path
    kind: str  # safetensors or torch
    entries: dict[str, Entry]
    beside: dict[str, str] = field(default_factory=dict)  # what else it holds, in words
    where: str = ""  # the name under which the weights stand

    @property
    def numbers(self) -> int:
        """All numbers; what two names share counts once."""
        return sum(entry.numbers for entry in self.entries.values() if entry.stored_bytes)


def look(path: Path) -> WeightFile:
    """Names, shapes and types in a file.

    Raises:
        ValueError: one sentence: it is missing, damaged, hostile or holds no named tensors.
    """
    if is_torch(path):
        content = open_torch(path)
        state, where = state_of(path, content)
        return WeightFile(path, "torch", _entries(path, state), _beside(content, where), where)
    with _open_safetensors(path) as file:
        entries = {}
        for name in _names(path, file.keys()):
            part = file.get_slice(name)
            shape = tuple(part.get_shape())
            dtype = SAFETENSORS_DTYPES.get(part.get_dtype(), part.get_dtype())
            entries[name] = Entry(shape, dtype, math.prod(shape) * _item_bytes(part.get_dtype()))
        beside = {name: words(value) for name, value in (file.metadata() or {}).items()}
    return WeightFile(path, "safetensors", entries, beside)


def read(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a file by name, on the CPU; refused before reading if there is no room.

    Raises:
        ValueError: as in `look`; or where layers were never built, or memory is too small.
    """
    found = look(path)
    require(sum(entry.stored_bytes for entry in found.entries.values()), str(path))
    never = [name for name, entry in found.entries.items() if entry.shape is None]
    if never:
        raise ValueError(f"{path}: {never[0]} was built lazily and never had a shape "
                         f"({len(never)} such); there are no weights to load.")
    if found.kind == "torch":
        state, _ = state_of(path, open_torch(path))
        return {name: value.detach() for name, value in state.items()
                if isinstance(value, torch.Tensor)}
    with _open_safetensors(path) as file:
        return {name: file.get_tensor(name) for name in found.entries}


def _entries(path: Path, state: Mapping[Any, Any]) -> dict[str, Entry]:
    """Shapes and bytes; numbers that several names share count once, for the first."""
    entries, seen = {}, set()
    for name in _names(path, state):
        value = state[name]
        if isinstance(value, UninitializedParameter | UninitializedBuffer):
            entries[name] = Entry(None, "none", 0)
        elif isinstance(value, torch.Tensor):
            if value.layout != torch.strided or value.is_quantized:
                raise ValueError(f"{path}: {name} is no plain tensor ({value.layout}); expected "
                                 f"weights as a training stores them.")
            identity = (value.data_ptr(), value.numel())
            stored = 0 if identity in seen else value.numel() * value.element_size()
            seen.add(identity)
            entries[name] = Entry(tuple(value.shape), str(value.dtype).removeprefix("torch."),
                                  stored)
    if sum(entry.stored_bytes for entry in entries.values()) > path.stat().st_size:
        raise ValueError(f"{path}: its tensors claim more numbers than the file holds.")
    return entries


def _names(path: Path, names: Iterable[Any]) -> list[str]:
    """Names of tensors, refused where no training ever gave such."""
    found = list(names)
    if len(found) > MOST_TENSORS:
        raise ValueError(f"{path}: has {len(found)} tensors; no model here has {MOST_TENSORS}.")
    for name in found:
        if not isinstance(name, str) or len(name) > MOST_NAME or not name.isprintable():
            raise ValueError(f"{path}: {words(name)} is no name of a tensor.")
    return found


def _beside(content: Mapping[Any, Any], where: str) -> dict[str, str]:
    """What else stands in a torch file."""
    if not where:
        return {}
    return {words(name): _in_short(value) for name, value in content.items() if name != where}


def _in_short(value: Any) -> str:
    tensors = _tensors(value)
    if not tensors:
        return words(value)
    total = sum(tensor.numel() * tensor.element_size() for tensor in tensors)
    return f"{len(tensors)} tensors, {in_words(total)}"


def _tensors(value: Any) -> list[torch.Tensor]:
    """All tensors of nested containers, each container once: a file may nest without an end."""
    found, waiting, seen = [], [value], set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, torch.Tensor):
            found.append(each)
        elif isinstance(each, Mapping | list | tuple) and id(each) not in seen:
            seen.add(id(each))
            waiting += each.values() if isinstance(each, Mapping) else each
    return found


def _item_bytes(dtype: str) -> int:
    """Bytes of one number, by safetensors' name of its type: its digits are its bits."""
    bits = re.search(r"\d+", dtype)
    return max(1, int(bits.group()) // 8) if bits else 1


def _open_safetensors(path: Path) -> Any:
    try:
        return safe_open(path, framework="pt")
    except SafetensorError as error:
        raise ValueError(f"{path}: is neither a torch file nor a sound safetensors file "
                         f"({first_line(error)}).") from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror or error}).") from error
