"""Whether there is room, asked before anything is loaded: needs so much, has so much.

A machine without room does not answer with an error: it kills. So every loader of something large
asks here first.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable
from pathlib import Path

GIB = 2**30
ITEM_BYTES = {"fp32": 4, "bf16": 2, "fp16": 2}
ROOM = 0.10  # kept free for activations and the process itself, a share of what is loaded
LEAST_ROOM_BYTES = GIB // 4
CGROUPS = (  # limit and use of a container: version 2, version 1
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def load_bytes(parameters: int, dtype: str = "fp32", file_bytes: int = 0) -> int:
    """Bytes needed at the worst moment of loading: model, file in memory, and some room.

    Args:
        parameters: Of the model.
        dtype: What it computes in: fp32, bf16 or fp16.
        file_bytes: Of weights that stand in memory beside the model while they are copied.

    Raises:
        ValueError: for another dtype.
    """
    if dtype not in ITEM_BYTES:
        raise ValueError(f"dtype must be one of {', '.join(ITEM_BYTES)}, got {dtype!r}.")
    loaded = parameters * ITEM_BYTES[dtype] + file_bytes
    return loaded + max(int(ROOM * loaded), LEAST_ROOM_BYTES)


def folder_bytes(folder: Path) -> int:
    """Bytes of all weight files below a folder, or of the file itself."""
    paths = folder.rglob("*.safetensors") if folder.is_dir() else [folder]
    return sum(path.stat().st_size for path in paths)


def free_bytes(device: str = "cpu") -> int | None:
    """Bytes that can be had on a device now; None where the system does not say.

    On a machine whose GPU shares the host's memory (Jetson) both numbers are of the same memory.
    """
    if device.startswith("cuda"):
        import torch

        return torch.cuda.mem_get_info(device)[0]
    known = [each for each in (_system_free(), *map(_cgroup_free, CGROUPS)) if each is not None]
    return min(known, default=None)


def used_bytes(device: str = "cpu") -> dict[str, int]:
    """What this process holds now and held at most, by name; a GPU's beside it where one is used.

    `resident` and `most resident` are main memory; `allocated` and `reserved` are tensors on the
    device and what torch keeps for them.
    """
    status = dict(line.split(":", 1) for line in _read("/proc/self/status").splitlines()
                  if ":" in line)
    found = {name: int(status[key].split()[0]) * 1024
             for name, key in (("resident", "VmRSS"), ("most resident", "VmHWM"))
             if key in status}
    if device.startswith("cuda"):
        import torch

        found |= {"allocated": torch.cuda.memory_allocated(device),
                  "most allocated": torch.cuda.max_memory_allocated(device),
                  "reserved": torch.cuda.memory_reserved(device),
                  "most reserved": torch.cuda.max_memory_reserved(device)}
    return found


def clear(device: str = "cpu") -> int:
    """Collect what nobody holds any more, also on a GPU; returns the bytes of main memory freed."""
    before = used_bytes().get("resident", 0)
    gc.collect()
    if device.startswith("cuda"):
        import torch

        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    return max(0, before - used_bytes().get("resident", 0))


def require(needed_bytes: int, what: str, device: str = "cpu") -> None:
    """Do nothing if there is room, or if nobody can tell.

    Raises:
        ValueError: one sentence: what needs how much, how much there is, and what helps.
    """
    free = free_bytes(device)
    if free is not None and needed_bytes > free:
        raise ValueError(f"{what} needs about {in_words(needed_bytes)} of memory on {device}, of "
                         f"which {in_words(free)} are free: use --size mini or half precision "
                         f"(--dtype bf16 or fp16), close other programs, or take a larger machine.")


def in_words(count: int) -> str:
    """Bytes for people: `6.8 GiB`, `12.0 MiB`, `300 bytes`."""
    for name, size in (("GiB", GIB), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {name}"
    return f"{count} bytes"


def _system_free() -> int | None:
    """What the kernel could give without swapping."""
    lines = _read("/proc/meminfo").splitlines()
    named = [line for line in lines if line.startswith("MemAvailable:")]
    if named:
        return int(named[0].split()[1]) * 1024
    if "SC_AVPHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _cgroup_free(paths: Iterable[str]) -> int | None:
    """What a container's limit leaves; None without a limit."""
    limit, used = (_read(path).strip() for path in paths)
    if not (limit.isdigit() and used.isdigit()):
        return None
    return max(0, int(limit) - int(used))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""
