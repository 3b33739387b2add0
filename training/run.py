"""Train a policy by one command: `python -m training.run --policy hybrid`.

Scenes -> towers -> episodes -> cached features -> head -> checkpoint with its training record -> a
drive on layouts of the purpose `val`. Every stage is kept in `--work` and is not done twice.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from scenarios.cli import run_command
from training.options import TrainingOptions

logger = logging.getLogger(__name__)


def run(options: TrainingOptions | None = None, **fields: Any) -> Path:
    """Train as the command does and return the checkpoint folder.

    Args:
        options: All options at once; or
        fields: any of the fields of `TrainingOptions`, with the command's defaults.

    Raises:
        ValueError: for data without instructions, towers that do not fit, unusable folders.
    """
    from training.stages import train

    options = options or TrainingOptions(**fields)
    return train(replace(options, appearance=os.fspath(options.appearance)))


def main(options: TrainingOptions) -> None:
    """The command."""
    try:
        print(f"Checkpoint: {run(options)}")
    except KeyboardInterrupt:
        logger.warning("The same command goes on from the last whole stage or epoch.")
        raise


if __name__ == "__main__":
    run_command(TrainingOptions, main)
