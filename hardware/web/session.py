"""`python -m hardware.run --web`: the one loop, with an operator at a page."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from episodes.record import Record
from episodes.rollout import Task, rollout
from hardware.journal import Drive, Journal
from hardware.keys import Keys
from hardware.recording import keep
from hardware.run import PURPOSE, STOPPED, connect, fault_words, undisturbed
from hardware.safety import RefusedError
from hardware.transport import LinkLostError
from hardware.web.desk import Desk, ElsewhereError, Wish
from hardware.web.serving import serving
from hardware.web.view import View
from hardware.web.watched import Watched
from policies.interface import UnreachableError
from scenarios import Scenario, episode_seed, load, names

if TYPE_CHECKING:
    from envs.interface import RobotSpec
    from hardware.robot_env import RobotEnv
    from hardware.run import Config
    from policies import Policy

FOLDER = "drives"  # where drives are kept, if nothing else was said
LINGER_S = 2.5  # after a drive, before the next room is laid out
RETRY_S = 2.0  # after a robot was lost
REACHED = {True: "Reached the cup.", False: "Did not succeed.", None: ""}

logger = logging.getLogger(__name__)


def serve(config: Config, robot: RobotSpec, policy: Policy) -> None:
    """Serve the page, and drive what its operator wants, until Ctrl-C.

    Leaves the process with one sentence if page or robot cannot be had.
    """
    folder = Path(config.record or FOLDER)
    words = config.instruction or load(config.scenario).instructions.english
    wish = Wish(config.scenario, words, record=config.record is not None)
    desk = Desk(wish, Keys(robot), "shared" if config.mode == "hybrid" else config.mode)
    view = View(desk, Journal(folder), facts(config, robot, policy))
    try:
        with serving(desk, view, config.host, config.port) as address:
            print(f"The operator's page: {address}", flush=True)
            while True:
                _visit_again(config, robot, policy, desk, view.journal)
    except (LinkLostError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(STOPPED)


def facts(config: Config, robot: RobotSpec, policy: Policy) -> dict[str, Any]:
    """What a page is told once."""
    spec = policy.spec
    known = names() if config.scenario in names() else [config.scenario, *names()]
    return {"policy": spec.name, "weights": spec.weights, "size": spec.size,
            "transport": config.transport, "scenarios": known, "speed_m_s": robot.speed_m_s,
            "turn_rate_rad_s": robot.turn_rate_rad_s, "decision_ms": 1000 * robot.decision_s,
            "folder": config.record or FOLDER}


def _visit(config: Config, robot: RobotSpec, policy: Policy, desk: Desk,
           journal: Journal) -> None:
    """Drive in one scenario until another one is wanted.

    Raises:
        LinkLostError, ValueError: one sentence, if the robot is not there any more.
    """
    scenario = load(desk.wish.scenario)
    here = replace(config, scenario=desk.wish.scenario)
    with contextlib.ExitStack() as stack:
        env = connect(here, scenario, robot, policy, stack, desk.consent)
        desk.open(env.pilot)
        stack.callback(desk.open, None)
        while desk.wish.scenario == here.scenario:
            _drive(here, scenario, env, Watched(policy, desk), desk, journal)


def _visit_again(config: Config, robot: RobotSpec, policy: Policy, desk: Desk,
                 journal: Journal) -> None:
    """The same; a robot that was there and is gone may come back."""
    try:
        _visit(config, robot, policy, desk, journal)
    except (LinkLostError, ValueError) as error:
        if not desk.opened:
            raise
        logger.warning("%s", error)
        desk.ended(str(error))
        time.sleep(RETRY_S)


def _drive(config: Config, scenario: Scenario, env: RobotEnv, policy: Policy, desk: Desk,
           journal: Journal) -> None:
    """Lay out, wait for the operator, drive, keep."""
    wish = desk.place()
    seed = episode_seed(PURPOSE, config.seed, scenario.layout_group, wish.layout)
    task = Task(seed, wish.instruction, wish.fixed, execute=config.execute, keep_rgb=wish.record)

    def salvage(record: Record, fault: BaseException) -> None:
        """Stand, and keep what was driven until an exception ends it."""
        with undisturbed():
            env.pilot.disarm()
            env.why = desk.why or fault_words(fault)
            _keep(record, config, env, desk, journal)

    try:
        record = rollout(env, policy, task, salvage=salvage)
    except ElsewhereError:
        return
    except (RefusedError, UnreachableError) as refused:
        desk.ended(str(refused))
        return
    desk.ended(_outcome(record, env, desk))
    _keep(record, config, env, desk, journal)
    desk.linger(LINGER_S)
    if desk.wish == wish:
        desk.want(layout=wish.layout + 1)


def _outcome(record: Record, env: RobotEnv, desk: Desk) -> str:
    """How a drive ended, in a few words."""
    if record.ended_by == "safety_stop":
        return desk.why or env.why
    knows = env.info["side_followed"] is not None or record.ended_by in ("goal", "contact")
    verdict = REACHED[env.info["is_success"] if knows else None]
    return f"{verdict} Ended by {record.ended_by} after {record.decisions} decisions.".strip()


def _keep(record: Record, config: Config, env: RobotEnv, desk: Desk, journal: Journal) -> None:
    """Where it is wanted, write the drive's file and a line about it; a full disk is only said."""
    if not desk.placed.record or record.rgb is None or not record.decisions:
        return
    why = desk.why or env.why
    try:
        path = keep(record, journal.folder, config.profile, desk.mode, why)
        journal.note(Drive(path.stem, instruction=record.instruction, mode=desk.mode,
                           ended_by=record.ended_by, why=why, frames=record.decisions + 1))
    except OSError as error:
        desk.said = f"{journal.folder}: this drive could not be kept ({error.strerror})."
    desk.changed()
