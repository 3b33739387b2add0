"""Collect drives by hand: `python -m hardware.collect --record drives`.

A menu of scenarios with progress against the planned counts, keys to drive with, every picture of
the camera kept, the operator's verdict at the end. The page does the same: `hardware.run --web`.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from envs.interface import RobotSpec
    from hardware.journal import Drive, Journal

FAILED = 1
END = "m"  # the laboratory's key
PATTERNS = {"c": "core", "v": "variant"}  # the laboratory's keys, too
DISTANCES = {"j": "close", "k": "medium", "l": "far"}
VERDICTS = {"y": "success", "n": "failure", "u": "unclear"}
MENU = ("1-8 scenario, c core or v variant, j close, k medium or l far, as in `7ck`; Enter: {}; "
        "q ends: ")


@dataclass(frozen=True)
class Config:
    """Collect drives by hand, with the laboratory's keys, against the planned counts.

    Over `sim` without --address a simulated robot is started in another process.
    """

    record: str = "drives"
    """Folder that the episode files are kept in."""
    transport: str = "sim"
    """How the robot is reached, as for hardware.run."""
    address: str | None = None
    """As for hardware.run."""
    seed: int = 0
    """Draws the simulated robot's layouts."""
    instruction: str | None = None
    """What the drives are said to follow; the scenario's English sentence where not given."""
    robot: str = "serbot"
    """Name or TOML file: what a command means in m/s."""
    profile: str = "serbot"
    """Name or TOML file of hardware/robots: limits, units and topics."""
    log_level: LogLevel = "info"
    """How much is logged."""


@dataclass(frozen=True)
class Choice:
    """What is to be driven next."""

    scenario: str
    pattern: str
    distance: str

    def __str__(self) -> str:
        """As the operator reads it."""
        return f"{self.scenario} {self.pattern} {self.distance}"


def main(config: Config) -> Callable[[], None]:
    """Check, and return the work."""
    from envs import load_robot
    from hardware.journal import Journal
    from hardware.profile import load_profile
    from hardware.transport import check_transport

    check_transport(config.transport, config.address)
    load_profile(config.profile)
    robot = load_robot(config.robot)
    if not sys.stdin.isatty():
        raise ValueError("Keys come from a terminal; standard input is none.")
    return lambda: _work(config, robot, Journal(Path(config.record)))


def _work(config: Config, robot: RobotSpec, journal: Journal) -> None:
    """Drive after drive, until the operator has enough."""
    from hardware.camera_tape import RecordingError
    from hardware.progress import table
    from hardware.safety import RefusedError
    from hardware.transport import LinkLostError

    try:
        while (choice := _chosen(journal.drives())) is not None:
            with contextlib.ExitStack() as stack:
                _collect(config, robot, choice, journal, stack)
        print(table(journal.drives()))
    except (EOFError, LinkLostError, RecordingError, RefusedError, ValueError) as error:
        print(f"error: {error or 'the terminal was closed.'}", file=sys.stderr)
        sys.exit(FAILED)


def choice_of(said: str, drives: list[Drive]) -> Choice:
    """What a line of the menu chooses; what it leaves open is what the plan lacks first.

    Raises:
        ValueError: for a line that is none.
    """
    from hardware.progress import progress

    said = said.replace(" ", "").lower()
    found = re.fullmatch(r"([1-8]?)([cv]?)([jkl]?)", said)
    if found is None:
        raise ValueError(f"{said!r:.40} is not in the menu.")
    digit, pattern, distance = found.groups()
    rows = progress(drives)
    lacking = [row for row in rows if row.kept < row.planned] or rows
    row = rows[int(digit) - 1] if digit else lacking[0]
    return Choice(row.name, PATTERNS.get(pattern, row.next.pattern),
                  DISTANCES.get(distance, row.next.distance))


def _chosen(drives: list[Drive]) -> Choice | None:
    """Show progress and ask; None: the operator has enough."""
    from hardware.progress import table

    print(table(drives))
    while True:
        said = input(MENU.format(choice_of("", drives)))
        if said.strip().lower() == "q":
            return None
        try:
            return choice_of(said, drives)
        except ValueError as error:
            print(error)


def _collect(config: Config, robot: RobotSpec, choice: Choice, journal: Journal,
             stack: contextlib.ExitStack) -> None:
    """Lay out, drive by hand, keep, judge."""
    from hardware.camera_tape import CameraTape
    from hardware.keys import HELP, Keys
    from hardware.pilot import Pilot
    from hardware.referee import Referee
    from hardware.teleop import steer, typed
    from hardware.transport import Place
    from scenarios import episode_seed, load

    scenario, address = load(choice.scenario), config.address or ""
    if config.transport == "sim" and not address:
        referee = Referee(choice.scenario, config.robot, config.seed)
        stack.callback(referee.close)
        index = sum(drive.scenario == choice.scenario for drive in journal.drives())
        referee.reset(episode_seed("eval", config.seed, scenario.layout_group, index),
                      {"pattern": choice.pattern, "distance": choice.distance})
        address = referee.address
    pilot = Pilot(Place(config.transport, address, config.profile), "manual")
    stack.callback(pilot.close)
    tape = CameraTape(pilot, robot)
    stack.callback(tape.close)
    words = config.instruction or scenario.instructions.english
    tape.begin(journal.folder, scenario.name, {
        "source": pilot.source, "pattern": choice.pattern, "distance": choice.distance,
        "instruction": words, "scenario_hash": scenario.hash(), "robot_profile": config.profile,
        "mode": "manual", "policy": "operator"})
    print(f"{choice}: {words}\n{HELP}\n{END} ends the drive.")
    with contextlib.closing(typed()) as keys:
        steer(Keys(robot), pilot, _until_end(keys, tape.check))
    pilot.disarm()
    _keep(tape.end(ended_by="operator", stopped=""), journal, words)


def _until_end(keys: Iterator[str], check: Callable[[], None]) -> Iterator[str]:
    """Keys until the one that ends a drive, as long as it can be recorded."""
    for key in keys:
        check()
        if key.lower() == END:
            return
        yield key


def _keep(done: Any, journal: Journal, words: str) -> None:
    """Say what was kept, and ask for the verdict."""
    from hardware.journal import Drive

    print(f"\n{done.frames} pictures, {done.dropped} missed. {done.failed}")
    if not done.files:
        return
    first = done.files[0].stem
    for part, path in enumerate(done.files):
        journal.note(Drive(path.stem, instruction=words, mode="manual", ended_by="operator",
                           frames=done.frames, dropped=done.dropped,
                           part_of=first if part else ""))
    said = ""
    while said not in VERDICTS:
        said = input("Did it succeed? y yes, n no, u unclear: ").strip().lower()
    journal.judge(first, VERDICTS[said])


if __name__ == "__main__":
    run_command(Config, main)
