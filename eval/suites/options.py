"""The options of `eval.suite`, for the command line and for Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from eval.config import Config as RunConfig
from scenarios.cli import LogLevel

# Options of one call, not of the suite:
NOT_STORED = ("resume", "log_level", "workers", "out")
OWN = ("suite", "arms", "out", "resume", "log_level")  # the others are eval.run's


@dataclass(frozen=True)
class Config:
    """Drive a policy with one thing changed at a time, and what each change costs.

    Every arm drives the same episodes as the unperturbed control; the result are paired
    differences. Writes a folder with report.md, suite.json, pictures and one run an arm.
    """

    suite: Annotated[str | None, arg(metavar="NAME"), Positional] = None
    """Which one; docs/suites.md says what each does. `sim2real --data DIR` has other options."""
    policy: Annotated[str | None, arg(metavar="P")] = None
    """Name, module:Class or checkpoint folder."""
    scenario: str = "all"
    """Name, TOML file, or all eight."""
    episodes: Annotated[int, arg(metavar="N")] = 5
    """How many per scenario and arm."""
    seed: int = 0
    """The root of all chance, the same in every arm."""
    arms: tuple[str, ...] = ()
    """Only these; all of the suite where not given. The control is always driven."""
    size: Annotated[Literal["mini", "full"] | None, arg(metavar="{mini,full}")] = None
    """Size of the model's towers."""
    checkpoint: Annotated[str | None, arg(metavar="DIR")] = None
    """Folder with the policy's weights."""
    device: Annotated[str | None, arg(metavar="NAME")] = None
    """Where the model runs: cpu, cuda."""
    robot: str = "serbot"
    """Name or TOML file."""
    execute: int = 1
    """Rows of a plan that are driven before asking again."""
    appearance: str = "nominal"
    """How episodes look, in the control too."""
    batch: Annotated[int, arg(metavar="N")] = 8
    """Robots that the policy answers in one call."""
    workers: Annotated[int | None, arg(metavar="N")] = None
    """Processes that drive, as in eval.run."""
    random_weights: bool = False
    """Do not load weights; said loudly in every result."""
    out: str = "runs"
    """Folder for results."""
    resume: Annotated[str | None, arg(metavar="SUITE")] = None
    """Folder of an interrupted suite: drive what is missing."""
    log_level: LogLevel = "info"
    """How much is logged."""


def run_options(config: Config, changes: dict[str, Any]) -> RunConfig:
    """What `eval.run` is asked for in one arm."""
    shared = {name: value for name, value in vars(config).items() if name not in OWN}
    own = {name: value.replace("{policy}", config.policy) if name == "policy" else value
           for name, value in changes.items()}
    return RunConfig(**shared | {"videos": 0, "log_level": config.log_level} | own)
