"""Strict TOML into frozen dataclasses: an unknown, missing or mistyped key is an error."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

T = TypeVar("T")
MAX_TOML_BYTES = 1_000_000


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file.

    Raises:
        ValueError: if the file is missing, too large or not TOML; the sentence names the file.
    """
    try:
        if path.stat().st_size > MAX_TOML_BYTES:
            raise ValueError(
                f"{path}: larger than {MAX_TOML_BYTES} bytes, expected a small TOML file."
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 text, expected a TOML file.") from error
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: is not valid TOML: {error}.") from error
    except RecursionError as error:
        raise ValueError(f"{path}: is not valid TOML: nested too deeply.") from error


def build(cls: type[T], table: Any, where: str) -> T:
    """A frozen dataclass from a TOML table, checked key by key.

    Args:
        cls: The dataclass; every field is required.
        table: What the TOML file holds there.
        where: File name and place in it, for the error sentence.

    Raises:
        ValueError: naming file, key, what was found and what was expected.
    """
    if not isinstance(table, Mapping):
        raise ValueError(f"{where}: expected a table, got {table!r}.")
    hints = get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    missing = [name for name in names if name not in table]
    unknown = [key for key in table if key not in names]
    if missing or unknown:
        said = [f"missing {', '.join(missing)}"] if missing else []
        said += [f"unknown {', '.join(unknown)}"] if unknown else []
        raise ValueError(
            f"{where}: {'; '.join(said)}. Expected exactly the keys {', '.join(names)}."
        )
    values = {name: _convert(hints[name], table[name], f"{where}.{name}") for name in names}
    try:
        return cls(**values)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _convert(kind: Any, value: Any, where: str) -> Any:
    """One TOML value as `kind`, or a ValueError that says what was expected."""
    if dataclasses.is_dataclass(kind):
        return build(kind, value, where)  # type: ignore[arg-type]
    if get_origin(kind) is tuple:
        return _convert_tuple(kind, value, where)
    if get_origin(kind) is dict:
        if not isinstance(value, Mapping):
            raise ValueError(f"{where}: expected a table, got {value!r}.")
        inner = get_args(kind)[1]
        return {key: _convert(inner, item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = _as_float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{where}: expected {kind.__name__}, got {value!r}.")
    if kind is float and not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {value!r}.")
    return value


def _as_float(whole: int) -> float:
    """A whole number as float; one beyond its range is infinite."""
    try:
        return float(whole)
    except OverflowError:
        return math.inf


def _convert_tuple(kind: Any, value: Any, where: str) -> tuple[Any, ...]:
    """A TOML array as a tuple: of fixed length, or of any (`tuple[str, ...]`)."""
    kinds = get_args(kind)
    if not isinstance(value, list):
        raise ValueError(f"{where}: expected an array, got {value!r}.")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ValueError(f"{where}: expected {len(kinds)} entries, got {len(value)}.")
    return tuple(
        _convert(k, item, f"{where}[{i}]") for i, (k, item) in enumerate(zip(kinds, value))
    )
