"""Hostile episode files: `python -m episodes.trial corruption --count 100000`.

Four kinds are damaged by chance: our own sealed files, as zstd, gzip and JPEG; sealed files whose
seal was made anew after the damage, as somebody with bad intentions would; and a laboratory's file
without a seal. Then those that were made by hand. Every reader of a file reads each.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from episodes import seal
from episodes.hdf5 import Episode, read_episode, read_told
from episodes.hdf5_writer import write_episode
from episodes.storing import STORAGES
from episodes.trial.bombs import BOMBS, SECRET, laboratory
from episodes.trial.made import made_up
from episodes.trial.mutations import mutated
from episodes.trial.watched import Case, summed, watched
from episodes.truths import read_truth

MOST_MB = 256.0
BROKEN = 1  # the exit code
NAME = "episode_20250815_090353_1box_vert_left_core_medium.h5"
SHARES = {"sealed as zstd": 0.2, "sealed as gzip": 0.1, "sealed as jpeg": 0.1,
          "sealed anew": 0.4, "laboratory's, no seal": 0.2}
UNSEEN = ("sealed as zstd", "sealed as gzip", "sealed as jpeg")  # where no change may pass
COLUMNS = ("refused", "unchanged", "changed", "no sentence", "outside", "crashed", "hung")


@dataclass(frozen=True)
class Options:
    """Read damaged and hand-made files in a process that is watched."""

    count: int = 100_000
    """How many damaged files, of all kinds together."""
    seed: int = 0
    """Of the damages."""


@dataclass(frozen=True)
class Target:
    """A sound file, and how a damaged copy of it is made."""

    kind: str
    content: bytes
    episode: Episode
    damage: Callable[[np.random.Generator], bytes]


def targets(folder: Path) -> list[Target]:
    """One sound file of each kind."""
    path, found = folder / NAME, []
    for storage in STORAGES:
        write_episode(path, made_up(0), storage=storage)
        found.append(_target(f"sealed as {storage}", path))
    write_episode(path, made_up(0))
    whole = path.read_bytes()
    found.append(Target("sealed anew", whole, read_episode(path),
                        lambda rng: _sealed_anew(whole, rng)))
    laboratory(path)
    return [*found, _target("laboratory's, no seal", path)]


def _target(kind: str, path: Path) -> Target:
    whole = path.read_bytes()
    return Target(kind, whole, read_episode(path), lambda rng: mutated(whole, rng))


def _sealed_anew(whole: bytes, rng: np.random.Generator) -> bytes:
    """Damage behind the header, and a header that says it is so."""
    start = whole.index(seal.SIGNATURE)
    damaged = bytearray(whole[:start] + mutated(whole[start:], rng))
    with memoryview(damaged) as content:
        seal.seal(content, {"frames": 18})
    return bytes(damaged)


def judged(path: Path, sound: Episode | None) -> str:
    """What all readers make of a file: one word of COLUMNS. Any error but ours is let through.

    A sound episode, where there is one, says whether what was accepted is what had been written.
    """
    for reader in (read_truth, lambda path: read_told(path)[1].read(path, [0])):
        with contextlib.suppress(ValueError):
            reader(path)
    try:
        episode = read_episode(path)
    except ValueError as error:
        text = str(error)
        return "refused" if text.startswith(str(path)) and "\n" not in text else "no sentence"
    if SECRET in episode.images.tobytes() or SECRET.decode() in str(episode.instruction):
        return "outside"
    return "unchanged" if sound is not None and _same(episode, sound) else "changed"


def _same(episode: Episode, sound: Episode) -> bool:
    """Whether two episodes hold the same, but for their files' names."""
    pairs = [(getattr(episode, each.name), getattr(sound, each.name)) for each in fields(sound)
             if each.name != "path"]
    return all(np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other
               for one, other in pairs)


def damaged_files(options: Options, folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each kind, and what became of its damaged copies."""
    for target in targets(folder):
        numbers = range(max(1, round(options.count * SHARES[target.kind])))

        def work(number: int, target: Target = target) -> str:
            rng = np.random.default_rng([options.seed, list(SHARES).index(target.kind), number])
            content = target.damage(rng)
            path = folder / NAME
            path.write_bytes(content)
            return "unchanged" if content == target.content else judged(path, target.episode)

        yield target.kind, summed(watched(work, numbers))


def hand_made(folder: Path) -> list[tuple[str, Case]]:
    """Every hostile file that was made by hand, and what became of it."""
    names = list(BOMBS)

    def work(number: int) -> str:
        place = folder / str(number)
        place.mkdir()
        path = place / NAME
        BOMBS[names[number]](path)
        return judged(path, None)

    cases = watched(work, range(len(names)))
    return [(names[case.number], case) for case in cases]


def main(options: Options) -> None:
    """Print both tables and leave with 0 only where every promise was kept."""
    kept = True
    print(f"| files | cases | {' | '.join(COLUMNS)} | longest, s | most memory, MB |")
    print(f"|---|---{'|---' * len(COLUMNS)}|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for kind, found in damaged_files(options, Path(folder)):
            results = found["results"]
            print(f"| {kind} | {found['cases']:,} | "
                  + " | ".join(f"{results.get(name, 0):,}" for name in COLUMNS)
                  + f" | {found['seconds']:.2f} | {found['megabytes']:.0f} |", flush=True)
            bad = [name for name in results if name not in ("refused", "unchanged", "changed")]
            silent = kind in UNSEEN and "changed" in results
            kept &= not bad and not silent and found["megabytes"] <= MOST_MB
    print("\n| made by hand | what became of it | s | MB |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, case in hand_made(Path(folder)):
            print(f"| {name} | {case.result} | {case.seconds:.2f} | {case.megabytes:.0f} |")
            kept &= case.result == "refused" and case.megabytes <= MOST_MB
    sys.exit(0 if kept else BROKEN)
