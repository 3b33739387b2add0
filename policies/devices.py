"""Where a model computes and in which numbers: names to torch, or one sentence."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def find_device(name: str) -> torch.device:
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


def find_dtype(name: str) -> torch.dtype:
    """A torch dtype by its short name.

    Raises:
        ValueError: for another name.
    """
    if name not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {name!r}.")
    return DTYPES[name]


@contextlib.contextmanager
def making(dtype: torch.dtype) -> Iterator[None]:
    """Modules that are built meanwhile have weights of this dtype from the start."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def check_dtype(device: torch.device, name: str) -> None:
    """Refuse numbers that a device cannot compute in.

    Raises:
        ValueError: for bf16 on a GPU that is too old for it.
    """
    if name == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise ValueError(f"{torch.cuda.get_device_name(device)} has no bf16; use --dtype fp16.")


def name_of(dtype: torch.dtype) -> str:
    """The short name of a torch dtype that models compute in."""
    return next(name for name, each in DTYPES.items() if each == dtype)
