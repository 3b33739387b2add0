"""Compare all policies: `python -m eval.leaderboard --page docs/leaderboard.md`.

Every policy, training seed and loop is a run of its own in the leaderboard's folder, kept by its
content: the same command again drives only what is missing, and a killed one goes on.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from eval.leaderboard_options import Config, page_of
from scenarios.cli import run_command

FAILED = 1  # the exit code where one episode takes down whatever drives it

logger = logging.getLogger(__name__)


def leaderboard(config: Config | None = None, **options: Any) -> dict[str, Any]:
    """Compare from Python: `leaderboard(policy="hybrid,forward", quick=True)`.

    Args:
        config: All options at once; or
        options: any of the fields of `Config`, with the command's defaults.

    Returns:
        The content of leaderboard.json.

    Raises:
        ValueError: one sentence for anything wrong in the options, weights or files.
    """
    from eval.comparison import compare

    return compare(config or Config(**options)).as_json()


def main(config: Config) -> None:
    """Compare, and say who drives best and where the page is."""
    from episodes.engine import LostRunError
    from eval.comparison import compare

    try:
        board = compare(config)
    except OSError as error:  # a full disk, say: no bug either
        raise ValueError(f"{error}; the same command goes on from here.") from error
    except LostRunError as lost:
        print(f"error: {lost} The same command goes on from here.", file=sys.stderr)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        logger.info("The same command goes on from here.")
        raise
    for warning in board.warnings:
        print(warning)
    for line in board.advice:
        print(f"{line['need']}: {line['take'] or '-'} ({line['because']})")
    print(f"Leaderboard: {page_of(config)}")


if __name__ == "__main__":
    run_command(Config, main)
