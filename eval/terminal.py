"""What a person at the terminal sees: progress while driving, the table at the end."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from eval.inference import foretold
from eval.session import Session
from eval.table import tables, timing_tables
from scenarios import select

PIPE_WIDTH = 120  # columns where nobody says how wide the screen is

logger = logging.getLogger(__name__)


def follow(session: Session) -> None:
    """Drive: with a bar on a terminal, with the log's quiet lines elsewhere.

    What a comparison of so many episodes could find is said before.
    """
    if session.config.loop == "closed":
        planned, chosen = session.run.facts["planned"], select(session.config.scenario)
        groups = {each.layout_group for each in chosen}
        logger.info("%s", foretold(planned, planned * len(groups) // len(chosen)))
    if not sys.stderr.isatty():
        for _ in session.drive():
            pass
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    handlers = logging.getLogger().handlers
    levels = [handler.level for handler in handlers]
    for handler in handlers:  # the bar says it already
        handler.setLevel(logging.WARNING)
    with Progress(*columns, console=Console(stderr=True)) as progress:
        facts = session.run.facts
        bar = progress.add_task(facts["policy"]["name"], total=facts["planned"],
                                completed=len(session.run.lines()))
        for line in session.drive():
            progress.update(bar, advance=1, description=line["id"])
    for handler, level in zip(handlers, levels):
        handler.setLevel(level)


def console_of() -> Console:
    """The terminal, or as wide a page as a pipe wants."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPE_WIDTH)


def print_table(console: Console, title: str, content: tuple[list[str], list[list[str]]]) -> None:
    """One table, headers and rows; a cell of two lines where one would not fit eighty columns."""
    headers, rows = content
    table = Table(title=Text(title), box=box.SIMPLE_HEAD, title_justify="left",
                  title_style="bold", padding=(0, 1, 0, 0))
    for number, header in enumerate(headers):
        table.add_column(header, justify="right" if number else "left", no_wrap=not number)
    for cells in rows:
        table.add_row(*[Text(cell.replace(" [", "\n[").replace(" / ", " /\n"))
                        for cell in cells])
    console.print(table)


def show(summary: dict[str, Any], timing: dict[str, Any], folder: Path) -> None:
    """Print the tables of a run, what must be said about it, and where the report is."""
    console = console_of()
    for warning in summary["warnings"]:
        console.print(Text(warning, style="bold red"))
    for title, content in (tables(summary) | timing_tables(timing)).items():
        print_table(console, title, content)
    for note in summary.get("notes", []):
        console.print(note, highlight=False)
    console.print(f"Report: {folder / 'report.md'}", soft_wrap=True, highlight=False)
