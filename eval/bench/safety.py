"""`python -m eval.bench safety`: does the robot stand in time, whatever happens?

The rules are those that drive a robot (`hardware.safety`); clock, camera, watchdog and policy are
played.
"""

from __future__ import annotations

import contextlib
import math
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scenarios.cli import LogLevel

PICTURE_TICKS = 2  # a picture in every second tick: 25 a second
EVENTS = ("command ends", "camera freezes", "camera repeats its picture", "watchdog dies",
          "policy's process dies", "emergency stop", "clock steps, up to 2 s")
CLOCK_SHARE = 10  # one in so many events is a step of the clock
FAILED = 1


@dataclass(frozen=True)
class SafetyOptions:
    """Play faults on a virtual clock, and print how long the robot took to stand."""

    events: int = 10_000
    """How many of each; a tenth as many steps of the clock."""
    actions: int = 1_000_000
    """How many hostile actions."""
    profile: str = "serbot"
    """Name or TOML file of hardware/robots: the limits."""
    seed: int = 0
    """Of all chance."""
    log_level: LogLevel = "info"
    """How much is logged."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    count: int
    bad: int  # too late, or beyond the limits
    worst_s: float | None  # from the event until the robot stood
    most_s: float | None  # allowed


def main(options: SafetyOptions) -> Callable[[], None]:
    """Check, and return the work."""
    from hardware.profile import load_profile

    if options.events < CLOCK_SHARE or options.actions < 1:
        raise ValueError(f"--events must be {CLOCK_SHARE} or more and --actions 1 or more, got "
                         f"{options.events} and {options.actions}.")
    limits = load_profile(options.profile).limits
    return lambda: _work(options, limits)


def table(options: SafetyOptions, limits: object) -> list[Row]:
    """All lines; `limits` is a `hardware.safety.Limits`."""
    rng = random.Random(options.seed)
    rows = [_row(event, options.events, limits, rng) for event in EVENTS[:-1]]
    rows.append(_row(EVENTS[-1], options.events // CLOCK_SHARE, limits, rng))
    return [*rows, _hostile(options.actions, limits, rng)]


def _work(options: SafetyOptions, limits: object) -> None:
    rows = table(options, limits)
    print("On a virtual clock; nothing here was measured on a robot.\n")
    print(f"{'event':26} {'count':>9} {'bad':>5} {'worst':>8} {'allowed':>8}")
    for row in rows:
        times = ["" if each is None else f"{each:.3f} s" for each in (row.worst_s, row.most_s)]
        print(f"{row.what:26} {row.count:9,} {row.bad:5} {times[0]:>8} {times[1]:>8}")
    if any(row.bad for row in rows):
        print("error: the robot did not stand in time, or left its limits.", file=sys.stderr)
        sys.exit(FAILED)


class _Played:
    """A gate on a clock of its own, with everything that a robot has around it."""

    def __init__(self, limits: object, rng: random.Random) -> None:
        from hardware.safety import Gate

        self.gate, self._rng = Gate(limits), rng  # type: ignore[arg-type]
        self.now_s = rng.uniform(0.0, 1e6)
        self.camera = self.watchdog = True
        self.repeats = False  # the camera goes on, and shows the same; the policy goes on, too
        self._number = self._ticks = 0
        for _ in range(25):
            self.tick()
        self.gate.arm(self.now_s)

    def tick(self) -> tuple[float, float, float]:
        from hardware.safety import TICK_S

        self.now_s += TICK_S
        self._ticks += 1
        if self.watchdog:
            self.gate.saw_watchdog(self.now_s)
        if self.camera and self._ticks % PICTURE_TICKS == 0:
            self.gate.saw_frame(self._ticks, self.now_s, self.repeats)
        return self.gate.tick(self.now_s)

    def drive(self) -> float:
        """Say a random velocity; returns when it ends."""
        from hardware.safety import Command

        limits, self._number = self.gate.limits, self._number + 1
        angle, speed = self._rng.uniform(-math.pi, math.pi), limits.speed_m_s
        turning = self._rng.uniform(-limits.turn_rate_rad_s, limits.turn_rate_rad_s)
        return self.gate.offer(Command(
            "policy", self._number, self.now_s,
            (speed * math.cos(angle), speed * math.sin(angle), turning)), self.now_s).until_s


def _row(event: str, count: int, limits: object, rng: random.Random) -> Row:
    """One event so many times, each to a robot under way."""
    from hardware.safety import LIFE_S, STOP_S, TICK_S

    most_s = STOP_S + TICK_S + (LIFE_S if event.startswith("clock") else 0.0)
    took = []
    for _ in range(count):
        robot = _Played(limits, rng)
        ends_s = robot.drive()
        for _ in range(rng.randint(5, 18)):
            robot.tick()
        took.append(_stands_after_s(robot, _happens(event, robot, ends_s, rng)))
    return Row(event, count, sum(each > most_s + 1e-9 for each in took), max(took), most_s)


def _happens(event: str, robot: _Played, ends_s: float, rng: random.Random) -> float:
    """Let it happen; returns when it did."""
    if event == "command ends":
        return ends_s
    if event == "camera freezes":
        robot.camera = False
    elif event == "camera repeats its picture":
        robot.repeats = True
    elif event == "watchdog dies":
        robot.watchdog = False
    elif event == "policy's process dies":
        robot.gate.disarm()  # the driver sees its end of the link closed
    elif event == "emergency stop":
        robot.gate.stop("bench")
    else:
        robot.now_s += rng.uniform(-2.0, 2.0)
    return robot.now_s


def _stands_after_s(robot: _Played, since_s: float) -> float:
    """How long after a moment the last motion was said, and a tick more: then it stood."""
    from hardware.safety import TICK_S

    until_s, last_s = max(since_s, robot.now_s) + 1.0, since_s
    while robot.now_s < until_s:
        if robot.repeats:
            robot.drive()
        if any(robot.tick()):
            last_s = robot.now_s
    return max(0.0, last_s + TICK_S - since_s)


def _hostile(count: int, limits: object, rng: random.Random) -> Row:
    """Whatever is said, nothing beyond the limits comes out."""
    from hardware.safety import Command, RefusedError

    odd: tuple[Any, ...] = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 10 ** 400, True,
                            None, "0.5", [])
    robot, bad = _Played(limits, rng), 0

    def number() -> object:
        return rng.choice(odd) if rng.random() < 0.2 else rng.uniform(-1.5, 1.5)

    for action in range(count):
        velocity: Any = [number() for _ in range(rng.choice((3, 3, 3, 3, 2, 4)))]
        decided_s = robot.now_s - rng.uniform(-0.1, 0.5)
        command = Command(rng.choice(("policy", "policy", "operator", "nobody")),
                          action - rng.choice((0, 0, 0, 1, 5)), decided_s, velocity,
                          rng.choice((None, 0.9, 0.1, math.nan)),
                          rng.choice((None, robot.now_s - 1.0, robot.now_s - 9.0, math.nan)))
        with contextlib.suppress(RefusedError):  # what counts is what the wheels are told
            robot.gate.offer(command, robot.now_s)
        robot.gate.set_mode("shared")
        vx, vy, wz = robot.tick()
        within = (math.hypot(vx, vy) <= robot.gate.limits.speed_m_s + 1e-12
                  and abs(wz) <= robot.gate.limits.turn_rate_rad_s + 1e-12)
        bad += not within
    return Row("hostile actions", count, bad, None, None)
