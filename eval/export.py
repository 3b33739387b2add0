"""A run's results in other programs' files: `python -m eval.export RUN --to csv`."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from scenarios import did_you_mean
from scenarios.cli import LogLevel, run_command

FORMATS = {  # name -> module with write(run, path), what it writes, the library and its extra
    "csv": ("eval.exports.csv_table", "episodes.csv", None, None),
    "parquet": ("eval.exports.parquet_table", "episodes.parquet", "pyarrow", "export"),
    "tensorboard": ("eval.exports.tensorboard_events", "tensorboard", "tensorboard", "export"),
    "rrd": ("eval.exports.rerun_recording", "episodes.rrd", "rerun", "rerun"),
}
FOLDER = "export"  # in the run's


@dataclass(frozen=True)
class Config:
    """Write a run's episodes for other programs.

    csv and parquet: one row an episode with all its metrics. tensorboard: rates with intervals, and
    metrics over episodes. rrd: every episode in the Rerun viewer (extra rerun).
    """

    run: Annotated[Path, arg(metavar="RUN"), Positional]
    """Folder that eval.run made."""
    to: Literal["csv", "parquet", "tensorboard", "rrd"] = "csv"
    """For what."""
    out: Annotated[Path | None, arg(metavar="PATH")] = None
    """File, or folder for tensorboard; in RUN/export where not given."""
    log_level: LogLevel = "info"
    """How much is logged."""


def export(run: Path | str, to: str = Config.to, out: Path | str | None = None) -> Path:
    """Write a run's episodes in another format and return where.

    Args:
        run: Folder that eval.run made; what is driven so far, where it is unfinished.
        to: csv, parquet, tensorboard or rrd.
        out: File, or folder for tensorboard.

    Raises:
        ValueError: for what is no run, a format that is not known or whose library is missing, a
            place that cannot be written.
    """
    from eval.results import Run

    if to not in FORMATS:
        raise ValueError(f"Unknown format {to!r}.{did_you_mean(to, list(FORMATS))} Expected one of "
                         f"{', '.join(FORMATS)}.")
    module, name, library, extra = FORMATS[to]
    if library is not None and importlib.util.find_spec(library) is None:
        raise ValueError(f"--to {to} needs {library}, which is not installed; install it with "
                         f"pip install 'mobile-vla-bench[{extra}]'.")
    opened = Run(Path(run))
    path = opened.folder / FOLDER / name if out is None else Path(out)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        importlib.import_module(module).write(opened, path)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written ({error.strerror}); choose another place with "
                         f"--out.") from error
    return path


def main(config: Config) -> None:
    """Write, and say where."""
    print(f"Written: {export(config.run, config.to, config.out)}")


if __name__ == "__main__":
    run_command(Config, main)
