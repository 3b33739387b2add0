"""An episode in a small file, to be replayed anywhere: `python -m eval.capsule RUN EPISODE`.

It holds the seed, the commands, the robot, how the world looked and hashes of what happened, but no
pictures: they follow.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from scenarios import did_you_mean
from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from episodes.clock import Latency
    from episodes.record import Record
    from eval.results import Run
    from scenarios import Scenario

SCHEMA_VERSION = 1
KIND = "capsule"
PHYSICS = ("poses", "path", "boxes", "cup", "asked", "sent", "velocity", "clearance_m")
FACTS = ("renderer", "appearance", "robot", "policy", "packages", "machine")


@dataclass(frozen=True)
class Config:
    """Write one episode of a run to a small file that eval.replay drives again."""

    run: Annotated[Path, arg(metavar="RUN"), Positional]
    """Folder that eval.run made."""
    episode: Annotated[str, arg(metavar="EPISODE"), Positional]
    """Its id: 2box_hori_left_003."""
    out: Annotated[Path | None, arg(metavar="FILE")] = None
    """Where; <episode>.json in the run's folder capsules/ where not given."""
    log_level: LogLevel = "info"
    """How much is logged."""


@dataclass(frozen=True)
class Capsule:
    """What is needed to drive an episode again, and to see that it is the same."""

    content: dict[str, Any]

    @property
    def line(self) -> dict[str, Any]:
        """The episode's line of episodes.jsonl."""
        return self.content["line"]

    @property
    def config(self) -> dict[str, Any]:
        """The options of its run."""
        return self.content["config"]

    @property
    def latency(self) -> Latency | None:
        """Of its virtual clock, where it drove on one."""
        from episodes.clock import Latency

        stored = self.content.get("latency")
        return stored and Latency(stored["kind"], tuple(stored["values"]), stored["hold"])

    def scenario(self) -> Scenario:
        """What was to be done.

        Raises:
            ValueError: if it is another version by now.
        """
        from scenarios import select

        name, wanted = self.line["scenario"], self.line["scenario_hash"]
        (found,) = [each for each in select(self.config["scenario"]) if each.name == name]
        if found.hash() != wanted:
            raise ValueError(f"{name} is version {found.hash()}, this episode was driven in "
                             f"version {wanted}; it cannot be replayed with this code.")
        return found


def pack(folder: Path | str, episode: str) -> Capsule:
    """An episode of a run as a capsule.

    Raises:
        ValueError: if there is no such run or episode, or its arrays are damaged.
    """
    from eval.results import Run, load_record

    run = Run(Path(folder))
    if run.facts["config"]["loop"] != "closed":
        raise ValueError(f"{folder}: is a run of the open loop; only driven episodes replay.")
    lines = {line["id"]: line for line in run.lines()}
    if episode not in lines:
        raise ValueError(f"{folder}: has no episode {episode!r}."
                         f"{did_you_mean(episode, list(lines))} Ids are like {next(iter(lines))}.")
    record = load_record(run, lines[episode])
    return Capsule({
        "schema_version": SCHEMA_VERSION, "kind": KIND, "run": run.folder.name,
        "config": run.facts["config"], **{name: run.facts[name] for name in FACTS},
        "line": lines[episode], "commands": record.asked.tolist(), "hashes": hashes(record),
        "plans": record.plans, "latency": _latency(run)})


def _latency(run: Run) -> dict[str, Any] | None:
    """The virtual clock's, whole: a capsule needs no file of a trace.

    Raises:
        ValueError: if its trace is another by now.
    """
    from eval.latencies import described, parse

    words = run.facts["config"].get("latency")
    if words is None:
        return None
    latency = parse(words, run.facts["config"]["hold"])
    if described(latency) != run.facts["latency"]:
        raise ValueError(f"{run.folder}: its latencies {words} are others by now; give the trace "
                         f"back.")
    return asdict(latency)


def load(path: Path | str) -> Capsule:
    """Read a capsule.

    Raises:
        ValueError: if the file is none.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read as a capsule ({error}).") from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ValueError(f"{path}: is no capsule; python -m eval.capsule RUN EPISODE writes one.")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"{path}: schema_version must be {SCHEMA_VERSION}, got "
                         f"{content.get('schema_version')!r}.")
    return Capsule(content)


def hashes(record: Record) -> dict[str, str]:
    """The sha256 of everything that follows from seed and commands, by name."""
    return {name: hashlib.sha256(getattr(record, name).tobytes()).hexdigest() for name in PHYSICS}


def main(config: Config) -> None:
    """Write the file and say where it is."""
    from eval.results import write_json

    capsule = pack(config.run, config.episode)
    path = config.out or config.run / "capsules" / f"{config.episode}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, capsule.content)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror}).") from error
    print(f"Capsule: {path}")


if __name__ == "__main__":
    run_command(Config, main)
