"""What moves a policy's success? `python -m eval.suite language --policy hybrid`.

Every suite drives the unperturbed control on the same episodes; its result are paired differences.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.suites.options import Config
from scenarios.cli import BAD_INPUT, run_command

if TYPE_CHECKING:
    from eval.suites.arm import Arm, Extra, Found

SIM2REAL = "sim2real"  # compares episodes and drives no arms, so it has options of its own
FAILED = 1  # the exit code where one episode takes down whatever drives it

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A finished suite."""

    folder: Path  # with report.md, suite.json, pictures and the arms' runs
    content: dict[str, Any]  # of suite.json
    found: Found
    extra: Extra  # what the suite finds beyond the differences

    @property
    def said(self) -> list[str]:
        """The result in words."""
        return self.content["said"]


def suite(name: str | None = None, config: Config | None = None, **options: Any) -> Result:
    """Drive a suite from Python: `suite("language", policy="hybrid", episodes=2)`.

    Args:
        name: Which one; not wanted where `resume` says it.
        config: All options at once; or
        options: any of the fields of `Config`, with the command's defaults.

    Raises:
        ValueError: for anything wrong in the options, or runs that do not pair.
    """
    from eval.suites.driving import begin

    folder, config, arms = begin(config or Config(suite=name, **options))
    return _drive(folder, config, arms)


def main(config: Config) -> Callable[[], None]:
    """Check and make the folder, and return the work."""
    from eval.suites.driving import begin

    begun = begin(config)
    return lambda: _work(*begun)


def _drive(folder: Path, config: Config, arms: list[Arm]) -> Result:
    from eval.suites import find
    from eval.suites.driving import drive, forget_if_empty
    from eval.suites.judging import judged
    from eval.suites.page import write

    try:
        found = judged(drive(folder, config, arms), find(config.suite or "").same_versions)
    except BaseException:
        if not forget_if_empty(folder):
            logger.warning("Continue with: python -m eval.suite --resume %s", folder)
        raise
    content, extra = write(folder, found)
    return Result(folder, content, found, extra)


def _work(folder: Path, config: Config, arms: list[Arm]) -> None:
    """Drive, then show the tables and say where the report is."""
    from episodes.engine import LostRunError
    from policies.interface import UnreachableError

    try:
        result = _drive(folder, config, arms)
    except (LostRunError, UnreachableError) as lost:
        print(f"error: {lost}", file=sys.stderr)
        sys.exit(FAILED)
    except (OSError, ValueError) as error:  # an option that no arm can drive with; a full disk
        logger.debug("Where it was found:", exc_info=True)
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    _show(result)


def _show(result: Result) -> None:
    """Print warnings and tables, what it means, and where the report is."""
    from rich.text import Text

    from eval.suites.judging import HOW
    from eval.suites.page import tables
    from eval.terminal import console_of, print_table

    console = console_of()
    for warning in result.content["warnings"]:
        console.print(Text(warning, style="bold red"))
    for title, content in tables(result.found, result.extra).items():
        print_table(console, title, content)
    console.print(HOW, highlight=False, markup=False)
    for line in result.said:
        console.print(Text(line, style="bold"), soft_wrap=True)
    console.print(f"Report: {result.folder / 'report.md'}", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    if sys.argv[1:2] == [SIM2REAL]:
        from eval.sim2real import command

        del sys.argv[1]
        run_command(command.Config, command.main, prog=f"python -m eval.suite {SIM2REAL}")
    run_command(Config, main)
