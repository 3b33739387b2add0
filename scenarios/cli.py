"""How every command starts and ends: options, log levels, one sentence for a wrong input."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Literal, NoReturn, TypeVar

Config = TypeVar("Config")
LogLevel = Literal["debug", "info", "warning", "error"]
ROOMS = ("__main__", "scenarios", "envs", "policies", "episodes", "training", "eval", "hardware")
BAD_INPUT = 2
INTERRUPTED, TERMINATED = 130, 143

logger = logging.getLogger(__name__)


class Terminated(KeyboardInterrupt):
    """SIGTERM came, or the terminal closed: it ends a command like Ctrl-C, with another code."""


def run_command(config_class: type[Config],
                main: Callable[[Config], Callable[[], None] | None],
                prog: str | None = None) -> NoReturn:
    """Parse the command line into `config_class`, call `main` with it and leave the process.

    Args:
        config_class: A frozen dataclass; its docstring and those under its fields are the help.
            A field `log_level: LogLevel` sets how much our own rooms log.
        main: Checks, loads and works. A ValueError from it is bad input: its sentence goes to
            standard error and the exit code is 2; so is a file that the system refuses. Where work
            follows in which they are bugs that want their traceback, `main` only checks and loads,
            and returns the work.
        prog: How the command is called, where `python -m MODULE` does not say all.
    """
    import tyro

    spec = sys.modules["__main__"].__spec__
    prog = prog or (f"python -m {spec.name}" if spec else None)
    config = tyro.cli(config_class, prog=prog)
    _log(getattr(config, "log_level", "info"))
    signal.signal(signal.SIGTERM, _terminate)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup` goes on without a terminal
        signal.signal(signal.SIGHUP, _terminate)
    try:
        work = _checked(main, config)
        if work is not None:
            work()
    except KeyboardInterrupt as stop:
        _say_to_whoever_is_left("Interrupted.")
        sys.exit(TERMINATED if isinstance(stop, Terminated) else INTERRUPTED)
    sys.exit(0)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated


def _say_to_whoever_is_left(words: str) -> None:
    """To standard error; what no terminal takes any more must not change the exit code."""
    for stream, last in ((sys.stdout, ""), (sys.stderr, f"{words}\n")):
        try:
            stream.write(last)
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _checked(main: Callable[[Config], Callable[[], None] | None],
             config: Config) -> Callable[[], None] | None:
    """What `main` returns, or the end of the process with one sentence."""
    try:
        return main(config)
    except (ValueError, OSError) as error:
        sentence = str(error)
        if isinstance(error, OSError):
            if error.filename is None:
                raise
            sentence = f"{error.filename}: {error.strerror}; choose another place, or mend this."
        logger.debug("Where it was found:", exc_info=True)
        print(f"error: {sentence}", file=sys.stderr)
        sys.exit(BAD_INPUT)


def _log(level: LogLevel) -> None:
    """Log our own rooms at `level`, everyone else's warnings, quietly to standard error."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S")
    for room in ROOMS:
        logging.getLogger(room).setLevel(level.upper())
