"""report.html: a run, or several, on one page that needs no network."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from episodes.atomic import write_atomically
from eval.compare import Comparison, compare
from eval.compare_tables import HOW, difference_table, notes
from eval.maps import AXES, OUTCOMES, Way, way
from eval.provenance import told
from eval.results import Run, load_record
from eval.summary import summarise
from eval.table import Table, tables, timing_tables

FILE = "report.html"
MOST_VIDEOS = 16  # that are on the page; the others stay in the run's folder
TEMPLATE = "report_page.html"


@dataclass(frozen=True)
class RunPart:
    """What the page says of one run."""

    name: str
    title: str
    warnings: list[str]
    tables: dict[str, Table]
    notes: list[str]
    ways: dict[str, list[Way]]  # by scenario
    videos: dict[str, str]  # by episode: what a browser plays
    provenance: list[tuple[str, str]]


def write_page(folder: Path, *others: Path) -> Path:
    """Write report.html of a finished run, compared with others, into its folder.

    Raises:
        ValueError: for what is no run of the closed loop, unfinished or edited; for runs that do
            not pair.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    comparison = compare(folder, *others) if others else None
    parts = [_part(Run(Path(each))) for each in (folder, *others)]
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    text = environment.get_template(TEMPLATE).render(
        parts=parts, outcomes=OUTCOMES, axes=AXES, comparison=comparison and _compared(comparison),
        ends=sorted({each.line["ended_by"] for part in parts for ways in part.ways.values()
                     for each in ways}),
        scenarios=sorted({name for part in parts for name in part.ways}))
    path = Path(folder) / FILE
    write_atomically(path, text.encode())
    return path


def _part(run: Run) -> RunPart:
    if run.facts["config"]["loop"] != "closed":
        raise ValueError(f"{run.folder}: is a run of the open loop; its report is report.md.")
    lines = run.lines()
    summary = summarise(run, lines)
    ways: dict[str, list[Way]] = {name: [] for name in run.facts["scenarios"]}
    for line in lines:
        ways[line["scenario"]].append(way(line, load_record(run, line)))
    policy = run.facts["policy"]["name"]
    videos = sorted(run.videos.glob("*.mp4"))[:MOST_VIDEOS]
    what = next(iter(ways)) if len(ways) == 1 else f"{len(ways)} scenarios"
    return RunPart(run.folder.name, f"{policy}: {what}", summary["warnings"],
                   tables(summary) | _timing(run), summary["notes"], ways,
                   {path.stem: _playable(path) for path in videos}, _provenance(run))


def _timing(run: Run) -> dict[str, Table]:
    """How long answers took, where the run still knows."""
    path = run.folder / "timing.json"
    return timing_tables(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _playable(path: Path) -> str:
    return f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}"


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
