"""Judge the stored records of a run anew, without driving: `python -m eval.score RUN`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from eval.results import Run


@dataclass(frozen=True)
class Config:
    """Compute metrics, summary and report of a run anew from its stored episodes."""

    run: Annotated[Path, tyro.conf.arg(metavar="RUN"), tyro.conf.Positional]
    """Folder that eval.run made."""
    log_level: LogLevel = "info"
    """How much is logged."""


def score(folder: Path | str) -> dict[str, Any]:
    """Judge every stored episode again, then rewrite summary, report and episodes.jsonl.

    Returns:
        The content of summary.json.

    Raises:
        ValueError: if the folder is no run, is worked on by another process, or an episode's line
            or arrays are damaged; nothing is rewritten then.
    """
    from eval.lock import alone_in
    from eval.results import Run

    run = Run(Path(folder))
    with alone_in(run.folder):
        return _score(run)


def _score(run: Run) -> dict[str, Any]:
    from eval.metrics import judge
    from eval.report import write_report
    from eval.results import answers_metrics, load_record
    from eval.timing import write_timing

    lines = []
    for line in run.lines(judged=False):
        if run.facts["config"]["loop"] == "open":
            arrays = run.arrays(line)
            judged = {"metrics": answers_metrics(arrays["predicted"], arrays["recorded"])}
        else:
            judged = judge(load_record(run, line))
        lines.append(line | judged)
    summary = write_report(run, lines)
    write_timing(run, lines, None)
    run.rewrite(lines)
    return summary


def main(config: Config) -> None:
    """Score and show the tables."""
    from eval.terminal import show

    summary = score(config.run)
    timing = json.loads((config.run / "timing.json").read_text(encoding="utf-8"))
    show(summary, timing, config.run)


if __name__ == "__main__":
    run_command(Config, main)
