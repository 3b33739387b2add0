"""A base that does not do what it is told: faults of the drive, by numbers. Needs numpy alone.

`Faults` says which, `Drive` turns commands into the velocities that are driven. All chance follows
from the episode's seed. Commands that a policy gave stand in the record as it gave them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np

from envs.interface import TICK_S, RobotSpec
from scenarios import did_you_mean

PUSHED_S = (1.0, 4.0)  # when a push begins, drawn by the seed
PUSH_S = 0.2  # how long it takes
NOMINAL = "nominal"


@dataclass(frozen=True)
class Faults:
    """What is wrong with the drive; 0 everywhere is an ideal base."""

    slip: float = 0.0  # at every tick the robot goes a share less, drawn from 0 to twice this
    delay_s: float = 0.0  # commands take effect so much later
    speed: float = 0.0  # share by which every velocity is too fast; negative: too slow
    drift_m_s: float = 0.0  # while it moves it also moves aside; which side is drawn by the seed
    drop: float = 0.0  # chance of a decision in which it stands instead
    repeat: float = 0.0  # chance of a decision in which it drives the command before again
    push_m: float = 0.0  # once, it is pushed so far aside

    def __post_init__(self) -> None:
        """Refuse what no drive could be."""
        for name, least, most in (("slip", 0, 0.5), ("delay_s", 0, 5), ("speed", -0.9, 2),
                                  ("drift_m_s", 0, 1), ("drop", 0, 1), ("repeat", 0, 1),
                                  ("push_m", 0, 1)):
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise ValueError(f"{name} must be from {least} to {most}, got {value}.")


def parse(words: str) -> Faults:
    """Faults by words: `nominal`, or `slip=0.2,delay_s=0.1`.

    Raises:
        ValueError: for an unknown fault ("Did you mean") or what is no number.
    """
    names = [field.name for field in fields(Faults)]
    values = {}
    for part in [] if words == NOMINAL else words.split(","):
        name, _, number = part.strip().partition("=")
        if name not in names:
            raise ValueError(f"Unknown fault {name!r}.{did_you_mean(name, names)} Expected nominal "
                             f"or NAME=NUMBER,... of {', '.join(names)}.")
        try:
            values[name] = float(number)
        except ValueError as error:
            raise ValueError(f"{name} must be a number, got {number!r}.") from error
    return Faults(**values)


class Drive:
    """One episode's drive: from commands, one a tick, to velocities that are driven."""

    def __init__(self, faults: Faults, robot: RobotSpec, rng: np.random.Generator) -> None:
        """All chance is drawn from `rng`, the same draws whatever the faults are."""
        self._faults, self._robot, self._rng = faults, robot, rng
        self._side = 1.0 if rng.random() < 0.5 else -1.0  # of drift and push
        self._push_at = round(rng.uniform(*PUSHED_S) / TICK_S)
        self._tick = 0
        self._waiting = [np.zeros(3, np.float32)] * math.ceil(round(faults.delay_s / TICK_S, 6))
        self._last = np.zeros(3, np.float32)  # command that was driven before

    def velocities(self, commands: np.ndarray) -> np.ndarray:
        """Body velocities [K, 3] (m/s, m/s, rad/s) for the commands [K, 3] of K ticks.

        A decision's commands come in one call: what is dropped or repeated is all of it.
        """
        dropped, repeated = self._rng.random(2) < (self._faults.drop, self._faults.repeat)
        if len(commands) and dropped:
            commands = np.zeros_like(commands)
        elif len(commands) and repeated:
            commands = np.repeat(self._last[None], len(commands), axis=0)
        if len(commands):
            self._last = commands[-1]
        return np.array([self._driven(command) for command in commands]).reshape(-1, 3)

    def _driven(self, command: np.ndarray) -> np.ndarray:
        self._waiting.append(command)
        velocity = self._robot.velocity(self._waiting.pop(0)) * (1.0 + self._faults.speed)
        velocity = velocity * (1.0 - 2.0 * self._faults.slip * self._rng.random())
        if velocity.any():
            velocity[1] += self._side * self._faults.drift_m_s
        if 0 <= self._tick - self._push_at < round(PUSH_S / TICK_S):
            velocity[1] += self._side * self._faults.push_m / PUSH_S
        self._tick += 1
        return velocity
