"""What moves a policy's result: suites of arms that are driven on the same seeds as a control.

A suite is data: its arms, each a change to the options of `eval.run`, and a function that says what
beyond the paired differences is its result. `eval.suite` drives any of them.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from scenarios import did_you_mean

if TYPE_CHECKING:
    from eval.suites.arm import Suite

SUITES = {  # name -> module:object
    "language": "eval.suites.language:SUITE",
    "appearance": "eval.suites.appearance:SUITE",
    "dynamics": "eval.suites.dynamics:SUITE",
    "latency": "eval.suites.latency:SUITE",
    "layout": "eval.suites.layout:SUITE",
    "symmetry": "eval.suites.symmetry:SUITE",
}


def find(name: str) -> Suite:
    """The suite of that name.

    Raises:
        ValueError: for an unknown name ("Did you mean").
    """
    if name not in SUITES:
        known = [*SUITES, "sim2real"]
        raise ValueError(f"Unknown suite {name!r}.{did_you_mean(name, known)} Expected one "
                         f"of {', '.join(known)}.")
    module, _, found = SUITES[name].partition(":")
    return getattr(importlib.import_module(module), found)
