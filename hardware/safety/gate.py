"""Decides in every tick what the wheels are told: zero, unless everything speaks for more."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from hardware.safety.checks import (
    STOP_S,
    ZERO,
    Command,
    Limits,
    RefusedError,
    Velocity,
    check,
    share,
    slowdown,
)

LIFE_S = 0.4  # a command is valid so long after it was decided, and never longer
FRAME_AGE_S = 0.2  # an older picture shows a world that is gone
WATCHED_S = 0.2  # without a sign of the watchdog for so long, nothing moves
RELEASE_S = 1.0  # in `shared`, so long after the operator's last input the policy drives again
LIVE_FRAMES = 5  # in a row, before arming
REPEATS = 25  # zeros sent after the last motion: a stop is confirmed by repetition
MODES = ("manual", "vla", "shared")
ALIASES = {"hybrid": "shared"}  # the laboratory's name


@dataclass(frozen=True)
class Held:
    """A command that was accepted."""

    number: int
    velocity: Velocity  # within the limits
    scale: float  # 1 where it was within the limits from the start
    until_s: float


class Gate:
    """Every command passes here, and every moment's velocity comes from here.

    Priorities: emergency stop, disarmed and unwatched stand above all; then the operator; then a
    camera that is not live; then the policy.
    """

    def __init__(self, limits: Limits, mode: str = "vla") -> None:
        """Disarmed; `mode` as in `set_mode`."""
        self.limits = limits
        self.refused: Counter[str] = Counter()  # reasons
        self.velocity = ZERO  # what the wheels were told last
        self.why = "disarmed"  # the reason for standing, "" while a command is in force
        self.driven: dict[str, Held] = {}  # by source: the last command that was in force
        self.set_mode(mode)
        self._armed_s: float | None = None
        self._stopped = ""  # why the emergency stop holds
        self._held: dict[str, Held] = {}
        self._numbers: dict[str, int] = {}  # by source: the highest seen
        self._input_s = -math.inf  # of the operator
        self._frame = (-1, -math.inf)  # number, arrival
        self._changed_s = -math.inf  # arrival of the last picture that was unlike the one before
        self._moving_s: float | None = None  # since when the wheels are told to move
        self._frozen = False
        self._in_a_row = 0
        self._watched_s = -math.inf
        self._ticked_s: float | None = None
        self._zeros = REPEATS + 1  # nothing to say before the first motion

    @property
    def armed(self) -> bool:
        """Whether the operator has allowed motion."""
        return self._armed_s is not None

    @property
    def speaks(self) -> bool:
        """Whether the wheels are to be told: while armed, and until a stop is confirmed."""
        return self.armed or self._zeros <= REPEATS

    def set_mode(self, mode: str) -> None:
        """Who drives.

        Args:
            mode: `manual`: the operator; `vla`: the policy, until the operator takes over;
                `shared`: the policy, but not while the operator does and 1 s after.

        Raises:
            RefusedError: for another word.
        """
        mode = ALIASES.get(mode, mode)
        if mode not in MODES:
            raise self._count(RefusedError("mode", f"mode must be one of {', '.join(MODES)}, got "
                                           f"{mode!r}."))
        self.mode = mode

    def saw_frame(self, number: int, arrived_s: float, is_repeat: bool = False) -> None:
        """The camera gave a picture. One that was there before, or is not newer, counts nothing.

        Args:
            number: Rises with every picture.
            arrived_s: When it came.
            is_repeat: It shows the same pixels as the one before. A camera that goes on so while
                the robot is told to move is frozen, until it shows something else.
        """
        last, last_s = self._frame
        if number > last and arrived_s >= last_s:
            self._in_a_row = self._in_a_row + 1 if arrived_s - last_s <= FRAME_AGE_S else 1
            self._frame = (number, arrived_s)
            if not is_repeat:
                self._changed_s, self._frozen = arrived_s, False

    def saw_watchdog(self, now_s: float) -> None:
        """The watchdog gave a sign of life."""
        self._watched_s = now_s

    def is_live(self, now_s: float) -> bool:
        """Whether pictures come, and have come for a while."""
        return (self._in_a_row >= LIVE_FRAMES and not self._frozen
                and 0.0 <= now_s - self._frame[1] <= FRAME_AGE_S)

    def arm(self, now_s: float) -> None:
        """Allow motion. Whatever was decided before stays refused.

        Raises:
            RefusedError: where the emergency stop holds, no pictures come or nobody watches.
        """
        if self._stopped:
            raise self._count(RefusedError("e-stop", "The emergency stop holds "
                                           f"({self._stopped}); release it first."))
        if not self.is_live(now_s):
            raise self._count(RefusedError("camera", "The camera gives no live pictures: nothing "
                                           f"moves before {LIVE_FRAMES} came in a row."))
        if not self._is_watched(now_s):
            raise self._count(RefusedError("watchdog", "The watchdog gives no sign of life: "
                                           "nothing moves without it."))
        self._held.clear()
        self._armed_s = now_s

    def disarm(self) -> None:
        """Stand still, at once, until armed again."""
        self._armed_s = None
        self._held.clear()

    def stop(self, why: str) -> None:
        """Emergency stop: stand still, at once, and refuse arming until it is released."""
        self._stopped = self._stopped or why or "no reason given"
        self.disarm()

    def release(self) -> None:
        """Take the emergency stop back. Nothing moves before arming again."""
        self._stopped = ""

    def offer(self, command: Command, now_s: float) -> Held:
        """Accept a command for the rest of its 0.4 s, or refuse it.

        Too fast a command is slowed down, its direction kept.

        Raises:
            RefusedError: with a reason; the robot does what it did before, and for no longer.
        """
        try:
            check(command, self.limits, now_s)
            self._check_turn(command, now_s)
        except RefusedError as refused:
            raise self._count(refused) from None
        if command.source == "operator":
            self._input_s = now_s
            self._held.pop("policy", None)
            if self.mode == "vla":
                self.mode = "manual"  # taken over; whoever wants the policy back says so
        scale = slowdown(command.velocity, self.limits)
        vx, vy, wz = (float(part) * scale for part in command.velocity)
        held = Held(command.number, (vx, vy, wz), scale, command.decided_s + LIFE_S)
        self._held[command.source] = held
        return held

    def tick(self, now_s: float) -> Velocity:
        """What the wheels are to be told now. Called every 0.02 s."""
        elapsed_s = 0.0 if self._ticked_s is None else now_s - self._ticked_s
        self._ticked_s = now_s
        if not 0.0 <= elapsed_s <= STOP_S:  # a clock that jumps, or a pause: who knows what moved
            self._held.clear()
            self.velocity, elapsed_s = ZERO, 0.0
        self._notice_frozen(now_s)
        target = self._target(now_s)
        if target is None:  # standing by order: no ramp
            self.velocity = ZERO
        else:
            self.velocity = self._towards(target, elapsed_s)
        self._zeros = 0 if self.velocity != ZERO else self._zeros + 1
        return self.velocity

    def _target(self, now_s: float) -> Velocity | None:
        """Where the velocity should go; None: at once to zero."""
        if self._stopped or not self.armed:
            self.why = f"e-stop: {self._stopped}" if self._stopped else "disarmed"
            return None
        if not self._is_watched(now_s):
            self.why = "watchdog"
            return None
        held = {source: each for source, each in self._held.items() if now_s < each.until_s}
        if "operator" in held:
            return self._drives("operator", held["operator"])
        if not self.is_live(now_s):
            self.why = "frozen camera" if self._frozen else "camera"
            self._held.clear()  # what was decided on that stream is not taken up again
            return None
        if "policy" in held:
            return self._drives("policy", held["policy"])
        self.why = "no command"
        return ZERO

    def _notice_frozen(self, now_s: float) -> None:
        if self.velocity == ZERO:
            self._moving_s = None
        elif self._moving_s is None:
            self._moving_s = now_s
        elif now_s - max(self._moving_s, self._changed_s) > FRAME_AGE_S:
            self._frozen, self._in_a_row = True, 0

    def _drives(self, source: str, held: Held) -> Velocity:
        self.why, self.driven[source] = "", held
        return held.velocity

    def _towards(self, target: Velocity, elapsed_s: float) -> Velocity:
        """From the last velocity to the target, as far as acceleration allows in this time."""
        vx, vy, wz = self.velocity
        dx, dy, dw = target[0] - vx, target[1] - vy, target[2] - wz
        straight = share(self.limits.acceleration_m_s2 * elapsed_s, math.hypot(dx, dy))
        turning = share(self.limits.turn_acceleration_rad_s2 * elapsed_s, abs(dw))
        vx, vy = target[:2] if straight == 1.0 else (vx + dx * straight, vy + dy * straight)
        return vx, vy, target[2] if turning == 1.0 else wz + dw * turning

    def _is_watched(self, now_s: float) -> bool:
        return 0.0 <= now_s - self._watched_s <= WATCHED_S

    def _check_turn(self, command: Command, now_s: float) -> None:
        """Refuse what was there before, was overtaken, is not armed for, or has to wait."""
        last = self._numbers.get(command.source, -1)
        if command.number <= last:
            reason = "duplicated" if command.number == last else "out of order"
            raise RefusedError(reason, f"Command {command.number} came after {last}.")
        self._numbers[command.source] = command.number
        if self._armed_s is None or command.decided_s < self._armed_s:
            raise RefusedError("disarmed", "The robot is not armed, or was not when this command "
                               "was decided.")
        waits = self.mode == "manual" or now_s - self._input_s < RELEASE_S
        if command.source == "policy" and waits:
            raise RefusedError("operator", f"The operator drives (mode {self.mode}).")

    def _count(self, refused: RefusedError) -> RefusedError:
        self.refused[refused.reason] += 1
        return refused
