"""The wheels, off the ground: do they do what they are told, in the right direction, and stop?"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from hardware.examination import Finding
from hardware.pilot import Pilot
from hardware.profile import Profile
from hardware.robot_env import wait_for_arming
from hardware.safety import LIFE_S, STOP_S, TICK_S, RefusedError

SLOW = 0.3  # of the profile's limits
DRIVEN_S = 0.8
AGAIN_S = 0.1  # between two commands
FELT = 0.3  # of what was said, at least, where something measures
LATEST_S = LIFE_S + STOP_S + TICK_S + 0.15  # from the last command; a robot shows its state late
MOTIONS = (  # name, unit velocity, what an operator sees
    ("ahead", (1.0, 0.0, 0.0), "FORWARD"),
    ("left", (0.0, 1.0, 0.0), "to its LEFT"),
    ("turning left", (0.0, 0.0, 1.0), "COUNTER-CLOCKWISE, seen from above"),
)
SIGNS = {"left": "angle_sign", "turning left": "spin_sign"}

Ask = Callable[[str], bool]


def examine(pilot: Pilot, profile: Profile, transport: str, ask: Ask) -> list[Finding]:
    """Drive a little in three directions, by hand so to speak.

    Args:
        pilot: In mode `manual`.
        profile: Its limits and signs.
        transport: By which name it was reached.
        ask: A question for the operator, yes or no; asked only where nothing measures.
    """
    limits = profile.limits
    full = np.array([limits.speed_m_s, limits.speed_m_s, limits.turn_rate_rad_s]) * SLOW
    found: list[Finding] = []
    for name, unit, seen in MOTIONS:
        wanted = np.array(unit) * full
        try:
            wait_for_arming(pilot)
            felt, stood_s = _drive(pilot, wanted)
        except RefusedError as refused:
            return [*found, Finding(f"wheels {name}", False, f"It was refused: {refused}", {})]
        if felt is None:
            right = ask(f"Would the wheels have driven the robot {seen}? y or n: ")
            found.append(Finding(f"wheels {name}", right, "The operator saw it." if right else
                                 _advice(name, profile, transport), {}))
        else:
            found += _measured(name, wanted, felt, stood_s, _advice(name, profile, transport))
    pilot.disarm()
    return found


def _drive(pilot: Pilot, wanted: np.ndarray) -> tuple[np.ndarray | None, float]:
    """Tell a velocity for a while; what was measured [3], and how long it took to stand."""
    until_s, felt = time.monotonic() + DRIVEN_S, None
    last_s = time.monotonic()
    while time.monotonic() < until_s:
        pilot.command(wanted.tolist(), source="operator")
        last_s = time.monotonic()
        time.sleep(AGAIN_S)
        measured = pilot.state().measured
        felt = None if measured is None else np.array(measured)
    while time.monotonic() < last_s + 2 * LATEST_S:
        state = pilot.state()
        if not any(state.velocity) and not any(state.measured or ()):
            break
        time.sleep(TICK_S / 2)
    return felt, time.monotonic() - last_s


def _measured(name: str, wanted: np.ndarray, felt: np.ndarray, stood_s: float,
              advice: str) -> list[Finding]:
    axis = int(np.argmax(np.abs(wanted)))
    share = float(felt[axis] / wanted[axis])
    words = f"{share:.0%} of what was said was measured."
    return [Finding(f"wheels {name}", share >= FELT, words if share >= FELT else
                    f"{words} {advice}", {"share": share}),
            Finding(f"standing after {name}", stood_s <= LATEST_S,
                    f"It stood {stood_s:.2f} s after the last command, expected at most "
                    f"{LATEST_S:.2f} s.", {"stood_s": stood_s})]


def _advice(name: str, profile: Profile, transport: str) -> str:
    """What to change where a motion went elsewhere."""
    sign = SIGNS.get(name)
    if transport == "serbot" and sign is not None:
        return (f"Set {sign} = {-getattr(profile.vendor, sign)} under [vendor] in the profile "
                f"{profile.name}, and examine again.")
    return "Change the direction in the robot's own driver, or look at its wheels and plugs."
