"""What is in a weight file, and whether it fits: `python -m policies.inspect FILE`.

Takes safetensors and torch files (.pth, .pt), of ours and of others; nothing in them is run, and
their numbers are not read.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

BAD_INPUT = 2


@dataclass(frozen=True)
class Options:
    """Say what is in a weight file, and which of our models it fits."""

    file: Annotated[Path, tyro.conf.Positional]
    """A .safetensors, .pth or .pt file."""
    all_keys: bool = False
    """Name every missing and unexpected key, not only the first ones."""


def main() -> None:
    """The command."""
    options = tyro.cli(Options, prog="python -m policies.inspect")
    from policies.file_report import report

    try:
        print(report(options.file, options.all_keys))
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)
    except BrokenPipeError:  # `| head`
        sys.stderr.close()


if __name__ == "__main__":
    main()
