"""One row an episode with types, and the run's own description beside it, for notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from episodes.atomic import write_atomically
from eval.exports.rows import rows
from eval.results import Run

KEY = b"mobile_vla_bench"  # of the schema's metadata: run.json


def write(run: Run, path: Path) -> None:
    """Write episodes.parquet."""
    table = pa.Table.from_pylist(rows(run))
    described = json.dumps(run.facts, ensure_ascii=False).encode()
    buffer = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({KEY: described}), buffer)
    write_atomically(path, buffer.getvalue().to_pybytes())
