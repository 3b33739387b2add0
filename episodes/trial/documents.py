"""Damaged settings and weights: `python -m episodes.trial documents --count 100000`.

Scenarios, robots and appearances (TOML), a checkpoint's configuration (JSON) and weights
(safetensors), each damaged by chance and given to whoever reads it; then names of episodes.
"""

from __future__ import annotations

import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

import envs
import scenarios
from envs.appearance import load_profile
from episodes.names import EpisodeName
from episodes.trial.corruption import BROKEN, MOST_MB
from episodes.trial.mutations import mutated
from episodes.trial.watched import summed, watched
from policies.checkpoint import CONFIG_FILE, SHIPPED, read_config

COLUMNS = ("refused", "accepted", "no sentence", "crashed", "hung")
NESTED = {".toml": b"a = " + b"[" * 60_000, ".json": b"[" * 60_000}
SCENARIO = "2box_hori_left.toml"
PIECES = ("..", "/", "\\", "\0", "C:", "~", "$HOME", "%2e%2e", "\u202e", "a", "_", "core", "far",
          ".h5", "\n", "CON", "-", "left", "1box")  # of hostile names


@dataclass(frozen=True)
class Options:
    """Give damaged settings and weights to their readers, and hostile names to the writer."""

    count: int = 100_000
    """How many damaged files, of all kinds together, and as many tenths of names."""
    seed: int = 0
    """Of the damages."""


@dataclass(frozen=True)
class Kind:
    """A kind of file: a sound one, its name, and who reads it by its path."""

    content: bytes
    name: str
    read: Callable[[Path], Any]


def kinds() -> dict[str, Kind]:
    """Every kind of file but episodes that somebody else may have made."""
    from policies.weights import read_tensors

    room = Path(scenarios.__file__).parent
    world = Path(envs.__file__).parent
    look = (world / "appearances" / "randomised.toml").read_bytes()
    return {
        "scenario, TOML": Kind((room / SCENARIO).read_bytes(), SCENARIO,
                               lambda path: scenarios.load(str(path))),
        "robot, TOML": Kind((world / "robots" / "serbot.toml").read_bytes(), "serbot.toml",
                            lambda path: envs.load_robot(str(path))),
        "appearance, TOML": Kind(look.replace(b'"randomised"', b'"own"'), "own.toml",
                                 lambda path: load_profile(str(path))),
        "checkpoint, JSON": Kind((SHIPPED / "hybrid" / CONFIG_FILE).read_bytes(), CONFIG_FILE,
                                 lambda path: read_config(path.parent)),
        "weights, safetensors": Kind(_safetensors(), "head.safetensors", read_tensors),
    }


def _safetensors() -> bytes:
    """A small sound file of two tensors."""
    head = (b'{"a":{"dtype":"F32","shape":[8,4],"data_offsets":[0,128]},'
            b'"b":{"dtype":"F16","shape":[16],"data_offsets":[128,160]}}')
    return struct.pack("<Q", len(head)) + head + bytes(160)


def damaged_documents(options: Options, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each kind, and what became of its damaged copies; the first is nested without end."""
    for index, (name, kind) in enumerate(kinds().items()):
        path = folder / kind.name
        path.write_bytes(kind.content)
        kind.read(path)  # it is sound

        def work(number: int, kind: Kind = kind, index: int = index, path: Path = path) -> str:
            rng = np.random.default_rng([options.seed, index, number])
            nested = NESTED.get(path.suffix) if number == 0 else None
            path.write_bytes(nested or mutated(kind.content, rng))
            return _read(kind, path)

        yield name, summed(watched(work, range(max(1, options.count // 5))))


def _read(kind: Kind, path: Path) -> str:
    """One word of COLUMNS; any error but ours is let through."""
    try:
        kind.read(path)
    except ValueError as error:
        return "refused" if path.name in str(error) else "no sentence"
    return "accepted"


def hostile_names(options: Options) -> dict[str, int]:
    """Of names by chance, how many were refused, stayed in their folder, or led out of it."""
    rng = np.random.default_rng(options.seed)
    folder = Path(tempfile.gettempdir()).resolve() / "episodes"
    found = {"refused": 0, "inside": 0, "outside": 0}
    for _ in range(max(1, options.count // 10)):
        name = "".join(rng.choice(PIECES, rng.integers(1, 6)))
        try:
            path = folder / f"{EpisodeName(datetime(2026, 1, 1), name, 'core', 'far')}.h5"
        except ValueError:
            found["refused"] += 1
        else:
            found["inside" if path.resolve().parent == folder else "outside"] += 1
    return found


def main(options: Options) -> None:
    """Print the table and leave with 0 only where every promise was kept."""
    kept = True
    print(f"| files | cases | {' | '.join(COLUMNS)} | longest, s | most memory, MB |")
    print(f"|---|---{'|---' * len(COLUMNS)}|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, found in damaged_documents(options, Path(folder)):
            results = found["results"]
            print(f"| {kind} | {found['cases']:,} | "
                  + " | ".join(f"{results.get(name, 0):,}" for name in COLUMNS)
                  + f" | {found['seconds']:.2f} | {found['megabytes']:.0f} |", flush=True)
            kept &= set(results) <= {"refused", "accepted"} and found["megabytes"] <= MOST_MB
    names = hostile_names(options)
    print("\n" + ", ".join(f"{count:,} names {what}" for what, count in names.items()) + ".")
    sys.exit(0 if kept and not names["outside"] else BROKEN)
