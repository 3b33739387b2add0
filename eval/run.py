"""Judge a policy: `python -m eval.run --policy hybrid --scenario 2box_hori_left`."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.config import Config, typed
from scenarios.cli import BAD_INPUT, run_command

if TYPE_CHECKING:
    from eval.session import Session

FAILED = 1  # the exit code of a run in which every episode is an error, or one cannot be driven

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A finished run."""

    folder: Path  # with report.md, summary.json and all else
    summary: dict[str, Any]  # the content of summary.json
    timing: dict[str, Any]  # the content of timing.json
    episodes: list[dict[str, Any]]  # the lines of episodes.jsonl, in the order of the plan
    decision: str | None = None  # with until_decided: who is better, in words


def run(config: Config | None = None, **options: Any) -> Result:
    """Judge a policy from Python: `run(policy="forward", scenario="2box_hori_left", episodes=2)`.

    Args:
        config: All options at once; or
        options: any of the fields of `Config`, with the same defaults as on the command line.

    Raises:
        ValueError: for anything wrong in the options or files; nothing is written then.
    """
    from eval.prepare import prepare

    session = prepare(config or Config(**options), said=options)
    with _resumable(session):
        for _ in session.drive():
            pass
        return _finish(session)


def main(config: Config, said: Collection[str] = ()) -> Callable[[], None]:
    """Check and load everything, and return the work; `said` as in `prepare`."""
    from eval.prepare import prepare

    session = prepare(config, said)
    return lambda: _work(session)


def _work(session: Session) -> None:
    """Drive with a progress bar, then show the table and say where the report is."""
    from episodes.engine import LostRunError
    from eval.terminal import follow, show
    from policies.interface import UnreachableError

    with _resumable(session):
        try:
            follow(session)
            result = _finish(session)
        except (LostRunError, UnreachableError) as lost:
            print(f"error: {lost}", file=sys.stderr)
            sys.exit(FAILED)
        except OSError as error:  # a full disk, say: no bug either
            logger.debug("Where it was found:", exc_info=True)
            print(f"error: {session.run.folder}: {error}; what is driven is kept.",
                  file=sys.stderr)
            sys.exit(BAD_INPUT)
    show(result.summary, result.timing, result.folder)
    if result.decision is not None:
        print(result.decision)
    errors = [line["error"] for line in result.episodes]
    if all(errors):
        print(f"error: every episode ended by an error of the policy: {errors[0]}",
              file=sys.stderr)
        sys.exit(FAILED)


@contextlib.contextmanager
def _resumable(session: Session) -> Iterator[None]:
    """Say how to go on where a run does not reach its end, whatever stopped it, and free it."""
    finished = False
    try:
        yield
        finished = True
    finally:
        session.hold.close()
        if not finished:
            logger.warning("Continue with: python -m eval.run --resume %s", session.run.folder)


def _finish(session: Session) -> Result:
    from eval.lock import alone_in
    from eval.report import write_report
    from eval.timing import write_timing

    run = session.run
    with alone_in(run.folder):
        lines = session.loop.settle(run, run.lines())
        summary = write_report(run, lines)
        timing = write_timing(run, lines, session.loop.spent)
        run.rewrite(lines)
    return Result(run.folder, summary, timing, lines, run.facts.get("until_decided"))


if __name__ == "__main__":
    run_command(Config, partial(main, said=typed(sys.argv[1:])))
