"""The index of a folder of many episodes: opened at once, and always to be made again.

It is `index.json` in the folder, with a column for each fact. Facts of sealed files stand in
their headers and are read without HDF5; a file without a seal is read and hashed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from episodes import seal
from episodes.atomic import write_atomically
from episodes.hdf5 import read_told

INDEX_FILE = "index.json"
SCHEMA_VERSION = 1
MAX_INDEX_BYTES = 1 << 30
TEXTS = ("name", "sha256", "source")
NUMBERS = ("frames", "decisions", "height", "width")
MAYBE = ("scenario", "pattern", "distance", "instruction")  # texts, or null where nothing says it
COLUMNS = (*TEXTS, *NUMBERS, *MAYBE)

logger = logging.getLogger(__name__)
Row = dict[str, Any]


@dataclass(frozen=True)
class Index:
    """What is known of the episodes of a folder, sorted by name."""

    folder: Path
    columns: dict[str, list[Any]] = field(repr=False)  # by COLUMNS, one entry an episode
    damaged: dict[str, str] = field(default_factory=dict)  # name -> what is wrong with the file

    def __len__(self) -> int:
        return len(self.columns["name"])

    def row(self, number: int) -> Row:
        """All that is known of one episode."""
        return {name: column[number] for name, column in self.columns.items()}

    def path(self, number: int) -> Path:
        """Where an episode lies."""
        return self.folder / self.columns["name"][number]


def open_index(folder: str | Path, *, rebuild: bool = False) -> Index:
    """The index of a folder; what is new in it is read, what is gone is dropped.

    Args:
        folder: With files `episode_*.h5`.
        rebuild: Read every file again. It is needed only where files were replaced by others of
            the same name, which a reader of them notices and says.

    Raises:
        ValueError: if there is no such folder, or no episode in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder}: no such folder, expected one with files episode_*.h5.")
    there = sorted(name for name in os.listdir(folder)
                   if name.startswith("episode_") and name.endswith(".h5"))
    if not there:
        raise ValueError(f"{folder}: holds no file episode_*.h5; make some with "
                         f"`python -m episodes.generate --out {folder}`.")
    stored = None if rebuild else _stored(folder)
    if stored is not None and stored.columns["name"] == there:
        return stored
    known = {} if stored is None else {name: place
                                       for place, name in enumerate(stored.columns["name"])}
    rows: list[Row] = []
    damaged: dict[str, str] = {}
    for name in there:
        if stored is not None and name in known:
            rows.append(stored.row(known[name]))
            continue
        try:
            rows.append(_read_row(folder / name))
        except ValueError as error:
            damaged[name] = str(error)
    index = Index(folder, {name: [row[name] for row in rows] for name in COLUMNS}, damaged)
    _store(index)
    return index


def _read_row(path: Path) -> Row:
    """The facts of one file; of a sealed one, what its header claims."""
    row: Row = {"name": path.name}
    sealed = _sealed(path)
    if sealed is not None:
        digest, facts = sealed
        row |= {"sha256": digest} | {name: facts.get(name) for name in COLUMNS
                                     if name not in (*row, "sha256")}
    else:
        told, pictures = read_told(path)
        starts = sum(event == "episode_start" for event in told["events"])
        said, moves = told["decision_count"], pictures.count - starts
        decisions = moves if said is None else min(said, moves)
        row |= {"sha256": file_hash(path), "frames": pictures.count, "decisions": decisions,
                "height": pictures.height, "width": pictures.width}
        row |= {name: told[name] for name in (*MAYBE, "source")}
    wrong = _wrong(row)
    if wrong:
        raise ValueError(f"{path}: {wrong}.")
    return row


def _sealed(path: Path) -> tuple[str, dict[str, Any]] | None:
    try:
        return seal.read_seal(path)
    except (seal.SealError, OSError) as error:
        raise ValueError(f"{path}: {error}.") from error


def file_hash(path: Path) -> str:
    """The sha256 of a file's bytes."""
    with path.open("rb") as file:
        found = hashlib.sha256()
        while piece := file.read(seal.PIECE):
            found.update(piece)
    return found.hexdigest()


def _wrong(row: Mapping[str, Any]) -> str | None:
    """What is wrong with a row, or None."""
    for name in COLUMNS:
        value = row.get(name)
        fine = (isinstance(value, str) if name in TEXTS else
                value is None or isinstance(value, str) if name in MAYBE else
                isinstance(value, int) and not isinstance(value, bool) and value >= 0)
        if not fine:
            return f"its header says {name} {value!r}, expected a text or a number of it"
    return None


def _stored(folder: Path) -> Index | None:
    """The index as it was stored, or None where there is none, or not a sound one."""
    path = folder / INDEX_FILE
    try:
        if path.stat().st_size > MAX_INDEX_BYTES:
            raise ValueError(f"over {MAX_INDEX_BYTES} bytes")
        said = json.loads(path.read_bytes())
        columns = {name: said["columns"][name] for name in COLUMNS}
        _check_columns(said["schema_version"], columns)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        logger.warning("%s is damaged (%s) and is made again.", path, error)
        return None
    return Index(folder, columns)


def _check_columns(version: Any, columns: Mapping[str, Any]) -> None:
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema_version {version!r}, expected {SCHEMA_VERSION}")
    count = len(columns["name"])
    for name, column in columns.items():
        kinds = {str} if name in TEXTS else {int} if name in NUMBERS else {str, type(None)}
        if not isinstance(column, list) or len(column) != count or not _kinds(column) <= kinds:
            raise ValueError(f"{name} is no column of {count} texts or numbers")
    if any("/" in name or "\0" in name for name in columns["name"]):
        raise ValueError("a name leads out of the folder")


def _kinds(column: Iterable[Any]) -> set[type]:
    return set(map(type, column))


def _store(index: Index) -> None:
    """Keep it where the folder can be written; else it is made again every time."""
    said = {"schema_version": SCHEMA_VERSION, "columns": index.columns}
    with contextlib.suppress(PermissionError):
        write_atomically(index.folder / INDEX_FILE,
                         json.dumps(said, ensure_ascii=False).encode() + b"\n")
