"""`RobotEnv`: the robot as a world of the same shape as the simulator's."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np

from envs.interface import COMMAND_LIMIT, Observation, RobotSpec, Truth
from hardware.pilot import Pilot, State
from hardware.safety import OLD_PICTURE, STOP_S, TICK_S, RefusedError
from hardware.transport import Frame, LinkLostError
from policies.picture import squeeze
from scenarios import Scenario, Variation
from scenarios.layout import check_fixed

try:
    import gymnasium
    from gymnasium import spaces
except ImportError:  # a robot has none: a plain class of the same shape
    gymnasium = None  # type: ignore[assignment]

START_S = 20.0  # for the first pictures: processes start, topics find each other
PATIENCE_S = 2.0  # for live pictures, before giving an episode up
POLL_S = 0.005
SETTLE_S = 0.15  # after a reset, pictures of before may still be under way
REST_S = STOP_S + 2 * TICK_S  # after a command's end: by then the gate has it stand
LAG_S = 0.05  # CHOSEN: from the light to here; a picture that arrived earlier shows it moving
UNKNOWN = "unknown"  # a factor that nobody stated
WATCHDOG = "watchdog"  # why the gate has the robot stand where nobody watches over the driver
WORDS = {"frozen camera": "The camera is frozen: its pictures are counted up, but show the "
                          "same while the robot is told to move.",
         WATCHDOG: "The watchdog gives no sign of life: nothing moves without it."}

logger = logging.getLogger(__name__)


class _Plain:
    """What `gymnasium.Env` gives, as far as the loop uses it."""

    @property
    def unwrapped(self) -> Any:
        """Itself: there is no wrapper."""
        return self


_Base: Any = _Plain if gymnasium is None else gymnasium.Env


class RobotEnv(_Base):
    """One robot, one scenario; `step` sends one command and holds it for one decision (0.4 s).

    Then the robot brakes, and its next picture shows where it stands, as the simulator's does and
    as the laboratory's late nodes drove. `info["sent"]` is the command that
    was in force, in command units: zero where the gate refused it, the operator's where he drove.
    Poses are unknown (NaN) unless a referee knows them. An episode is terminated by `safety_stop`
    (disarmed, emergency stop, no pictures, robot or watchdog gone) or by the referee, and truncated
    after `max_decisions`.
    """

    metadata = {"render_modes": [], "render_fps": 2.5}

    def __init__(self, scenario: Scenario, robot: RobotSpec, pilot: Pilot,
                 image_size: tuple[int, int] = (224, 224), referee: Any = None,
                 consent: Callable[[Pilot], None] = Pilot.arm) -> None:
        """A world around a robot that is already connected.

        Args:
            scenario: What is to be done.
            robot: What a command means in m/s.
            pilot: Drives it.
            image_size: Height and width that the policy wants.
            referee: Who knows the truth (`reset(seed, fixed)`, `judge()`), where anybody does.
            consent: Waits for the operator's consent to an episode, and arms.
        """
        self.scenario, self.robot, self.pilot, self.image_size = scenario, robot, pilot, image_size
        self.source = pilot.source
        self._referee, self._consent = referee, consent
        self.laid_out: Callable[[], None] = lambda: None  # called before the operator is asked
        self._decisions, self.why = 0, ""  # why: of a safety stop
        self._last: State
        self._seen_s: float  # arrival of the picture that was given last
        self._said: dict[str, Any] = {}
        self._fixed: dict[str, str] = {}
        if gymnasium is not None:
            limit = np.float32(COMMAND_LIMIT)
            self.action_space = spaces.Box(-limit, limit, (3,), np.float32)
            self.observation_space = spaces.Dict({
                "rgb": spaces.Box(0, 255, (*image_size, 3), np.uint8),
                "velocity": spaces.Box(-np.float32(100), np.float32(100), (3,), np.float32),
            })

    def reset(self, *, seed: int | None = None,
              options: dict[str, Any] | None = None) -> tuple[Observation, dict[str, Any]]:
        """Stand, wait for live pictures and for the operator's consent.

        Raises:
            LinkLostError: if there are no pictures, or nobody watches before the first decision.
            RefusedError: if the robot must not be armed.
            ValueError: for an unknown option.
        """
        self._fixed = check_fixed(options)
        self._decisions, self.why = 0, ""
        self.pilot.disarm()
        if self._referee is not None:
            self._referee.reset(int(seed or 0), self._fixed)
        since_s = time.monotonic() + SETTLE_S
        self.pilot.wait_live(START_S)
        self._said = self._info(None)
        self.laid_out()
        self._consent(self.pilot)
        self._last = self.pilot.state()
        frame = self._fresh(since_s)
        if frame is None:
            raise LinkLostError(_why_not(self._last))
        self._said = self._info(None)
        return self._observation(frame, self._state()), self._said

    def step(self, command: np.ndarray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Offer one command [3] and wait until its time is over.

        Raises:
            ValueError: if the command is not three finite numbers.
        """
        command = np.asarray(command, np.float32)
        if command.shape != (3,) or not np.isfinite(command).all():
            raise ValueError(f"A command is 3 finite numbers, got {command!r}.")
        before = self._state()
        decided_s = time.monotonic()
        number = self.pilot.command(self.robot.velocity(command).tolist(), seen_s=self._seen_s)
        while time.monotonic() < decided_s + self.robot.decision_s:
            time.sleep(POLL_S)
            if not self._state().armed:
                break
        self._decisions += 1
        self._rest()
        frame = self._fresh(time.monotonic() + LAG_S)
        after = self._state()
        info = self._info(self._ended(frame, after))
        info["sent"] = self._sent(command, number, before, after)
        if after.refused.get(OLD_PICTURE, 0) > before.refused.get(OLD_PICTURE, 0):
            logger.warning("A command was not driven. %s", self.pilot.refusal(number))
        self._said = info
        truncated = info["ended_by"] is None and (
            self._decisions >= self.scenario.success.max_decisions)
        if info["ended_by"] is not None or truncated:
            self.pilot.disarm()
        latest = frame or self.pilot.frame()
        assert latest is not None  # there was one at the reset
        return self._observation(latest, after), 0.0, info["ended_by"] is not None, truncated, info

    def close(self) -> None:
        """Stop and confirm it; the processes end."""
        self.pilot.close()

    @property
    def info(self) -> dict[str, Any]:
        """The `info` of the last step."""
        return self._said

    def _state(self) -> State:
        """How things stand; where nobody drives any more, how they stood, and that."""
        try:
            self._last = self.pilot.state()
        except LinkLostError as lost:
            self._last = replace(self._last, armed=False, lost=str(lost))
        return self._last

    def _rest(self) -> None:
        """Wait until the wheels stand; an operator who drives on is not waited for."""
        until_s = time.monotonic() + REST_S
        while any(self._state().velocity) and self._last.armed and time.monotonic() < until_s:
            time.sleep(POLL_S)

    def _fresh(self, since_s: float) -> Frame | None:
        """The latest picture, if it is no older than that moment; waits a little for one.

        None, too, where the watchdog stays away: one pause of the machine is borne.
        """
        until_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < until_s:
            frame = self.pilot.frame()
            state = self._state()
            if (frame is not None and frame.arrived_s >= since_s and not frame.is_black
                    and (state.live and state.why != WATCHDOG or not state.armed)):
                return frame
            if state.lost:
                return None
            time.sleep(POLL_S)
        return None

    def _observation(self, frame: Frame, state: State) -> Observation:
        self._seen_s = frame.arrived_s
        measured = state.velocity if state.measured is None else state.measured
        rgb = np.array(squeeze(frame.rgb, self.image_size))
        return {"rgb": rgb, "velocity": np.array(measured, np.float32)}

    def _ended(self, frame: Frame | None, state: State) -> str | None:
        """`safety_stop` and, in `why`, what happened; None while all is well."""
        if state.lost or frame is None:
            self.why = _why_not(state)
        elif not state.armed:
            self.why = f"The robot was stopped ({state.why})."
        return "safety_stop" if self.why else None

    def _sent(self, command: np.ndarray, number: int, before: State, after: State) -> np.ndarray:
        """The command that was in force, as [3] float32 command units."""
        drove = after.driven.get("operator")
        if drove is not None and drove != before.driven.get("operator"):
            full = np.array((self.robot.speed_m_s,) * 2 + (self.robot.turn_rate_rad_s,))
            return (np.array(drove[2:]) / full * COMMAND_LIMIT).astype(np.float32)
        held = after.driven.get("policy", [-1, 0.0])
        return command * np.float32(held[1]) if held[0] == number else np.zeros(3, np.float32)

    def _info(self, ended_by: str | None) -> dict[str, Any]:
        info = self._unknown() if self._referee is None else self._referee.judge()
        if info["ended_by"] is not None:  # a world that has ended stands: no camera is to blame
            self.why = ""
        return info | {"ended_by": info["ended_by"] or ended_by}

    def _unknown(self) -> dict[str, Any]:
        """`info` where nobody knows the truth."""
        nan = float("nan")
        truth = Truth(
            robot=(nan, nan, nan), boxes=(), cup=(nan, nan), pass_side=self.scenario.pass_side,
            robot_radius_m=self.robot.radius_m, step_m=self.robot.step_m,
            goal_radius_m=self.scenario.success.goal_radius_m,
            clearance_m=self.scenario.routes.core_clearance_m, lead_m=0.0)
        variation = Variation(**{key: self._fixed.get(key, UNKNOWN)
                                 for key in ("distance", "bias", "pattern")})
        return {"truth": truth, "layout": SimpleNamespace(variation=variation), "ended_by": None,
                "is_success": False, "side_followed": None, "touched": {}, "clearance_m": nan,
                "path": [truth.robot], "resampled": 0}


def _why_not(state: State) -> str:
    """Why there is no picture to go on with."""
    return state.lost or WORDS.get(state.why, f"No live pictures for {PATIENCE_S:g} s.")


def wait_for_arming(pilot: Pilot, patience_s: float = START_S) -> None:
    """Arm without asking anybody, as soon as the watchdog is there.

    Raises:
        RefusedError: if arming is refused for so long.
    """
    until_s = time.monotonic() + patience_s
    while True:
        try:
            return pilot.arm()
        except RefusedError as refused:
            if refused.reason not in (WATCHDOG, "camera") or time.monotonic() > until_s:
                raise
            time.sleep(POLL_S)
