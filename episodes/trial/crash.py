"""Writers that are killed, and disks that fail: `python -m episodes.trial crash --kills 2000`."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from unittest import mock

import numpy as np

from episodes import seal
from episodes.check import check
from episodes.hdf5_writer import write_episode
from episodes.record import Record
from episodes.trial.made import made_up

RECORDS = 8  # different ones, made before the writers start
CALLS = ("open", "write", "fsync", "replace")  # of the system, as `episodes.atomic` uses them
ERRORS = (errno.EIO, errno.ENOSPC)
AGAIN = "episode_again.h5"  # written over and over
BROKEN = 1  # the exit code


@dataclass(frozen=True)
class Options:
    """Kill writers at random moments, and let every call of a disk fail in turn."""

    kills: int = 2000
    """How many writers are killed."""
    seed: int = 0
    """Of the moments."""


@dataclass
class Tally:
    """One row of the table."""

    what: str
    cases: int = 0
    committed: int = 0  # episodes whose writing had been reported as done
    lost: int = 0  # of them: missing, or other bytes than were sealed
    unreadable: int = 0  # any file with an episode's name that cannot be read
    leftovers: int = 0
    left_after_repair: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether the promise was kept."""
        return not (self.lost or self.unreadable or self.left_after_repair or self.notes)


def killed(folder: Path, kills: int, seed: int) -> Tally:
    """Fork writers that write one episode after the other and kill each at a random moment."""
    records = [made_up(number) for number in range(RECORDS)]
    start = time.perf_counter()
    for record in records[:3]:
        write_episode(folder / AGAIN, record)
    longest_s = time.perf_counter() - start  # of three episodes: some are killed at the first
    rng, tally = np.random.default_rng(seed), Tally("kill -9 at a random moment")
    for number in range(kills):
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            _write_until_killed(folder, number, records, writer)
        os.close(writer)
        time.sleep(rng.uniform(0, longest_s))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(reader) as told:
            lines = [line.split() for line in told.read().split("\n")[:-1]]
        tally.cases += 1
        tally.committed += len(lines)
        tally.lost += sum(not _is_there(folder / name, digest) for name, digest in lines)
        tally.lost += _sealed(folder / AGAIN) == ""
    return _judged(folder, tally)


def _write_until_killed(folder: Path, number: int, records: list[Record],
                        writer: int) -> NoReturn:
    """What a writer does: new files, and between them the same one again and again."""
    for count in itertools.count():
        record = records[count % RECORDS]
        path = write_episode(folder / f"episode_{number}_{count}.h5", record)
        os.write(writer, f"{path.name} {_sealed(path)}\n".encode())
        write_episode(folder / AGAIN, record)
    raise AssertionError("A writer without end has ended.")


def failing(folder: Path) -> list[Tally]:
    """Let every call of the system fail in turn while an episode is written over another."""
    path = write_episode(folder / "episode_there.h5", made_up(0))
    before = path.read_bytes()
    counts = _calls_of(lambda: write_episode(path, made_up(0)))
    tallies = []
    for call in CALLS:
        for number in ERRORS:
            tally = Tally(f"{errno.errorcode[number]} at {call}")
            for turn in range(counts[call]):
                _try(tally, path, before, call, turn, _raises(number))
            tallies.append(_judged(folder, tally))
    for what, act in (("a short write", _short), ("a short write, then ENOSPC", _short_then_full)):
        tally = Tally(what)
        for turn in range(counts["write"]):
            _try(tally, path, before, "write", turn, act)
        tallies.append(_judged(folder, tally))
    return tallies


def _try(tally: Tally, path: Path, before: bytes, call: str, turn: int,
         act: Callable[..., int]) -> None:
    """Write another episode over `path` while one call goes wrong; then put the first back."""
    real, seen, failed = getattr(os, call), 0, False
    state = {"full": False}

    def wrong(*arguments: object, **options: object) -> object:
        nonlocal seen
        seen += 1
        if seen > turn and (seen == turn + 1 or state["full"]):
            return act(real, state, *arguments)
        return real(*arguments, **options)

    with mock.patch.object(os, call, wrong):
        try:
            write_episode(path, made_up(1))
        except OSError:
            failed = True
    tally.cases += 1
    tally.committed += 1
    after = _sealed(path)
    tally.lost += not after
    if not failed and path.read_bytes() == before:
        tally.notes.append(f"call {turn + 1} went wrong and nobody was told")
    path.write_bytes(before)


def _raises(number: int) -> Callable[..., int]:
    def act(real: Callable[..., int], state: dict[str, bool], *arguments: object) -> int:
        raise OSError(number, os.strerror(number))
    return act


def _short(real: Callable[..., int], state: dict[str, bool], descriptor: int,
           content: memoryview) -> int:
    return real(descriptor, content[:max(1, len(content) // 2)])


def _short_then_full(real: Callable[..., int], state: dict[str, bool], descriptor: int,
                     content: memoryview) -> int:
    if state["full"]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    state["full"] = True
    return _short(real, state, descriptor, content)


def _calls_of(work: Callable[[], object]) -> dict[str, int]:
    """How often each call of the system is made."""
    with contextlib.ExitStack() as stack:
        mocks = {call: stack.enter_context(mock.patch.object(os, call, wraps=getattr(os, call)))
                 for call in CALLS}
        work()
        return {call: each.call_count for call, each in mocks.items()}


def _sealed(path: Path) -> str:
    """The sha256 of an episode whose bytes were verified; empty where they are not as sealed."""
    try:
        found = seal.verify(path)
    except (OSError, seal.SealError):
        return ""
    return found[0] if found else ""


def _is_there(path: Path, digest: str) -> bool:
    return _sealed(path) == digest


def _judged(folder: Path, tally: Tally) -> Tally:
    """Read all that lies there, then repair it."""
    found = check(folder)
    tally.unreadable += len(found.damaged)
    tally.leftovers += len(found.leftovers)
    tally.left_after_repair += len(check(folder, repair=True).leftovers) + len(
        check(folder).leftovers)
    return tally


def main(options: Options) -> None:
    """Print the table and leave with 0 only where every promise was kept."""
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        tallies = [killed(Path(first), options.kills, options.seed), *failing(Path(second))]
    print("| fault | cases | committed | lost | unreadable | left behind | after --repair |")
    print("|---|---|---|---|---|---|---|")
    for tally in tallies:
        print(f"| {tally.what} | {tally.cases:,} | {tally.committed:,} | {tally.lost} | "
              f"{tally.unreadable} | {tally.leftovers} | {tally.left_after_repair} |")
        for note in tally.notes:
            print(f"{tally.what}: {note}")
    sys.exit(0 if all(tally.kept for tally in tallies) else BROKEN)
