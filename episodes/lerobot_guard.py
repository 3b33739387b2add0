"""The only way in which files of a LeRobot data set are opened: nothing in them is believed.

Every file is a regular one inside the data set's folder, whatever links say. What a parquet file
declares is checked against limits and its own size before anything is unpacked; rows come one at a
time where they hold texts or pictures, since a few bytes may stand for many equal ones.
"""

from __future__ import annotations

import json
import stat
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from episodes.guard import FREE_BYTES, MOST_RATIO

MOST_JSON_BYTES = 4 * 1024**2
MOST_ROWS = 10_000_000  # of one parquet file
MOST_VALUES = 20_000_000  # of one column in one row group
MOST_LIST = 100  # values in one row of a column
MOST_TEXT = 64 * 1024  # characters


def inside(folder: Path, name: str) -> Path:
    """A file of the data set.

    Raises:
        ValueError: if it is missing, no regular file, or leads out of the folder.
    """
    path = folder / name
    try:
        found = path.resolve(strict=True)
        regular = stat.S_ISREG(found.stat().st_mode)
    except (OSError, RuntimeError) as error:
        raise ValueError(f"{path}: no such file, expected a LeRobotDataset v3.0.") from error
    if not found.is_relative_to(folder.resolve()):
        raise ValueError(f"{path}: leads to {found}, expected a file inside {folder}; fetch the "
                         f"data set with its files instead of links (`hf download --local-dir`).")
    if not regular:
        raise ValueError(f"{path}: is no regular file.")
    return path


def read_object(path: Path) -> dict[str, Any]:
    """A JSON file that holds one object.

    Raises:
        ValueError: one sentence naming the file.
    """
    if path.stat().st_size > MOST_JSON_BYTES:
        raise ValueError(f"{path}: larger than {MOST_JSON_BYTES} bytes, expected a small file.")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise ValueError(f"{path}: is no JSON ({str(error)[:200]}).") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path}: expected an object, got {type(found).__name__}.")
    return found


def rows(path: Path, wanted: Sequence[str], optional: Sequence[str] = (),
         at_once: int = 1) -> Generator[dict[str, Any]]:
    """The rows of a parquet file, one after the other, as Python's numbers, texts and bytes.

    Args:
        path: As `inside` gave it.
        wanted: Columns that must be there.
        optional: Columns that may be.
        at_once: Rows unpacked together; more than one only where all columns are numbers.

    Raises:
        ValueError: one sentence naming the file and the column.
    """
    import pyarrow as pa
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path.resolve(), pre_buffer=False) as file:
            names = file.schema_arrow.names
            missing = [name for name in wanted if name not in names]
            if missing:
                raise ValueError(f"{path}: has no column {', '.join(missing)}, it has "
                                 f"{', '.join(names)[:300]}.")
            columns = [*wanted, *(name for name in optional if name in names)]
            _check_declared(path, file.metadata, columns)
            for batch in file.iter_batches(batch_size=at_once, columns=columns, use_threads=False):
                _check_lists(path, batch)
                yield from batch.to_pylist()
    except pa.ArrowException as error:
        raise ValueError(_damaged(path, error)) from error
    except (OSError, KeyError, OverflowError, UnicodeDecodeError) as error:
        raise ValueError(_damaged(path, error)) from error


def _check_lists(path: Path, batch: Any) -> None:
    """Refuse rows that would become many objects of Python."""
    import pyarrow as pa

    for name, column in zip(batch.schema.names, batch.columns):
        if pa.types.is_nested(column.type) and not pa.types.is_struct(column.type):
            count = len(column.flatten())
            if count > MOST_LIST * len(batch):
                raise ValueError(f"{path}: {name} has {count} values in {len(batch)} rows, "
                                 f"expected at most {MOST_LIST} in one.")


def _damaged(path: Path, error: BaseException) -> str:
    reason = (str(error) or type(error).__name__).splitlines()[0][:200]
    return f"{path}: damaged or no Parquet file ({reason})."


def _check_declared(path: Path, told: Any, columns: Sequence[str]) -> None:
    """Refuse sizes that cannot be true, or that nobody needs."""
    file_bytes = path.stat().st_size
    if told.num_rows > MOST_ROWS:
        raise ValueError(f"{path}: declares {told.num_rows} rows, expected at most {MOST_ROWS}.")
    for group in range(told.num_row_groups):
        part = told.row_group(group)
        for number in range(part.num_columns):
            column = part.column(number)
            name = column.path_in_schema
            if not any(name == each or name.startswith(f"{each}.") for each in columns):
                continue
            most = FREE_BYTES + MOST_RATIO * min(column.total_compressed_size, file_bytes)
            if not (0 <= column.num_values <= MOST_VALUES
                    and 0 <= column.total_compressed_size <= file_bytes
                    and 0 <= column.total_uncompressed_size <= most):
                raise ValueError(
                    f"{path}: {name} declares {column.num_values} values of "
                    f"{column.total_uncompressed_size} bytes, packed into "
                    f"{column.total_compressed_size}, in a file of {file_bytes} bytes.")


def whole(value: Any, where: str, least: int = 0, most: int = MOST_ROWS) -> int:
    """A whole number within limits.

    Raises:
        ValueError: if it is something else.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{where} must be a whole number from {least} to {most}, got "
                         f"{str(value)[:100]!r}.")
    return value


def text(value: Any, where: str) -> str | None:
    """A text of bounded length, or None.

    Raises:
        ValueError: if it is something else.
    """
    if value is not None and (not isinstance(value, str) or len(value) > MOST_TEXT):
        raise ValueError(f"{where} must be a text of at most {MOST_TEXT} characters, got "
                         f"{str(value)[:100]!r}.")
    return value
