"""Parquet files of a LeRobot data set: filled one after the other, an episode a row group."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from episodes.lerobot_layout import ACTION, CAMERA, INDEX_COLUMNS, MB, STATE, TIME, Limits, Place

if TYPE_CHECKING:
    import pyarrow


class Tables:
    """Files of bounded size by one template; an episode that is larger has one of its own."""

    def __init__(self, folder: Path, template: str, limits: Limits) -> None:
        """`folder`: the data set's; nothing is written yet."""
        self._folder, self._template, self._limits = folder, template, limits
        self._place: Place | None = None
        self._file: BinaryIO
        self._writer: Any = None

    def room_for(self, table_bytes: int) -> Place:
        """The file that the next table of this size goes to; it is opened where it is new."""
        most = self._limits.data_files_size_in_mb * MB
        if self._place is None or self._file.tell() + table_bytes > most:
            self.close()
            self._place = (Place() if self._place is None
                           else self._place.next(self._limits.chunks_size))
            path = self._folder / self._place.path(self._template)
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        return self._place

    def add(self, table: pyarrow.Table) -> None:
        """Write it as one row group of the file that `room_for` said."""
        import pyarrow.parquet

        if self._writer is None:
            self._writer = pyarrow.parquet.ParquetWriter(
                self._file, table.schema, compression="snappy", use_dictionary=False)
        self._writer.write_table(table, row_group_size=max(1, len(table)))

    def close(self) -> None:
        """Finish the file that is open."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._place is not None:
            self._file.close()


def data_table(numbers: dict[str, np.ndarray], pngs: list[bytes] | None) -> pyarrow.Table:
    """The frames of one episode.

    Args:
        numbers: By column: [T] or [T, D] of the column's own kind.
        pngs: The pictures, where they do not stand in a video.
    """
    import pyarrow as pa

    columns: dict[str, Any] = {}
    kinds: dict[str, Any] = {}
    if pngs is not None:
        columns[CAMERA] = pa.array(
            [{"bytes": png, "path": f"frame-{frame:06d}.png"} for frame, png in enumerate(pngs)],
            pa.struct({"bytes": pa.binary(), "path": pa.string()}))
        kinds[CAMERA] = {"_type": "Image"}
    for name in (STATE, ACTION, TIME, *INDEX_COLUMNS):
        values = numbers[name]
        columns[name] = pa.array(values.ravel())
        kinds[name] = {"dtype": str(values.dtype), "_type": "Value"}
        if values.ndim > 1:
            width = values.shape[1]
            columns[name] = pa.FixedSizeListArray.from_arrays(columns[name], width)
            kinds[name] = {"feature": kinds[name], "length": width, "_type": "List"}
    said = json.dumps({"info": {"features": kinds}})  # how the hub's viewer knows pictures
    return pa.table(columns).replace_schema_metadata({"huggingface": said})


def episodes_table(rows: list[dict[str, Any]], texts: tuple[str, ...]) -> pyarrow.Table:
    """Rows of what episodes are; `texts` name the columns of text that may be empty."""
    import pyarrow as pa

    return pa.table({name: pa.array([row[name] for row in rows],
                                    pa.string() if name in texts else None) for name in rows[0]})


def write_tasks(path: Path, tasks: list[str]) -> None:
    """The instructions by their numbers, with the index as pandas reads it."""
    import pyarrow as pa
    import pyarrow.parquet

    def column(name: str, kind: str, stored: str) -> dict[str, Any]:
        return {"name": name, "field_name": name, "pandas_type": kind, "numpy_type": stored,
                "metadata": None}

    said = {"index_columns": ["task"], "column_indexes": [],
            "columns": [column("task_index", "int64", "int64"),
                        column("task", "unicode", "object")],
            "creator": {"library": "pyarrow", "version": pa.__version__}, "pandas_version": "2.2.0"}
    table = pa.table({"task_index": pa.array(range(len(tasks)), pa.int64()),
                      "task": pa.array(tasks, pa.string())})
    pyarrow.parquet.write_table(
        table.replace_schema_metadata({"pandas": json.dumps(said)}), path)
