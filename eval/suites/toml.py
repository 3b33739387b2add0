"""Nested tables as TOML, written in line. Reading them is `scenarios.strict`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_toml(path: Path, tables: dict[str, Any]) -> Path:
    """Write tables of numbers, words, lists and tables; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(_lines(tables)) + "\n", encoding="utf-8")
    return path


def _lines(tables: dict[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in tables.items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(_lines(value)) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
