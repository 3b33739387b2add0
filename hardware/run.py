"""Drive a robot: `python -m hardware.run --policy hybrid --scenario 2box_hori_left`.

The same loop and the same policies as `eval.run`; only the world is another one.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from hardware.connecting import connect
from scenarios.cli import LogLevel, Terminated, run_command

if TYPE_CHECKING:
    from envs.interface import RobotSpec
    from episodes.record import Record
    from hardware.pilot import Pilot
    from hardware.recording import Keeper, Kept
    from hardware.robot_env import RobotEnv
    from policies import Policy
    from scenarios import Scenario

PURPOSE = "eval"  # the layouts that `eval.run` drives, too
STOPPED = 1  # exit code: the robot was stopped for safety, or could not start
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Config:
    """Drive a robot with a policy, through the gate that keeps it from harm.

    Over `sim` without --address, or `dds` with --simulated, a simulated robot is started in another
    process; on anything real the operator is asked before every episode.
    """

    policy: Annotated[str, arg(metavar="NAME")]
    """Name, module:Class or checkpoint folder, as for eval.run."""
    scenario: str
    """Name or TOML file."""
    transport: str = "sim"
    """How the robot is reached: sim, dds, ros, serbot, replay."""
    address: str | None = None
    """sim: host:port of `python -m envs.serve`; dds: ROS_DOMAIN_ID; replay: an episode's file."""
    simulated: bool = False
    """dds: what is there is simulated, and said to be; without --address it is started, too."""
    episodes: int = 1
    """How many, one after the other."""
    seed: int = 0
    """The root of the simulated robot's layouts, as for eval.run, and of the policy's chance."""
    instruction: str | None = None
    """What the policy is told; the scenario's English sentence where not given."""
    mode: Literal["vla", "shared", "hybrid", "manual"] = "vla"
    """Who drives: the policy until the operator takes over; with --web also both (shared, alias
    hybrid), or the operator alone."""
    robot: str = "serbot"
    """Name or TOML file, as for eval.run: what a command means in m/s."""
    profile: str = "serbot"
    """Name or TOML file of hardware/robots: limits, units and topics."""
    execute: int = 1
    """Rows of a plan that are driven before asking again."""
    arm: Literal["ask", "now"] | None = None
    """Whether the operator is asked before the robot may move; `now` only where nothing real
    moves."""
    doctor: Annotated[str, arg(metavar="FILE")] = "doctor.json"
    """What `python -m eval.doctor --robot` wrote; without one that passed today nothing real is
    armed."""
    size: Literal["mini", "full"] | None = None
    """Size of the model's towers."""
    checkpoint: Annotated[str | None, arg(metavar="DIR")] = None
    """Folder with the policy's weights; the shipped ones where not given."""
    device: Annotated[str | None, arg(metavar="NAME")] = None
    """Where the model runs: cpu, cuda."""
    record: Annotated[str | None, arg(metavar="DIR")] = None
    """Folder for what was seen and sent: an episode file a drive."""
    frames: Literal["decision", "all"] = "decision"
    """record: a picture a decision in the policy's size, or all of the camera's as they come."""
    compat: bool = False
    """record: packed by gzip, which the laboratory's loaders and plain h5py read."""
    web: bool = False
    """Serve a page on which the operator watches, arms, steers and stops; with --record drives are
    kept from the start, else in `drives` once that is switched on."""
    host: str = "127.0.0.1"
    """web: address to listen at; beyond this machine only with a token in MOBILE_VLA_TOKEN."""
    port: int = 8080
    """web: 0 is any free one."""
    log_level: LogLevel = "info"
    """How much is logged."""

    @property
    def storage(self) -> str:
        """How pictures are packed, as in `episodes.storing`."""
        return "gzip" if self.compat else "zstd"


@dataclass(frozen=True)
class Driven:
    """One episode on a robot."""

    record: Record
    is_success: bool | None  # None where nobody knows
    why: str  # of a safety stop


def main(config: Config) -> Callable[[], None]:
    """Check and load everything, and return the work."""
    import policies
    from envs import load_robot
    from hardware.profile import load_profile
    from hardware.recording import check_recording
    from hardware.transport import check_transport
    from policies.interface import TRUTH
    from scenarios import load, names

    check_transport(config.transport, config.address)
    if config.scenario == "all" or "," in config.scenario:
        raise ValueError(f"--scenario {config.scenario}: a robot drives in one room after the "
                         f"other, expected one of {', '.join(names())}, or a TOML file.")
    scenario, robot = load(config.scenario), load_robot(config.robot)
    load_profile(config.profile)
    if config.episodes < 1 or config.execute < 1 or config.seed < 0:
        raise ValueError("--episodes and --execute must be 1 or more, --seed 0 or more, got "
                         f"{config.episodes}, {config.execute} and {config.seed}.")
    if config.mode != "vla" and not config.web:
        raise ValueError(f"--mode {config.mode} waits for an operator's keys, and here are none: "
                         "add --web, whose page has them, or drive by hand with "
                         "`python -m hardware.teleop`.")
    if config.simulated and config.transport not in ("sim", "dds"):
        raise ValueError("--simulated is for --transport dds; leave it out.")
    check_recording(config.record, config.frames, config.compat, config.web)
    if config.transport == "replay" and config.address is None:
        raise ValueError("--transport replay needs --address: which recorded episode?")
    options = {name: getattr(config, name) for name in ("size", "checkpoint", "device")
               if getattr(config, name) is not None}
    policy = policies.make(config.policy, **options)
    if TRUTH in policy.spec.needs:
        raise ValueError(f"{config.policy} needs to be told the truth, which no robot knows; "
                         "choose a policy that only looks.")
    if config.web:
        from hardware.web import page

        return page(config, robot, policy)
    return lambda: _work(config, scenario, robot, policy)


def reach(config: Config, scenario: Scenario, robot: RobotSpec, policy: Policy,
          stack: contextlib.ExitStack,
          consent: Callable[[Pilot], None] | None = None) -> RobotEnv:
    """A robot that is ready, as by `connect`; what is wrong with it is no fault of who drives it.

    Raises:
        LinkLostError: one sentence, if it cannot be reached. A ValueError after that is a bug.
    """
    from hardware.transport import LinkLostError

    try:
        return connect(config, scenario, robot, policy, stack, consent)
    except ValueError as error:
        raise LinkLostError(str(error)) from error


def drive(config: Config, scenario: Scenario, env: RobotEnv, policy: Policy,
          first: int = 0) -> list[Driven]:
    """Drive the episodes in a world that is ready, and keep them where that is wanted.

    Args:
        config: How many, and from which seed on.
        scenario: What is to be done.
        env: The robot.
        policy: Who decides.
        first: Which episode of the seed is the first; the others follow it.
    """
    from hardware.recording import keeper_of

    with contextlib.ExitStack() as stack:
        keeper = (None if config.record is None else
                  keeper_of(config.frames, Path(config.record), config.profile, config.storage, env,
                            stack))
        return _drive(config, scenario, env, policy, keeper, first)


def _drive(config: Config, scenario: Scenario, env: RobotEnv, policy: Policy,
           keeper: Keeper | None, first: int) -> list[Driven]:
    from episodes.rollout import Task, rollout
    from hardware.recording import facts_of
    from scenarios import episode_seed

    def salvage(record: Record, fault: BaseException) -> None:
        """Stand, and keep what was driven until an exception ends it."""
        with undisturbed():
            env.pilot.disarm()
            env.why = fault_words(fault)
            kept = _keep(config, keeper, record, env.why) if keeper is not None else None
        _say(Driven(record, None, env.why), index)
        if kept is not None:
            _tell(f"  {kept}")

    found: list[Driven] = []
    for index in range(first, first + config.episodes):
        seed = episode_seed(PURPOSE, config.seed, scenario.layout_group, index)
        words = config.instruction or scenario.instructions.english
        task = Task(seed, words, execute=config.execute,
                    keep_rgb=keeper is not None and keeper.keep_rgb)
        if keeper is not None:
            env.laid_out = partial(keeper.begin, env, facts_of(task, policy))
        record = rollout(env, policy, task, keeper.check if keeper else lambda: None, salvage)
        knows = env.info["side_followed"] is not None or record.ended_by in ("goal", "contact")
        found.append(Driven(record, env.info["is_success"] if knows else None, env.why))
        _say(found[-1], index)
        if keeper is not None:
            _tell(f"  {_keep(config, keeper, record, env.why)}")
    return found


def _keep(config: Config, keeper: Keeper, record: Record, why: str) -> Kept:
    """Write a drive's file.

    Raises:
        RecordingError: where it cannot be written; the robot stands by then.
    """
    from hardware.camera_tape import RecordingError

    try:
        return keeper.keep(record, config.mode, why)
    except OSError as error:
        raise RecordingError(f"{config.record}: this drive could not be kept ({error.strerror}); "
                             "the robot stands, and files of earlier drives are whole.") from error


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Whoever presses Ctrl-C twice shall not lose what the first one keeps."""
    before = [signal.signal(each, signal.SIG_IGN) for each in ENDS]
    try:
        yield
    finally:
        for each, handler in zip(ENDS, before):
            signal.signal(each, handler)


def fault_words(fault: BaseException) -> str:
    """What ended a drive, for the operator and the record."""
    if isinstance(fault, Terminated):
        return "It was ended from outside (SIGTERM, or the terminal was closed)."
    if isinstance(fault, KeyboardInterrupt):
        return "It was interrupted (Ctrl-C)."
    return f"{type(fault).__name__}: {fault}"


def _work(config: Config, scenario: Scenario, robot: RobotSpec, policy: Policy) -> None:
    from hardware.camera_tape import RecordingError
    from hardware.safety import RefusedError
    from hardware.transport import LinkLostError
    from policies.interface import UnreachableError

    with contextlib.ExitStack() as stack:
        try:
            env = reach(config, scenario, robot, policy, stack)
            found = drive(config, scenario, env, policy)
            state = env.pilot.state()
        except (LinkLostError, RecordingError, RefusedError, UnreachableError) as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(STOPPED)
        refused = ", ".join(f"{count} {why}" for why, count in state.refused.items())
        _tell(f"Refused commands: {refused or 'none'}. 99 % of the last ticks came at most "
              f"{state.late_s * 1000:.1f} ms late.")
    if any(each.record.ended_by == "safety_stop" for each in found):
        sys.exit(STOPPED)


def _say(driven: Driven, index: int) -> None:
    """One line an episode, and one for every other policy that was asked."""
    from hardware.opinions import opinions

    record = driven.record
    verdict = {True: "success", False: "no success", None: "nobody judged"}[driven.is_success]
    _tell(f"episode {index} ({record.source}, seed {record.seed}): {record.ended_by} after "
          f"{record.decisions} decisions, {verdict}. {driven.why}".rstrip())
    for line in opinions(record):
        _tell(f"  {line}")


def _tell(line: str) -> None:
    """To the operator, whose terminal may be gone."""
    with contextlib.suppress(OSError):
        print(line, flush=True)


if __name__ == "__main__":
    run_command(Config, main)
