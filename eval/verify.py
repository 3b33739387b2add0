"""Is a run what it says, and does it happen again? `python -m eval.verify RUN`."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from episodes.drive import Driven
    from eval.config import Config as RunConfig
    from eval.pairing import Side

DIFFERS = 1  # the exit code where something is not what was stored


@dataclass(frozen=True)
class Config:
    """Check a run's files, judge its records anew, and drive its episodes again, bit for bit.

    The same machine, packages, batch and policy give the same bits; where these changed since, that
    is said, and differences are no proof of tampering.
    """

    run: Annotated[Path, arg(metavar="RUN"), Positional]
    """Folder that eval.run made."""
    episodes: Annotated[int | None, arg(metavar="N")] = None
    """How many to drive again, the first of the plan; all where not given, 0: files alone."""
    workers: Annotated[int, arg(metavar="N")] = 0
    """Processes that drive; 0: this one."""
    log_level: LogLevel = "info"
    """How much is logged."""


@dataclass(frozen=True)
class Verified:
    """What was found."""

    run: str
    checked: int  # episodes whose files and metrics were checked
    driven: int  # episodes that were driven again
    differs: dict[str, list[str]]  # by episode: what is not what was stored
    changed: list[str]  # of code, packages and machine since

    @property
    def is_same(self) -> bool:
        """Whether everything is what was stored."""
        return not self.differs


def verify(folder: Path | str, episodes: int | None = None, workers: int = 0) -> Verified:
    """Check a finished run of the closed loop.

    Args:
        folder: Of the run.
        episodes: How many to drive again; all where not given.
        workers: Processes that drive.

    Raises:
        ValueError: if it is no such run, was edited, or scenarios or weights are others by now.
    """
    from eval.metrics import judge
    from eval.pairing import open_side
    from eval.provenance import provenance
    from eval.results import load_record

    side = open_side(folder)
    differs: dict[str, list[str]] = {}
    for line in side.lines:  # a damaged array is a sentence of its own
        judged = json.loads(json.dumps(judge(load_record(side.run, line))))
        names = [name for name, value in judged.items() if line.get(name) != value]
        if names:
            differs[line["id"]] = [f"{name}, judged anew" for name in names]
    wanted = side.lines[:episodes]
    by_id = {line["id"]: line for line in wanted}
    for driven in _driven(side, wanted, workers) if wanted else ():
        names = _differing(side, by_id[driven.key], driven)
        if names:
            differs.setdefault(driven.key, []).extend(names)
    now = provenance()
    changed = [name for name in ("git", "packages", "machine") if now[name] != side.run.facts[name]]
    return Verified(side.name, len(side.lines), len(wanted), differs, changed)


def main(config: Config) -> None:
    """Verify, and say what differs."""
    found = verify(config.run, config.episodes, config.workers)
    for name, what in found.differs.items():
        print(f"{name}: differs in {', '.join(what)}")
    if found.changed:
        print(f"Changed since the run: {', '.join(found.changed)}.")
    said = "the same, bit for bit" if found.is_same else f"{len(found.differs)} episodes differ"
    print(f"{found.run}: {found.checked} episodes checked, {found.driven} driven again: {said}.")
    if not found.is_same:
        sys.exit(DIFFERS)


def _driven(side: Side, lines: list[dict[str, Any]], workers: int) -> Iterator[Driven]:
    """The same episodes, driven by the same policy."""
    import contextlib

    from envs import load_robot
    from eval.engines import open_engine
    from eval.session import jobs_of
    from scenarios import select

    facts, config = side.run.facts, _config(side, workers)
    chosen = select(config.scenario)
    versions = {each.name: each.hash() for each in chosen}
    if versions != facts["scenarios"]:
        raise ValueError(f"{side.name}: its scenarios are other versions by now ({versions} for "
                         f"{facts['scenarios']}); they cannot be driven again with this code.")
    names = {line["id"] for line in lines}
    jobs = [job for job in jobs_of(replace(config, videos=0), chosen) if job.key in names]
    robot = load_robot(config.robot)
    with contextlib.closing(open_engine(config, robot, len(jobs))) as engine:
        rehearsal = engine.rehearse([replace(jobs[0], task=replace(jobs[0].task, most=1))])
        for name, now, then in (
                ("weights", rehearsal.spec.weights_hash, facts["policy"]["weights_hash"]),
                ("renderer", rehearsal.renderer, facts["renderer"])):
            if now != then:
                raise ValueError(f"{side.name}: {name} is {now}, the run's was {then}; it cannot "
                                 f"be driven again as it was.")
        yield from engine.drive(jobs)


def _config(side: Side, workers: int) -> RunConfig:
    """The options that the run began with."""
    from eval.config import Config as RunConfig

    known = {field.name for field in fields(RunConfig)}
    stored = {name: value for name, value in side.run.facts["config"].items() if name in known}
    return RunConfig(**stored | {"workers": workers})


def _differing(side: Side, line: dict[str, Any], driven: Driven) -> list[str]:
    """What of an episode that was driven again is not what was stored."""
    from eval.results import index_of, npz, stored

    again, arrays = stored(index_of(driven.key), driven.record)
    again = json.loads(json.dumps(again))
    names = [name for name, value in again.items() if line.get(name) != value]
    if hashlib.sha256(npz(arrays)).hexdigest() != line["arrays_sha256"]:
        before = side.run.arrays(line)
        names += [f"array {name}" for name in {**before, **arrays}
                  if name not in before or name not in arrays
                  or before[name].tobytes() != arrays[name].tobytes()]
    return names


if __name__ == "__main__":
    run_command(Config, main)
