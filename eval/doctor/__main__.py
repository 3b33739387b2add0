"""The command: `python -m eval.doctor`, and `python -m eval.doctor --robot` before driving."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import arg

from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from envs.interface import RobotSpec
    from hardware.examination import Finding
    from hardware.pilot import Pilot
    from hardware.profile import Profile
    from policies import Policy

FAILED = 1
SIMULATED_ROOM = ("1box_vert_left", {"distance": "close", "bias": "left"})  # the cup is in view
POLICY_OPTIONS = ("size", "checkpoint", "device")


@dataclass(frozen=True)
class Config:
    """Examine this machine and, with --robot, the robot: camera, wheels, and a file that says so.

    The wheels move: put the robot on blocks first. Over `sim` without --address a simulated robot
    is started.
    """

    robot: bool = False
    """Examine the robot, too, and write what was found; else only this machine and the policy."""
    policy: Annotated[str, arg(metavar="NAME")] = "hybrid"
    """Whose checkpoint is tried, as for hardware.run."""
    transport: str = "sim"
    """How the robot is reached: sim, dds, ros, serbot."""
    address: str | None = None
    """As for hardware.run."""
    profile: str = "serbot"
    """Name or TOML file of hardware/robots."""
    body: str = "serbot"
    """What hardware.run takes as --robot: name or TOML file."""
    size: Literal["mini", "full"] | None = None
    """Size of the model's towers."""
    checkpoint: Annotated[str | None, arg(metavar="DIR")] = None
    """Folder with the policy's weights; the shipped ones where not given."""
    device: Annotated[str | None, arg(metavar="NAME")] = None
    """Where the model runs: cpu, cuda."""
    out: Annotated[str, arg(metavar="FILE")] = "doctor.json"
    """Where findings about a robot are written; hardware.run looks for it there."""
    log_level: LogLevel = "info"
    """How much is logged."""


def main(config: Config) -> Callable[[], None]:
    """Check and load, and return the work."""
    import policies
    from envs import load_robot
    from hardware.profile import load_profile
    from hardware.transport import check_transport

    check_transport(config.transport, config.address)
    if config.robot:
        _check_out(Path(config.out))
    if config.transport == "replay":
        raise ValueError("--transport replay has no robot to be examined.")
    profile, body = load_profile(config.profile), load_robot(config.body)
    options = {name: getattr(config, name) for name in POLICY_OPTIONS
               if getattr(config, name) is not None}
    policy = policies.make(config.policy, **options)
    return lambda: _work(config, profile, body, policy)


def _check_out(path: Path) -> None:
    """Refuse a place that takes no file, before wheels turn."""
    try:
        with tempfile.TemporaryFile(dir=path.resolve().parent):
            pass
    except OSError as error:
        raise ValueError(f"--out {path}: cannot be written ({error.strerror}), expected a file in "
                         f"a folder that takes files.") from error
    if path.is_dir():
        raise ValueError(f"--out {path}: is a folder, expected a file.")


def _work(config: Config, profile: Profile, body: RobotSpec, policy: Policy) -> None:
    from eval.doctor import machine
    from hardware.examination import Examined, robot_hash, write

    findings = [machine.memory(config.device or "cpu"), machine.clocks(),
                *machine.answers(config.policy, policy, config.checkpoint)]
    _say(findings)
    if config.robot:
        about = examine_robot(config, profile, policy, yes)
        _say(about)
        findings += about
        write(Path(config.out), Examined(config.transport, robot_hash(profile, body),
                                         policy.spec.name, policy.spec.weights_hash), findings)
        print(f"Written: {config.out}")
    if not all(each.passed for each in findings):
        sys.exit(FAILED)


def examine_robot(config: Config, profile: Profile, policy: Policy,
                  ask: Callable[[str], bool]) -> list[Finding]:
    """Camera first; the wheels only where it lives and the operator says that they are free."""
    from eval.doctor import camera, wheels
    from hardware.examination import Finding
    from hardware.transport import LinkLostError

    with contextlib.ExitStack() as stack:
        try:
            pilot = _connect(config, stack)
            pilot.wait_live(20.0)
            found = camera.examine(camera.watch(pilot), policy.spec.image_size)
            if pilot.source == "real" and not ask(
                    "Are all wheels off the ground, and is the emergency stop at hand? y or n: "):
                return [*found, Finding("wheels", False, "Nobody said that they are free.", {})]
            return [*found, *wheels.examine(pilot, profile, config.transport, ask)]
        except (LinkLostError, ValueError) as error:
            return [Finding("robot", False, str(error), {})]


def yes(question: str) -> bool:
    """Whether the operator says so; nobody there is no."""
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _connect(config: Config, stack: contextlib.ExitStack) -> Pilot:
    from hardware.pilot import Pilot
    from hardware.referee import Referee
    from hardware.transport import Place

    address: Any = config.address
    if config.transport == "sim" and address is None:
        scenario, fixed = SIMULATED_ROOM
        referee = Referee(scenario, config.body)
        stack.callback(referee.close)
        referee.reset(0, fixed)
        address = referee.address
    pilot = Pilot(Place(config.transport, address or "", config.profile), "manual")
    stack.callback(pilot.close)
    return pilot


def _say(findings: list[Finding]) -> None:
    for each in findings:
        print(f"{'well' if each.passed else 'NOT WELL':9} {each.name}: {each.words}", flush=True)


if __name__ == "__main__":
    run_command(Config, main, "python -m eval.doctor")
