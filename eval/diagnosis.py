"""What `eval.why` found out about a run, for its page: why episodes failed, as bars, with films."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "causes.json"
SCHEMA_VERSION = 1
NONE_FOUND = "none found"
COLOURS = ("#0072B2", "#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442")  # Okabe and Ito's
GREY = "#606060"  # of what nothing rescued
DARK = ("#0072B2", GREY)  # that want white words
MOST_FILMS = 8  # on the page; the others stay in the run's folder


@dataclass(frozen=True)
class Slice:
    """How many episodes that failed in one way were rescued by one repair."""

    cause: str
    count: int
    percent: float  # of the longest bar
    colour: str
    ink: str


@dataclass(frozen=True)
class Diagnosis:
    """Everything that is shown of it."""

    note: str  # that it is diagnosis, and no result
    failures: int  # of the run
    bars: dict[str, list[Slice]]  # by how episodes failed
    legend: list[tuple[str, str]]  # a cause and its colour
    cause: dict[str, str]  # by episode
    kind: dict[str, str]  # by episode: how it failed
    films: dict[str, str]  # by episode: its rescue, as a browser plays it


def stored(folder: Path) -> dict[str, Any] | None:
    """The content of a run's causes.json; None where nobody asked.

    Raises:
        ValueError: if the file is damaged or of another version.
    """
    path = folder / FILE
    if not path.exists():
        return None
    again = f"remove it, and write it anew with python -m eval.why {folder}."
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: cannot be read ({error}); {again}") from error
    if content.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"{path}: schema_version must be {SCHEMA_VERSION}, got "
                         f"{content.get('schema_version')!r}; {again}")
    return content


def diagnosis(folder: Path) -> Diagnosis | None:
    """What is known of a run's failures; None where nobody asked.

    Raises:
        ValueError: if its file is damaged or of another version.
    """
    content = stored(folder)
    if content is None:
        return None
    rows = content["episodes"]
    palette = iter(COLOURS)
    colours = {cause: GREY if cause == NONE_FOUND else next(palette, GREY)
               for cause in content["causes"]}
    longest = max(content["kinds"].values(), default=1)
    films = [(row["id"], folder / row["film"]) for row in rows if row.get("film")]
    return Diagnosis(
        content["note"], content["failures"],
        {kind: _slices([row for row in rows if row["kind"] == kind], colours, longest)
         for kind in content["kinds"]},
        list(colours.items()), {row["id"]: row["cause"] for row in rows},
        {row["id"]: row["kind"] for row in rows},
        {name: playable(film) for name, film in films[:MOST_FILMS] if film.exists()})


def playable(path: Path) -> str:
    """A film as an address that holds it."""
    return f"data:video/mp4;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _slices(rows: list[dict[str, Any]], colours: dict[str, str], longest: int) -> list[Slice]:
    counts = Counter(row["cause"] for row in rows)
    return [Slice(cause, counts[cause], 100.0 * counts[cause] / longest, colour,
                  "#fff" if colour in DARK else "#000")
            for cause, colour in colours.items() if counts[cause]]
