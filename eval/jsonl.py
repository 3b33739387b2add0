"""Lines of JSON, only ever appended to: what a crash cuts off counts as not written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from episodes.atomic import write_atomically


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a .jsonl file, without a torn last one; nothing where there is no file.

    Raises:
        ValueError: if a line before the last is damaged.
    """
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]  # what stands behind the last line end is torn
    found = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(json.loads(line))
        except ValueError as error:
            if number == len(lines):
                break
            raise ValueError(f"{path}: line {number} is damaged ({error}).") from error
    return found


def drop_torn_line(path: Path) -> None:
    """Cut a .jsonl file behind its last whole line."""
    if not path.exists():
        return
    content = path.read_bytes()
    lines = content.split(b"\n")[:len(read_lines(path))]
    whole = b"".join(line + b"\n" for line in lines)
    if whole != content:
        write_atomically(path, whole)


def append_line(path: Path, line: dict[str, Any], *, sync: bool) -> None:
    """Add a line; `sync` waits until it is on the disk, so that it outlives a power cut."""
    with path.open("ab") as file:
        file.write(encoded(line))
        file.flush()
        if sync:
            os.fsync(file.fileno())


def encoded(line: dict[str, Any]) -> bytes:
    """One line, with its end; refuses NaN."""
    return (json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n").encode()
