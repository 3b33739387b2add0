"""Why did episodes fail? `python -m eval.why RUN` repairs one thing at a time and drives again."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from eval.diagnosis import FILE, SCHEMA_VERSION, stored
from scenarios import did_you_mean
from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from episodes.record import Record

DIAGNOSIS = ("DIAGNOSIS, NO RESULT: repairs use the truth, which no policy is told. What rescues "
             "an episode says what was in the way, not that it can be had.")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """Find out why a run's failed episodes failed.

    Each is driven again by its own commands to a moment and goes on with one thing repaired; the
    first repair that rescues it, from the narrowest to the widest, names the cause. Writes
    causes.json, a picture and, where asked, films into the run's folder; what was found out before
    about other episodes stays in them.
    """

    run: Annotated[Path, arg(metavar="RUN"), Positional]
    """Folder that eval.run made."""
    episode: Annotated[str | None, arg(metavar="EPISODE")] = None
    """Only this one, by its id."""
    most: Annotated[int | None, arg(metavar="N")] = None
    """At most so many failures, the first of the run; all where not given."""
    at: Annotated[float, arg(metavar="SECONDS")] = 0.0
    """The moment from which things are repaired."""
    films: Annotated[int, arg(metavar="N")] = 0
    """How many rescued episodes are filmed."""
    log_level: LogLevel = "info"
    """How much is logged."""


def why(run: Path | str, episode: str | None = None, most: int | None = None, at: float = 0.0,
        films: int = 0) -> dict[str, Any]:
    """Diagnose a run's failures and return the content of causes.json.

    What it said of other episodes stays in it.

    Args:
        run: A finished run of the closed loop.
        episode: Only this one.
        most: At most so many.
        at: Seconds of the world's clock from which things are repaired; an episode that ended
            before is repaired from its last decision on.
        films: How many rescued episodes are filmed.

    Raises:
        ValueError: if there is no such run or episode, its weights or scenarios are others now, or
            its causes.json is damaged.
    """
    from eval.pairing import open_side
    from eval.results import write_json

    if at < 0.0 or films < 0 or (most is not None and most < 1):
        raise ValueError(f"--at and --films must be 0 or more and --most 1 or more, got {at}, "
                         f"{films} and {most}.")
    side = open_side(run)
    failed = [line for line in side.lines if not line["success"] and not line["error"]]
    wanted = failed if episode is None else _only(episode, failed, side.lines, side.name)
    before = stored(side.run.folder) or {"episodes": []}
    known = {row["id"]: row for row in before["episodes"]}
    known |= {row["id"]: row for row in _diagnosed(side.run.folder, wanted[:most], at, films)}
    rows = [known[line["id"]] for line in failed if line["id"] in known]
    content = {
        "schema_version": SCHEMA_VERSION, "run": side.name, "policy": side.policy,
        "note": DIAGNOSIS, "at_s": at, "failures": len(failed), "episodes": rows,
        "causes": dict(Counter(row["cause"] for row in rows).most_common()),
        "kinds": dict(Counter(row["kind"] for row in rows).most_common())}
    write_json(side.run.folder / FILE, content)
    return content


def main(config: Config) -> None:
    """Diagnose, show the table, and write the picture."""
    from episodes.atomic import write_atomically
    from eval.why_page import picture, show

    content = why(config.run, config.episode, config.most, config.at, config.films)
    if content["episodes"]:
        write_atomically(config.run / "causes.png", picture(content))
    show(content, config.run / FILE)


def _diagnosed(folder: Path, lines: list[dict[str, Any]], at_s: float,
               films: int) -> list[dict[str, Any]]:
    """One row a failed episode."""
    from eval.capsule import pack
    from eval.causes import Patient, diagnose
    from eval.failures import kind_of
    from eval.replay import policy_of
    from eval.results import Run, load_record

    run, policy, rows = Run(folder), None, []
    for line in lines:
        capsule, failed = pack(folder, line["id"]), load_record(run, line)
        policy = policy or policy_of(capsule)
        moment = min(at_s, max(0, failed.decisions - 1) * failed.rules["decision_s"])
        found = diagnose(Patient(capsule, failed, policy, moment), pictures=films > 0)
        row = {"id": line["id"], "ended_by": line["ended_by"], "kind": kind_of(failed),
               "at_s": moment, **found.as_json()}
        if found.rescued is not None and films > 0:
            films -= 1
            row["film"] = _film(folder, line["id"], found.cause, found.rescued)
        logger.info("%s: %s, %s", line["id"], row["kind"], row["cause"])
        rows.append(row)
    return rows


def _film(folder: Path, episode: str, cause: str, record: Record) -> str:
    """Film a rescued episode; returns where, within the run's folder."""
    from eval.pictures import film

    stem = folder / "causes" / f"{episode}_{cause}"
    stem.parent.mkdir(exist_ok=True)
    film(record, stem)
    return f"causes/{stem.name}.mp4"


def _only(episode: str, failed: list[dict[str, Any]], lines: list[dict[str, Any]],
          run: str) -> list[dict[str, Any]]:
    found = [line for line in failed if line["id"] == episode]
    if not found:
        names = [line["id"] for line in lines]
        said = ("did not fail" if episode in names else
                f"is no episode of it.{did_you_mean(episode, names)}")
        raise ValueError(f"{run}: {episode!r} {said}")
    return found


if __name__ == "__main__":
    run_command(Config, main)
