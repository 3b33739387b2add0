"""One line an episode, for spreadsheets."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from episodes.atomic import write_atomically
from eval.exports.rows import rows
from eval.results import Run


def write(run: Run, path: Path) -> None:
    """Write episodes.csv: UTF-8, a header, empty cells where there is no number."""
    found = rows(run)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(found[0]) if found else ["run"], lineterminator="\n")
    writer.writeheader()
    for row in found:
        writer.writerow({name: _cell(value) for name, value in row.items()})
    write_atomically(path, text.getvalue().encode())


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
