"""What is installed here, in a few words that two machines can compare."""

from __future__ import annotations

import functools
import hashlib
import platform
from importlib import metadata
from pathlib import Path

ROOMS = ("scenarios", "envs", "policies", "episodes")  # what a worker runs
KINDS = (".py", ".toml", ".json", ".safetensors", ".png")
PACKAGES = ("numpy", "numba", "pybullet", "gymnasium", "h5py", "torch", "transformers",
            "open_clip_torch")


@functools.cache
def installation() -> dict[str, str]:
    """What can move a number: our code, profiles and weights as one hash, Python, packages."""
    found = {"mobile-vla-bench": _code(), "python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "missing"
    return found


def differences(ours: dict[str, str], theirs: dict[str, str]) -> str:
    """Where another machine's installation is not ours, in words; empty where it is the same."""
    return ", ".join(f"{name} {theirs.get(name)} (here {version})"
                     for name, version in ours.items() if theirs.get(name) != version)


def _code() -> str:
    """Version and a hash of all files of ours that a worker may read."""
    root, hashed = Path(__file__).parent.parent, hashlib.sha256()
    for path in sorted(each for room in ROOMS for each in (root / room).rglob("*")
                       if each.suffix in KINDS):
        hashed.update(path.relative_to(root).as_posix().encode() + b"\0")
        hashed.update(hashlib.sha256(path.read_bytes()).digest())
    try:
        version = metadata.version("mobile-vla-bench")
    except metadata.PackageNotFoundError:
        version = "not installed"
    return f"{version} {hashed.hexdigest()[:12]}"
