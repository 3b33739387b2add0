"""`python -m hardware.run --web`: the one loop, with an operator at a page."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from episodes.record import Record
from episodes.rollout import Task, rollout
from hardware.camera_tape import RecordingError
from hardware.journal import Drive, Journal
from hardware.keys import Keys
from hardware.recording import Keeper, facts_of, keeper_of
from hardware.run import PURPOSE, STOPPED, fault_words, reach, undisturbed
from hardware.safety import RefusedError
from hardware.transport import LinkLostError
from hardware.web.desk import Desk, ElsewhereError, Wish
from hardware.web.serving import serving
from hardware.web.view import View
from hardware.web.watched import Watched
from policies.interface import UnreachableError
from scenarios import episode_seed, load, names

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
    with contextlib.ExitStack() as stack:
        try:
            address = stack.enter_context(serving(desk, view, config.host, config.port))
        except ValueError as error:
            _leave(error)
        print(f"The operator's page: {address}", flush=True)
        while True:
            _visit_again(config, robot, policy, desk, view.journal)


def _leave(error: Exception) -> NoReturn:
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
        LinkLostError: one sentence, if the robot is not there any more.
    """
    scenario = load(desk.wish.scenario)
    here = replace(config, scenario=desk.wish.scenario)
    with contextlib.ExitStack() as stack:
        env = reach(here, scenario, robot, policy, stack, desk.consent)
        desk.open(env.pilot)
        stack.callback(desk.open, None)
        keeper = keeper_of(config.frames, journal.folder, config.profile, config.storage, env,
                           stack)
        while desk.wish.scenario == here.scenario:
            _drive(here, env, Watched(policy, desk), desk, Shelf(keeper, journal))


def _visit_again(config: Config, robot: RobotSpec, policy: Policy, desk: Desk,
                 journal: Journal) -> None:
    """The same; a robot that was there and is gone may come back. A bug is not a lost robot."""
    try:
        _visit(config, robot, policy, desk, journal)
    except LinkLostError as error:
        if not desk.opened:
            _leave(error)
        logger.warning("%s", error)
        desk.ended(str(error))
        time.sleep(RETRY_S)


@dataclass(frozen=True)
class Shelf:
    """Where drives are kept, and what is said of them."""

    keeper: Keeper
    journal: Journal

    def keep(self, record: Record, env: RobotEnv, desk: Desk) -> None:
        """Keep a drive, where that was wanted; what goes wrong is only said: the robot stands."""
        if not desk.placed.record:
            return
        why = desk.why or env.why
        try:
            kept = self.keeper.keep(record, desk.mode, why)
        except (OSError, RecordingError) as error:
            desk.said = f"{self.journal.folder}: this drive could not be kept ({error})."
            return
        for part, path in enumerate(kept.files):
            self.journal.note(Drive(
                path.stem, instruction=record.instruction, mode=desk.mode, why=why,
                ended_by=record.ended_by, frames=kept.frames, dropped=kept.dropped,
                part_of=kept.files[0].stem if part else ""))
        desk.said = kept.failed or desk.said
        desk.changed()


def _drive(config: Config, env: RobotEnv, policy: Policy, desk: Desk, shelf: Shelf) -> None:
    """Lay out, wait for the operator, drive, keep."""
    wish = desk.place()
    seed = episode_seed(PURPOSE, config.seed, env.scenario.layout_group, wish.layout)
    task = Task(seed, wish.instruction, wish.fixed, execute=config.execute,
                keep_rgb=wish.record and shelf.keeper.keep_rgb)
    env.laid_out = partial(shelf.keeper.begin, env, facts_of(task, policy)) if (
        wish.record) else lambda: None

    def salvage(record: Record, fault: BaseException) -> None:
        """Stand, and keep what was driven until an exception ends it."""
        with undisturbed():
            env.pilot.disarm()
            env.why = desk.why or fault_words(fault)
            shelf.keep(record, env, desk)

    try:
        record = rollout(env, policy, task, shelf.keeper.check if wish.record else lambda: None,
                         salvage)
    except ElsewhereError:
        return
    except (RecordingError, RefusedError, UnreachableError) as refused:
        desk.ended(str(refused))
        return
    desk.ended(_outcome(record, env, desk))
    shelf.keep(record, env, desk)
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
