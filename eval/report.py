"""summary.json and report.md of a run, from what its folder holds; and a page to look at.

`python -m eval.report RUN [RUN_B ...]` writes report.html: one file that needs no network.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from episodes.atomic import write_atomically
from eval.provenance import told
from eval.results import Run, episodes_sha256, write_json
from eval.summary import summarise
from eval.table import markdown, tables
from scenarios.cli import LogLevel, run_command

HEADINGS = {"closed": "Closed loop", "open": "Open loop: one-step errors on recorded episodes"}
CAUTION_OPEN = ("One-step errors do not rank driving: a policy with a smaller error can drive "
                "worse. Decisions of one episode resemble each other, so these intervals, which "
                "count decisions, are narrower than the truth.")


@dataclass(frozen=True)
class Config:
    """Write report.html of a finished run, or of several beside each other and compared."""

    runs: Annotated[tuple[Path, ...], arg(metavar="RUN"), Positional]
    """Folders that eval.run made; the page goes into the first, which is the others' baseline."""
    log_level: LogLevel = "info"
    """How much is logged."""


def report(*runs: Path | str) -> Path:
    """Write report.html into the first run's folder and return where it is.

    Raises:
        ValueError: for what is no run of the closed loop; for several, as `eval.compare.compare`.
    """
    from eval.report_page import write_page

    if not runs:
        raise ValueError("Which run? Give one folder or more that eval.run made.")
    folder, *others = map(Path, runs)
    return write_page(folder, *others)


def main(config: Config) -> None:
    """Write the page and say where it is."""
    print(f"Page: {report(*config.runs)}")


def write_report(run: Run, lines: list[dict[str, Any]]) -> dict[str, Any]:
    """Write summary.json and report.md anew, when all is computed, and return the summary."""
    summary = summarise(run, lines) | {"episodes_sha256": episodes_sha256(lines)}
    report = _markdown(run, summary, lines)
    write_json(run.folder / "summary.json", summary)
    write_atomically(run.folder / "report.md", report.encode())
    return summary


def _markdown(run: Run, summary: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    policy = summary["policy"]
    said = "\n".join(f"> **{warning}**\n" for warning in summary["warnings"])
    parts = [f"# {policy['name']}: {_what(run, lines)}", HEADINGS[summary["loop"]] + ".", said,
             *[f"## {title}\n\n{markdown(table)}" for title, table in tables(summary).items()],
             *summary.get("notes", []), _reading(summary), _errors(summary),
             _pictures(run), _provenance(run)]
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def _what(run: Run, lines: list[dict[str, Any]]) -> str:
    """What was driven, or what the recorded files are of."""
    names = list(run.facts["scenarios"])
    if run.facts["config"]["loop"] == "open":
        names = sorted({line["scenario"] or "unknown scenario" for line in lines})
    return names[0] if len(names) == 1 else f"{len(names)} scenarios"


def _reading(summary: dict[str, Any]) -> str:
    """What the numbers count."""
    if summary["loop"] == "open":
        return f"## How to read this\n\n{CAUTION_OPEN}\n\nDefinitions: `eval/openloop.py`."
    counted = "\n".join(f"- {name.replace('_', ' ')}: {what}"
                        for name, what in summary["denominators"].items())
    return (f"## What is counted\n\nSource: {summary['source']}. Success: stood still at the goal, "
            f"every box passed on the commanded side, nothing touched. Reach: was inside the goal "
            f"circle. Lengths in metres, time in seconds of the world's clock. How long the "
            f"policy took to answer is in [timing.md](timing.md).\n\n{counted}")


def _errors(summary: dict[str, Any]) -> str:
    messages = summary.get("total", {}).get("error_messages", {})
    if not messages:
        return ""
    return "## Errors of the policy\n\n" + "\n".join(
        f"- {count} x {message}" for message, count in messages.items())


def _pictures(run: Run) -> str:
    """The top-down pictures in line, with a link to each video."""
    pictures = sorted(run.videos.glob("*.png"))
    if not pictures:
        return ""
    return "## Episodes\n\n" + "\n\n".join(_picture(path) for path in pictures)


def _picture(path: Path) -> str:
    video = path.with_suffix(".mp4")
    link = f"\n\n[Video of {path.stem}](videos/{video.name})" if video.exists() else ""
    return f"![{path.stem}, from above](videos/{path.name}){link}"


def _provenance(run: Run) -> str:
    facts = run.facts
    policy, machine = facts["policy"], facts["machine"]
    asked = {name: value for name, value in facts["config"].items() if name != "out"}
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items()
                         if version)
    instruction = facts["config"]["instruction"]
    words = {"default": "the default instruction of each episode", "none": "nothing",
             "wording": f"the wording {instruction}",
             "own_words": f"own words: {instruction}"}[told(instruction)]
    rows = [
        ("configuration", f"`{json.dumps(asked)}`"), ("batch", str(facts["batch_size"])),
        ("scenarios", ", ".join(f"{name} ({hashed})"
                                for name, hashed in facts["scenarios"].items())),
        ("policy", f"{policy['name']}, weights {policy['weights']}, "
                   f"hash {policy['weights_hash'] or '-'}"),
        ("size", policy["size"] or "-"), ("told", words),
        ("trained on", policy["trained_on"] or "-"), ("robot", facts["robot"]["name"]),
        ("renderer", facts["renderer"] or "-"),
        ("appearance", " ".join((facts["appearance"] or {"": "-"}).values())),
        ("code", facts["git"] or "no git revision"),
        ("packages", packages),
        ("machine", f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
                    f"Python {machine['python']}"),
    ]
    return "## Where it comes from\n\n" + markdown(
        (["", ""], [[name, text] for name, text in rows]))


if __name__ == "__main__":
    run_command(Config, main)
