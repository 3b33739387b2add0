"""The laboratory's keys: what each does. No terminal is needed here; `hardware.teleop` reads one.

W A S D drive, Q E Z C drive diagonally, R T turn, space stops; F and G are less and more throttle,
as the laboratory's first node has them (its second has them the other way round).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from envs.interface import COMMAND_LIMIT, RobotSpec

if TYPE_CHECKING:
    from hardware.pilot import Pilot

FULL = COMMAND_LIMIT
MOVES: dict[str, tuple[float, float, float]] = {  # linear_x, linear_y (left), angular_z
    "w": (FULL, 0.0, 0.0), "s": (-FULL, 0.0, 0.0),
    "a": (0.0, FULL, 0.0), "d": (0.0, -FULL, 0.0),
    "q": (FULL, FULL, 0.0), "e": (FULL, -FULL, 0.0),
    "z": (-FULL, FULL, 0.0), "c": (-FULL, -FULL, 0.0),
    "r": (0.0, 0.0, FULL), "t": (0.0, 0.0, -FULL),
    " ": (0.0, 0.0, 0.0),
}
MODES = {"m": "manual", "v": "vla", "h": "shared"}
STEP, LEAST, MOST = 10, 10, 100  # throttle, percent
EMERGENCY = ("x", "\x1b")  # X and Escape
HELP = ("w a s d drive, q e z c diagonally, r t turn, space stands; f g throttle; m manual, v vla, "
        "h shared; Enter arms, u releases the stop, x or Escape: EMERGENCY STOP; Ctrl-C ends")


@dataclass
class Keys:
    """Turns pressed keys into what a pilot is asked for."""

    robot: RobotSpec
    throttle: int = MOST  # percent of the full speed

    def velocity(self, key: str) -> list[float] | None:
        """The velocity [3] that a key asks for, None where it is no key to drive with."""
        if key not in MOVES:
            return None
        full = self.robot.velocity(np.array(MOVES[key], np.float32))
        return (full * self.throttle / MOST).tolist()

    def press(self, key: str, pilot: Pilot) -> str:
        """Do what a key says; returns what happened, for the operator.

        Args:
            key: One letter, as typed; capitals count as small ones.
            pilot: Who is asked.

        Raises:
            RefusedError: where the robot must not do it.
        """
        key = key if key in EMERGENCY else key.lower()
        velocity = self.velocity(key)
        if velocity is not None:
            pilot.command(velocity, source="operator")
            return "stand" if key == " " else f"drive ({self.throttle} %)"
        return self._other(key, pilot)

    def _other(self, key: str, pilot: Pilot) -> str:
        match key:
            case "x" | "\x1b":
                pilot.stop("key")
                return "EMERGENCY STOP; u releases it, Enter arms again"
            case "\r" | "\n":
                pilot.arm()
                return "armed"
            case "u":
                pilot.release()
                return "released, not armed"
            case "m" | "v" | "h":
                pilot.set_mode(MODES[key])
                return f"mode {MODES[key]}"
            case "f" | "g":
                self.change_throttle(more=key == "g")
                return f"throttle {self.throttle} %"
        return HELP

    def change_throttle(self, *, more: bool) -> None:
        """One step more or less, within its limits."""
        change = STEP if more else -STEP
        self.throttle = min(MOST, max(LEAST, self.throttle + change))
