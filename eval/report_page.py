"""report.html: a run, or several, on one page that needs no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from episodes.atomic import write_atomically
from eval.compare import Comparison, compare
from eval.compare_tables import HOW, difference_table, notes
from eval.diagnosis import Diagnosis, diagnosis, playable
from eval.glance import COLOURS, Share, bars, shares
from eval.maps import OUTCOMES, Way, way
from eval.provenance import told
from eval.results import Run, load_record
from eval.summary import summarise
from eval.table import Table, tables, timing_tables

FILE = "report.html"
MOST_VIDEOS = 16  # that are on the page; the others stay in the run's folder
TEMPLATE = "report_page.html"
ALONE = ""  # the letter of a run that is compared with none


@dataclass(frozen=True)
class RunPart:
    """What the page says of one run."""

    letter: str  # A, B, ... as verdicts call it
    name: str
    policy: str
    warnings: list[str]
    tables: dict[str, Table]
    notes: list[str]
    ways: dict[str, list[Way]]  # by scenario
    shares: dict[str, list[Share]]  # by scenario: how its episodes came out
    videos: dict[str, str]  # by episode: what a browser plays
    diagnosis: Diagnosis | None  # why episodes failed, where eval.why was asked
    provenance: list[tuple[str, str]]


def write_page(folder: Path, *others: Path) -> Path:
    """Write report.html of a finished run, compared with others, into its folder.

    Raises:
        ValueError: for what is no run of the closed loop, unfinished or edited; for runs that do
            not pair.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    comparison = compare(folder, *others) if others else None
    letters = [each.split()[0] for each in comparison.names] if comparison else [ALONE]
    parts, rates = [], []
    for letter, each in zip(letters, (folder, *others)):
        part, rate = _part(letter, Run(Path(each)))
        parts.append(part)
        rates.append(rate)
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = environment.get_template(TEMPLATE).render(
        parts=parts, title=_title(parts), outcomes=OUTCOMES, bars=bars(letters, rates),
        colours=COLOURS,
        comparison=comparison and _compared(comparison), differing=_differing(parts),
        ends=sorted({each.line["ended_by"] for part in parts for ways in part.ways.values()
                     for each in ways}),
        causes=list(dict.fromkeys(cause for part in parts if part.diagnosis
                                  for cause, _ in part.diagnosis.legend)),
        scenarios=list(dict.fromkeys(name for part in parts for name in part.ways)))
    path = Path(folder) / FILE
    write_atomically(path, text.encode())
    return path


def _title(parts: Sequence[RunPart]) -> str:
    """Who was judged, and on what."""
    names = list(parts[0].ways)
    what = names[0] if len(names) == 1 else f"{len(names)} scenarios"
    return " against ".join(part.policy for part in parts) + f": {what}"


def _differing(parts: Sequence[RunPart]) -> set[str]:
    """Episodes that not all runs ended alike."""
    found: dict[str, set[str]] = {}
    for part in parts:
        for ways in part.ways.values():
            for each in ways:
                found.setdefault(each.line["id"], set()).add(each.outcome.name)
    return {name for name, outcomes in found.items() if len(outcomes) > 1}


def _part(letter: str, run: Run) -> tuple[RunPart, dict[str, dict[str, Any]]]:
    """What is said of a run, and its rates of success by scenario."""
    if run.facts["config"]["loop"] != "closed":
        raise ValueError(f"{run.folder}: is a run of the open loop; its report is report.md.")
    lines = run.lines()
    summary = summarise(run, lines)
    ways: dict[str, list[Way]] = {name: [] for name in run.facts["scenarios"]}
    for line in lines:
        ways[line["scenario"]].append(way(line, load_record(run, line)))
    videos = sorted(run.videos.glob("*.mp4"))[:MOST_VIDEOS]
    part = RunPart(letter, run.folder.name, run.facts["policy"]["name"], summary["warnings"],
                   tables(summary) | _timing(run), summary["notes"], ways, shares(ways),
                   {path.stem: playable(path) for path in videos}, diagnosis(run.folder),
                   _provenance(run))
    rows = {name: row["success"] for name, row in summary["scenarios"].items()}
    return part, rows | ({"all": summary["total"]["success"]} if len(rows) > 1 else {})


def _timing(run: Run) -> dict[str, Table]:
    """How long answers took, where the run still knows."""
    path = run.folder / "timing.json"
    return timing_tables(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _compared(found: Comparison) -> dict[str, Any]:
    rows = []
    for name, each in zip(found.names[1:], found.contrasts):
        title, table = difference_table(found.names[0], name, each, found.alpha)
        rows.append({"title": title, "table": table,
                     "notes": notes(found.names[0], name, each, found.alpha)})
    return {"verdicts": found.verdicts, "rows": rows, "how": HOW,
            "names": [f"{name} is {side.name}" for name, side in zip(
                found.names, [found.baseline, *found.others])]}


def _provenance(run: Run) -> list[tuple[str, str]]:
    facts = run.facts
    machine = facts["machine"]
    return [
        ("run", facts["id"]), ("source", str(facts["source"])),
        ("told", told(facts["config"]["instruction"]).replace("_", " ")),
        ("weights", f"{facts['policy']['weights']}, hash {facts['policy']['weights_hash'] or '-'}"),
        ("robot", facts["robot"]["name"]), ("renderer", str(facts["renderer"])),
        ("appearance", " ".join((facts["appearance"] or {"": "-"}).values())),
        ("scenarios", ", ".join(f"{name} ({each})" for name, each in facts["scenarios"].items())),
        ("code", str(facts["git"])),
        ("packages", ", ".join(f"{name} {each}" for name, each in facts["packages"].items()
                               if each)),
        ("machine", f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
                    f"Python {machine['python']}"),
        ("configuration", json.dumps(facts["config"], ensure_ascii=False)),
    ]
