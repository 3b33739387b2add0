"""`python -m eval.bench policy`: how long decisions take here, beside the least that they can.

Importing this needs neither tyro nor a simulator, so that a GPU machine with torch, transformers,
numpy, open_clip_torch and ftfy measures by `main(PolicyOptions("hybrid", device="cuda"))`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class PolicyOptions:
    """Time a policy on this machine, stage by stage and from a frame to a command.

    Bandwidth and peak of the machine are measured in the same run; exit code 1 where a time is
    below its floor.
    """

    policy: str
    """Name, module:Class or checkpoint folder, as for eval.run."""
    size: Literal["mini", "full"] | None = None
    """Of its towers and head."""
    device: str | None = None
    """cpu or cuda."""
    dtype: Literal["fp32", "bf16", "fp16", "int8"] | None = None
    """What the towers compute in; with an engine, and with int8, the head too."""
    engine: Literal["eager", "compile", "graph"] | None = None
    """Go step by step, every weight read once: as it is, compiled, or as one CUDA graph; for
    hybrid, kosmos_lstm and their variants."""
    checkpoint: str | None = None
    """Folder with the weights; the shipped ones where not given."""
    random_weights: bool = False
    """Load none: times are the same, commands mean nothing."""
    batch: int = 1
    """Robots that are decided for at once."""
    picture: tuple[int, int] = (720, 1280)
    """Height and width of a frame."""
    execute: int = 1
    """Rows of a plan that are driven before asking again: for actions a second."""
    threads: int | None = None
    """Of the processor; torch's choice where not given."""
    decisions: int = 200
    """Timed, at most; as many again are timed stage by stage."""
    seconds: float = 20.0
    """After so many no further decision begins, once there are five."""
    out: Path | None = None
    """A JSON file for every number."""


def main(options: PolicyOptions) -> None:
    """The command."""
    from eval.bench.policy_numbers import found, guard
    from eval.bench.policy_tables import told

    numbers = found(options)
    print(told(numbers))
    if options.out is not None:
        options.out.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    guard(numbers)
