"""The command and the function: read, generate the simulated side, fit, write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from eval.sim2real.profiles import LOOK, ROBOT
from scenarios.cli import LogLevel

if TYPE_CHECKING:
    from eval.sim2real.look import Found

SCHEMA_VERSION = 1
HELD_OUT_ROOT = 31_415  # of generated episodes: no shipped policy learned from them


@dataclass(frozen=True)
class Config:
    """Put recorded episodes beside simulated ones, and fit the simulated robot to them.

    Writes a folder with report.md, sim2real.json, fitted_robot.toml and fitted_look.toml,
    which --robot and --appearance take.
    """

    data: Annotated[Path, arg(metavar="DIR")]
    """Folder with the laboratory's files episode_*.h5."""
    policy: Annotated[str | None, arg(metavar="P")] = None
    """Also this policy's one-step errors on both sides."""
    robot: str = "serbot"
    """Name or TOML file: where the fit begins, and what it leaves untold."""
    against: Annotated[Path | None, arg(metavar="DIR")] = None
    """Simulated episodes that nobody learned from; generated where not given."""
    episodes: Annotated[int, arg(metavar="N")] = 24
    """How many are generated."""
    out: str = "runs"
    """Folder for results."""
    log_level: LogLevel = "info"
    """How much is logged."""


@dataclass(frozen=True)
class Result:
    """What was found, and where it is written."""

    folder: Path  # with report.md, sim2real.json and both profiles
    content: dict[str, Any]  # of sim2real.json
    found: Found

    @property
    def robot(self) -> Path:
        """The fitted robot, for `--robot`."""
        return self.folder / f"{ROBOT}.toml"

    @property
    def appearance(self) -> Path:
        """The fitted look, for `--appearance`."""
        return self.folder / f"{LOOK}.toml"


def sim2real(data: Path | str, **options: Any) -> Result:
    """Compare and fit from Python, with the command's defaults.

    Args:
        data: Folder with the laboratory's files.
        options: The fields of `Config`.

    Raises:
        ValueError: for folders without episodes, damaged files, what cannot be generated or asked.
    """
    return _done(Config(data=Path(data), **options))


def main(config: Config) -> None:
    """Compare, fit, write, and show it."""
    _show(_done(config), config)


def _done(config: Config) -> Result:
    from envs import load_robot
    from eval.results import write_json
    from eval.sim2real import page
    from eval.sim2real.look import compared, one_step_errors, read
    from eval.sim2real.profiles import write_appearance, write_robot

    base = load_robot(config.robot)
    folder = Path(config.out) / f"{datetime.now():%Y%m%d-%H%M%S}_sim2real"
    recorded_side = read(config.data, base, with_tracks=True)
    simulated = config.against or _generated(folder / "simulated", config.episodes)
    simulated_side = read(simulated, base, with_tracks=False)
    folders = {"recorded": config.data, "simulated": simulated}
    errors = one_step_errors(config.policy, folders, folder / "runs") if config.policy else {}
    found = compared(recorded_side, simulated_side, base, errors)
    folder.mkdir(parents=True, exist_ok=True)
    remarks = page.remarks(found, base)
    write_robot(folder / f"{ROBOT}.toml", found.robot, remarks)
    write_appearance(folder / f"{LOOK}.toml", found.exposure and found.exposure[0], remarks)
    content = {"schema_version": SCHEMA_VERSION, "data": str(config.data),
               "policy": config.policy} | page.as_json(found, base)
    write_json(folder / "sim2real.json", content)
    _write_report(folder, found, config)
    return Result(folder, content, found)


def _generated(folder: Path, episodes: int) -> Path:
    from episodes.generate import generate

    generate(folder, episodes=episodes, seed=HELD_OUT_ROOT, workers=0)
    return folder


def _write_report(folder: Path, found: Found, config: Config) -> None:
    from envs import load_robot
    from episodes.atomic import write_atomically
    from eval.sim2real import page
    from eval.table import markdown

    parts = [f"# Recorded against simulated: {found.recorded.source} episodes",
             *[f"> **{each}**" for each in page.warnings(found)],
             "\n".join(f"- {each}" for each in page.said(found)),
             *[f"## {title}\n\n{markdown(table)}"
               for title, table in page.tables(found, load_robot(config.robot)).items()],
             "## What no such episodes can tell\n\n" + "\n".join(
                 f"- {each}" for each in page.CAUTION)]
    write_atomically(folder / "report.md", ("\n\n".join(parts) + "\n").encode())


def _show(result: Result, config: Config) -> None:
    from rich.text import Text

    from envs import load_robot
    from eval.sim2real import page
    from eval.terminal import console_of, print_table

    console = console_of()
    for warning in page.warnings(result.found):
        console.print(Text(warning, style="bold red"))
    for title, table in page.tables(result.found, load_robot(config.robot)).items():
        print_table(console, title, table)
    for line in page.said(result.found):
        console.print(Text(line, style="bold"), soft_wrap=True)
    console.print(f"Report: {result.folder / 'report.md'}; drive with --robot {result.robot} "
                  f"--appearance {result.appearance}", soft_wrap=True, highlight=False)
