"""`python -m eval.bench COMMAND`: one table of commands, each a file with options and a `main`.

A command's options are light to import; what measures is imported by its `main`.
"""

from __future__ import annotations

import sys
from importlib import import_module

from eval.bench.floors import ImpossibleError
from scenarios.cli import run_command

COMMANDS = {  # name -> (module, its options); each module has a `main` that takes them
    "floor": ("eval.bench.floor", "FloorOptions"),
    "policy": ("eval.bench.policy", "PolicyOptions"),
    "claims": ("eval.bench.claims", "ClaimsOptions"),
    "safety": ("eval.bench.safety", "SafetyOptions"),
    "robot": ("eval.bench.robot", "RobotOptions"),
}
BAD_INPUT, IMPOSSIBLE = 2, 1


def main(arguments: list[str]) -> None:
    """Find the command, let it read its own options, and run it."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__ + "\nCommands, each with --help: " + ", ".join(COMMANDS))
        sys.exit(0 if arguments else BAD_INPUT)
    if arguments[0] not in COMMANDS:
        print(f"error: eval.bench has no command {arguments[0]!r}, expected one of "
              f"{', '.join(COMMANDS)}.", file=sys.stderr)
        sys.exit(BAD_INPUT)
    module_name, options = COMMANDS[arguments[0]]
    module = import_module(module_name)
    sys.argv[1:] = arguments[1:]
    try:
        run_command(getattr(module, options), module.main,
                    prog=f"python -m eval.bench {arguments[0]}")
    except ImpossibleError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(IMPOSSIBLE)


if __name__ == "__main__":
    main(sys.argv[1:])
