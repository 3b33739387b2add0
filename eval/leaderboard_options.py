"""The options of `eval.leaderboard`, for the command line and for Python."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import arg

from scenarios.cli import LogLevel
from scenarios.layout import JUDGING_ROOT

FULL, QUICK = (100, 240), (5, 16)  # layouts per scenario, held-out episodes in total
PATHS = ("seeds_from", "episodes_from", "data", "curves", "out", "page")
# What no number depends on, or what says where things lie on one machine:
NOT_TOLD = ("out", "page", "workers", "log_level")


@dataclass(frozen=True)
class Config:
    """Drive every policy through every scenario on the same layouts, and compare.

    Writes a page with tables and pictures, and a JSON with every number: success with intervals,
    one-step errors, cost, what each part of the models is worth, and which one to take.
    """

    policy: str = "all"
    """Names, module:Class or checkpoint folders with commas between them; all: every model of the
    comparison, the baselines and the privileged expert."""
    ablations: bool = False
    """Variants that change one part of a model, too."""
    seeds_from: Annotated[Path | None, arg(metavar="DIR")] = None
    """Folder with weights of further training seeds, seed_<k>/<name>, as training.run --seeds
    writes them. Seed 0 are the shipped weights, or DIR/<name> where none are shipped."""
    episodes: Annotated[int | None, arg(metavar="N")] = None
    """Layouts per scenario in the closed loop: 100, or 5 with --quick."""
    scenario: str = "all"
    """Name, TOML file, or all eight."""
    seed: int = 0
    """Root of the layouts (purpose eval: no training can draw them)."""
    appearance: str = "nominal"
    """How episodes look: nominal, randomised, mixed or a profile's TOML file."""
    data_episodes: Annotated[int | None, arg(metavar="N")] = None
    """Held-out episodes for one-step errors, all scenarios together: 240, or 16 with --quick."""
    data_seed: int = 700_000
    """Root of these episodes; must be another than that of any training."""
    episodes_from: Annotated[Path | None, arg(metavar="DIR")] = None
    """Take the simulated episodes of this folder instead of generating some."""
    data: Annotated[Path | None, arg(metavar="DIR")] = None
    """Laboratory files: one-step errors in a table of their own, by source."""
    instruction: str = "default"
    """What policies are told about files of --data; default: what stands in the files."""
    curves: Annotated[Path | None, arg(metavar="FILE")] = None
    """Learning curves as JSON, for the advice on little data (eval/curves.py says the format)."""
    random_weights: bool = False
    """Measure models without weights with random ones; said loudly everywhere."""
    quick: bool = False
    """A small one, for a first look."""
    out: Path = Path("runs/leaderboard")
    """Folder of the runs; the same command again goes on there."""
    page: Annotated[Path | None, arg(metavar="FILE.md")] = None
    """The page; its pictures and JSON lie beside it. OUT/leaderboard.md where not given."""
    device: Annotated[str | None, arg(metavar="NAME")] = None
    """Where models run: cpu, cuda."""
    workers: Annotated[int | None, arg(metavar="N")] = None
    """Supervised processes that drive; as many as pay where not given. No number depends on it."""
    log_level: LogLevel = "info"
    """How much is logged."""


def page_of(config: Config) -> Path:
    """Where the page goes."""
    return Path(config.page or Path(config.out) / "leaderboard.md")


def filled(config: Config) -> Config:
    """The options with their sizes; paths from Python may be text.

    Raises:
        ValueError: for numbers out of range and a page that is no Markdown file.
    """
    episodes, data_episodes = QUICK if config.quick else FULL
    values: dict[str, Any] = {name: Path(value) for name in PATHS
                              if (value := getattr(config, name)) is not None}
    values["episodes"] = episodes if config.episodes is None else config.episodes
    values["data_episodes"] = (data_episodes if config.data_episodes is None
                               else config.data_episodes)
    config = dataclasses.replace(config, **values)
    for name, least in (("episodes", 1), ("data_episodes", 1), ("seed", 0), ("data_seed", 0),
                        ("workers", 0)):
        value = getattr(config, name)
        if value is not None and value < least:
            raise ValueError(f"--{name.replace('_', '-')} must be {least} or more, got {value}.")
    if config.data_seed >= JUDGING_ROOT:
        raise ValueError(f"--data-seed must be less than {JUDGING_ROOT}, got {config.data_seed}: "
                         f"roots from there up are kept for layouts that are judged.")
    if page_of(config).suffix != ".md":
        raise ValueError(f"--page must be a Markdown file like docs/leaderboard.md, "
                         f"got {page_of(config)}.")
    return config


def command(config: Config) -> str:
    """The command line that makes the same page, without the places of one machine."""
    words = ["python -m eval.leaderboard", *(["--quick"] if config.quick else [])]
    usual = filled(Config(quick=config.quick))
    told = [field.name for field in dataclasses.fields(Config) if field.name not in NOT_TOLD]
    for name in told:
        value = getattr(config, name)
        if value != getattr(usual, name):
            option = f"--{name.replace('_', '-')}"
            words.append(option if value is True else f"{option} {_shown(value)}")
    if config.page is not None:
        words.append(f"--page {_shown(config.page)}")
    return " ".join(words)


def plain(config: Config) -> dict[str, Any]:
    """The options ready for JSON, without the places of one machine."""
    return {name: _shown(value) for name, value in vars(config).items() if name not in NOT_TOLD}


def _shown(value: Any) -> Any:
    """An absolute path says more of a machine than of an experiment."""
    if isinstance(value, Path):
        return value.name if value.is_absolute() else value.as_posix()
    return value
