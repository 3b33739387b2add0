"""`python -m episodes.trial COMMAND`: tries a promise about episode files and prints a table.

The exit code is 0 only where the promise was kept in every case.
"""

from __future__ import annotations

import sys
from importlib import import_module

from scenarios.cli import BAD_INPUT, run_command

COMMANDS = {  # name -> module with its `Options` and `main`
    "crash": "episodes.trial.crash",
    "corruption": "episodes.trial.corruption",
    "documents": "episodes.trial.documents",
}


def main(arguments: list[str]) -> None:
    """Find the command, let it read its own options, and run it."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__ + "\nCommands, each with --help: " + ", ".join(COMMANDS))
        sys.exit(0 if arguments else BAD_INPUT)
    if arguments[0] not in COMMANDS:
        print(f"error: episodes.trial has no command {arguments[0]!r}, expected one of "
              f"{', '.join(COMMANDS)}.", file=sys.stderr)
        sys.exit(BAD_INPUT)
    module = import_module(COMMANDS[arguments[0]])
    sys.argv[1:] = arguments[1:]
    run_command(module.Options, module.main, prog=f"python -m episodes.trial {arguments[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
