"""Where the loop and the page meet: what the operator wants, and how things stand.

The loop waits here for the operator; the page gives orders here. Any thread may call anything, and
nothing but `consent` and `linger` waits.
"""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

from hardware.keys import MODES, Keys
from hardware.pilot import Pilot
from hardware.robot_env import wait_for_arming
from hardware.safety import LIFE_S, RefusedError

LOOK_S = 0.05  # how often the loop looks for the operator
ARMING_S = 5.0  # after the operator has armed: for pictures and watchdog
LOST = "The page that drove lost its connection."


class ElsewhereError(Exception):
    """The operator wants something else driven than what was laid out."""


@dataclass(frozen=True)
class Wish:
    """What the operator wants driven."""

    scenario: str
    instruction: str
    pattern: str = ""  # of PATTERNS; empty: as the seed has it
    distance: str = ""  # of DISTANCES, likewise
    layout: int = 0  # the how-manieth
    record: bool = False

    @property
    def fixed(self) -> dict[str, str]:
        """The factors that are pinned."""
        said = {"pattern": self.pattern, "distance": self.distance}
        return {name: value for name, value in said.items() if value}


class Desk:
    """One robot, one operator, any number of pages that watch."""

    def __init__(self, wish: Wish, keys: Keys, mode: str) -> None:
        """`mode` is the first drive's, as in `Gate.set_mode`."""
        self.wish, self.keys, self.mode = wish, keys, mode
        self.placed = wish
        self.pilot: Pilot | None = None
        self.opened = False  # whether a robot ever was there
        self.phase = "connecting"  # ready, starting, driving
        self.said = ""  # the last that the operator should know
        self.version = 0  # rises when `about` of the page has changed
        self.plan: list[list[float]] = []  # [T][3] command units: what the policy wants
        self.decided_s, self.latency_s = -math.inf, 0.0
        self.confidence: float | None = None
        self.decisions = 0
        self.why = ""  # why the operator's side ended a drive
        self._changing = threading.Condition()
        self._armed_by: int | None = None  # the page that drives
        self._go = False
        self._steered_s = -math.inf  # when the operator last drove

    def open(self, pilot: Pilot | None) -> None:
        """A robot is there, or none any more."""
        self.pilot = pilot
        self.opened = True
        if pilot is None:
            self.phase = "connecting"
        self.changed()

    def changed(self) -> None:
        """What pages were told of wishes and drives holds no longer."""
        with self._changing:
            self.version += 1
            self._changing.notify_all()

    # --- the loop's side ---

    def place(self) -> Wish:
        """What is to be laid out now; `consent` is to this."""
        self.placed = self.wish
        return self.placed

    def consent(self, pilot: Pilot) -> None:
        """Wait until the operator arms what was laid out, and arm.

        Raises:
            ElsewhereError: if something else is wanted by now.
            RefusedError: if the robot must not be armed, or was stopped meanwhile.
        """
        self.phase, self.decisions, self.plan = "ready", 0, []
        self._wait_to_go()
        self.phase, self.why = "starting", ""
        pilot.set_mode(self.mode)
        wait_for_arming(pilot, ARMING_S)
        with self._changing:
            stopped = self._armed_by is None
        if stopped:  # whichever came first, it stands
            pilot.disarm()
            raise RefusedError("operator", self.why or "Stopped before it began.")
        self.phase = "driving"

    def _wait_to_go(self) -> None:
        with self._changing:
            while not self._go and self.wish == self.placed:
                self._changing.wait(LOOK_S)
            if self.wish != self.placed:
                raise ElsewhereError
            self._go = False

    def decided(self, plan: list[list[float]], latency_s: float, confidence: float | None) -> None:
        """The policy has answered."""
        self.plan, self.latency_s, self.confidence = plan, latency_s, confidence
        self.decided_s = time.monotonic()
        self.decisions += 1

    def ended(self, said: str) -> None:
        """A drive is over, or could not begin."""
        with self._changing:
            self.said, self.phase, self._armed_by, self._go = said, "ended", None, False
            self.plan = []
        self.changed()

    def linger(self, patience_s: float) -> None:
        """Let the operator look at how it ended, until he wants something."""
        until_s = time.monotonic() + patience_s
        with self._changing:
            while (not self._go and self.wish == self.placed and time.monotonic() < until_s):
                self._changing.wait(LOOK_S)

    # --- the page's side ---

    def want(self, **changes: Any) -> None:
        """The operator wants something else driven next; not while driving."""
        if self.phase in ("starting", "driving"):
            self.said = "Stop first: what is driven cannot be changed on the way."
            return
        with self._changing:
            self.wish = replace(self.wish, **changes)
        self.changed()

    def arm(self, who: int) -> None:
        """Page `who` wants the robot to drive."""
        with self._changing:
            if self.phase not in ("ready", "ended"):
                self.said = f"Not now: {self.phase}."
                return
            self.said, self._armed_by, self._go = "", who, True
            self._changing.notify_all()

    def halt(self, why: str) -> None:
        """Stand still, at once: whoever says so, in whatever phase."""
        with self._changing:
            self.why, self._armed_by, self._go = why, None, False
        if self.pilot is not None:
            self.pilot.disarm()
        self.said = why

    def emergency(self) -> None:
        """Emergency stop, until it is released."""
        self.halt("Emergency stop.")
        if self.pilot is not None:
            self.pilot.stop("page")

    def release(self) -> None:
        """Take the emergency stop back; nothing moves before arming again."""
        if self.pilot is not None:
            self.pilot.release()
            self.said = ""

    def set_mode(self, mode: str) -> None:
        """Who drives, from now on."""
        if mode not in MODES.values():
            self.said = f"mode must be one of {', '.join(MODES.values())}, got {mode!r:.40}."
            return
        self.mode = mode
        if self.pilot is not None:
            try:
                self.pilot.set_mode(mode)
            except RefusedError as refused:
                self.said = str(refused)

    def steer(self, who: int, key: str) -> None:
        """Page `who` says that a key of the laboratory's is held."""
        velocity = self.keys.velocity(key)
        if velocity is None or self.pilot is None:
            return
        if not self.drives(who):
            if key != " " and not self.said:  # how the last drive ended is worth more
                self.said = ("Another page drives." if self._armed_by is not None
                             else "Arm first: the robot stands.")
            return
        self._steered_s = time.monotonic()
        self.pilot.command(velocity, source="operator")

    def drives(self, who: int) -> bool:
        """Whether this page has armed the robot."""
        return self._armed_by == who

    def left(self, who: int) -> None:
        """A page is gone or silent: if it drove, the robot stands."""
        if self.drives(who):
            self.halt(LOST)

    @property
    def steered(self) -> bool:
        """Whether the operator's command is in force now."""
        return time.monotonic() - self._steered_s < LIFE_S
