"""Drive a robot by hand: `python -m hardware.teleop --scenario 2box_hori_left`."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from hardware.keys import Keys
    from hardware.pilot import Pilot

LOOK_S = 0.1  # between two looks at how things stand
FAILED = 1


@dataclass(frozen=True)
class Config:
    """Drive a robot with the laboratory's keys; letting go stops it after 0.4 s.

    Over `sim` without --address a simulated robot is started in another process.
    """

    transport: str = "sim"
    """How the robot is reached: sim, dds, ros, serbot, replay."""
    address: str | None = None
    """sim: host:port of `python -m envs.serve`; dds: ROS_DOMAIN_ID; replay: an episode's file."""
    scenario: str = "1box_vert_left"
    """Which room the simulated robot stands in."""
    seed: int = 0
    """Draws its layout."""
    robot: str = "serbot"
    """Name or TOML file: what a command means in m/s."""
    profile: str = "serbot"
    """Name or TOML file of hardware/robots: limits, units and topics."""
    log_level: LogLevel = "info"
    """How much is logged."""


def main(config: Config) -> Callable[[], None]:
    """Check, and return the work."""
    from envs import load_robot
    from hardware.keys import Keys
    from hardware.profile import load_profile
    from hardware.transport import check_transport

    check_transport(config.transport, config.address)
    load_profile(config.profile)
    keys = Keys(load_robot(config.robot))
    if not sys.stdin.isatty():
        raise ValueError("Keys come from a terminal; standard input is none.")
    return lambda: _work(config, keys)


def _work(config: Config, keys: Keys) -> None:
    from hardware.keys import HELP
    from hardware.pilot import Pilot
    from hardware.referee import Referee
    from hardware.transport import LinkLostError, Place

    with contextlib.ExitStack() as stack:
        try:
            address = config.address or ""
            if config.transport == "sim" and not address:
                referee = Referee(config.scenario, config.robot, config.seed)
                stack.callback(referee.close)
                address = referee.address
            pilot = Pilot(Place(config.transport, address, config.profile), "manual")
            stack.callback(pilot.close)
            print(HELP)
            steer(keys, pilot, typed())
        except (LinkLostError, ValueError) as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(FAILED)


def steer(keys: Keys, pilot: Pilot, pressed: Iterator[str]) -> None:
    """Do what keys say until there are none any more; `pressed` gives "" where nothing was."""
    from hardware.safety import RefusedError

    said = ""
    for key in pressed:
        try:
            said = keys.press(key, pilot) if key else said
        except RefusedError as refused:
            said = str(refused)
        state = pilot.state()
        vx, vy, wz = state.velocity
        print(f"\r{state.mode:6} {'armed' if state.armed else 'DISARMED':8} "
              f"{vx:+.2f} {vy:+.2f} m/s {wz:+.2f} rad/s  {state.why or 'driving':14} {said:.60}"
              "\x1b[K", end="", flush=True)


def typed() -> Generator[str, None, None]:
    """Keys as they are pressed, "" every 0.1 s; ends when the terminal is closed."""
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        while True:
            if not select.select([terminal], [], [], LOOK_S)[0]:
                yield ""
                continue
            key = os.read(terminal, 1)
            if not key:
                return
            yield key.decode("ascii", "replace")
    except OSError:  # the terminal is gone
        return
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)
        print()


if __name__ == "__main__":
    run_command(Config, main)
