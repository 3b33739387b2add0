"""The options of `eval.run`, for the command line and for Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Annotated, Literal

from tyro.conf import arg

from scenarios.cli import LogLevel


@dataclass(frozen=True)
class Config:
    """Judge a policy: drive it in simulation, or compare its answers with recorded episodes.

    Writes a folder runs/<date-time>_<policy>_<scenario> with report.md, summary.json, every
    episode's numbers, arrays and pictures. The same seed drives the same episodes, whichever
    policy drives.
    """

    policy: Annotated[str | None, arg(metavar="NAME")] = None
    """Name, module:Class or checkpoint folder: hybrid, forward, expert, my_policy:Mine."""
    scenario: str = "all"
    """Name, TOML file, a folder of such files, or all eight."""
    episodes: Annotated[int | None, arg(metavar="N")] = None
    """How many per scenario: 10 in the closed loop, all recorded files in the open loop."""
    seed: int = 0
    """The root of all chance: layouts, jitter, a random policy's draws."""
    loop: Literal["closed", "open"] = "closed"
    """Drive (closed), or compare answers with recorded commands, one step at a time (open)."""
    data: Annotated[str | None, arg(metavar="DIR")] = None
    """Folder with episode_*.h5, or one such file; for --loop open."""
    size: Annotated[Literal["mini", "full"] | None, arg(metavar="{mini,full}")] = None
    """Size of the model's towers; the policy's own default where not given."""
    checkpoint: Annotated[str | None, arg(metavar="DIR")] = None
    """Folder with the policy's weights; the shipped ones where not given."""
    robot: str = "serbot"
    """Name or TOML file."""
    execute: int = 1
    """Rows of a plan that are driven before asking again."""
    instruction: str = "default"
    """default: the scenario's English sentence; none: no words at all; words of your own; or a
    wording of docs/suites.md: @swapped, @paraphrases, @punctuation, @capitals, @korean, @nonsense,
    @empty."""
    latency: Annotated[str | None, arg(metavar="SECONDS|KIND|trace:FILE")] = None
    """Drive on a virtual clock: the world goes on for so long while the policy thinks. Seconds,
    uniform:A:B, normal:MEAN:SD, lognormal:MEDIAN:SIGMA or trace:FILE. It waits where not given."""
    hold: Literal["zero", "last"] = "zero"
    """With --latency, where a command's time is over and no newer is there: stand, or go on."""
    renderer: Literal["fast", "tiny"] = "fast"
    """Which camera; tiny is PyBullet's own. Part of the result's identity."""
    appearance: str = "nominal"
    """How episodes look: nominal, randomised, mixed or a profile's TOML file."""
    dynamics: str = "nominal"
    """What is wrong with the drive: slip=0.2,delay_s=0.1 and others of docs/suites.md."""
    device: Annotated[str | None, arg(metavar="NAME")] = None
    """Where the model runs: cpu, cuda; the policy's own default where not given."""
    dtype: Annotated[Literal["fp32", "bf16", "fp16"] | None, arg(metavar="{fp32,bf16,fp16}")] = None
    """What the model's towers compute in; the policy's own default (fp32) where not given."""
    batch: Annotated[int, arg(metavar="N")] = 8
    """Robots that the policy answers in one call; part of the result's identity."""
    workers: Annotated[int | None, arg(metavar="N")] = None
    """Supervised processes that drive; as many as pay where not given. 0: this one alone, for a
    debugger: nobody notices where it hangs. No result depends on it."""
    engine: Literal["local", "ray"] = "local"
    """Where they run: on this machine, or on all of a Ray cluster (docs/many_machines.md)."""
    address: Annotated[str | None, arg(metavar="HOST:PORT")] = None
    """The Ray cluster's; the one that this machine is in where not given."""
    random_weights: bool = False
    """Do not load weights. For tests and benchmarks; said loudly in every result."""
    until_decided: bool = False
    """Drive the episodes of --against until it is decided who is better, then stop."""
    against: Annotated[str | None, arg(metavar="RUN")] = None
    """A finished run; scenarios, seed, robot and looks are its own."""
    alpha: float = 0.05
    """With --until-decided: the chance of a false alarm, however often one looks."""
    min_effect: float = 0.05
    """With --until-decided: the difference that matters; 0.05 are five points of success."""
    out: str = "runs"
    """Folder for results."""
    videos: int = 1
    """How many episodes are filmed (closed loop), spread over the scenarios."""
    resume: Annotated[str | None, arg(metavar="RUN")] = None
    """Folder of an interrupted run: drive what is missing, with the configuration it began with."""
    log_level: LogLevel = "info"
    """How much is logged, here and in the run's run.log."""


def typed(arguments: Sequence[str]) -> set[str]:
    """The fields of `Config` that a command line gives, be it with their defaults."""
    given = {each.partition("=")[0].removeprefix("--").replace("-", "_")
             for each in arguments if each.startswith("--")}
    return {field.name for field in fields(Config)
            if given & {field.name, f"no_{field.name}"}}
