"""From options to a run that is ready: all is checked and loaded before a line is written."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import time
from collections.abc import Collection
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import envs
import policies
from envs.appearance import load_profile
from envs.camera import check_look
from envs.dynamics import parse as parse_faults
from envs.interface import RobotSpec
from episodes.clock import TRACE
from episodes.engine import check_batch
from eval.config import Config
from eval.engines import POLICY_OPTIONS, check_workers, open_engine
from eval.latencies import described as described_latency
from eval.latencies import parse
from eval.lock import alone_in
from eval.provenance import described, provenance, told
from eval.recordings import readable
from eval.results import Run
from eval.session import PURPOSE, Closed, Open, Session, jobs_of
from eval.until import Against, Decided, refuse_decided
from eval.words import check_wording, is_wording
from policies.interface import PolicySpec
from scenarios import Scenario, select

NUMBERS = {"episodes": int, "execute": int, "videos": int, "seed": int, "random_weights": bool,
           "batch": int, "workers": int, "until_decided": bool, "alpha": float,
           "min_effect": float}
# Options of one call, not of the run:
NOT_STORED = ("resume", "log_level", "workers", "engine", "address")

logger = logging.getLogger(__name__)


def prepare(config: Config, said: Collection[str] = ()) -> Session:
    """Check every option, load everything, and make (or reopen) the run's folder last of all.

    Args:
        config: All options.
        said: Names of those that somebody gave, be it with their defaults.

    Raises:
        ValueError: one sentence for anything wrong; nothing is written then.
    """
    with contextlib.ExitStack() as hold:
        session = _prepared(_plain(config), said, hold)
        if config.resume is None:
            hold.enter_context(alone_in(session.run.folder))
        return dataclasses.replace(session, hold=hold.pop_all())


def _prepared(config: Config, said: Collection[str], hold: contextlib.ExitStack) -> Session:
    """As `prepare`; a run that is resumed is held before its episodes are read."""
    old = None
    if config.resume is not None:
        old = Run(Path(config.resume))
        hold.enter_context(alone_in(old.folder))
        refuse_decided(old)
        config = _stored_config(old, config, said)
    against = Against(config) if config.until_decided else None
    if against is not None:
        config = against.joined(config, said if old is None else ())
    _check(config)
    _check_writable(Path(config.out) if old is None else old.folder)
    chosen, robot = select(config.scenario), envs.load_robot(config.robot)
    if config.policy is None:
        raise ValueError("Which policy? Give --policy NAME, or --resume RUN to continue a run; "
                         f"names are {', '.join(policies.REGISTRY)}.")
    if config.loop == "open":
        return _open(config, chosen, robot, old)
    return _closed(config, chosen, robot, old, against)


def _closed(config: Config, chosen: list[Scenario], robot: RobotSpec, old: Run | None,
            against: Against | None) -> Session:
    """Ready to drive: what cannot start is found by a rehearsal, before anything is written."""
    start, jobs = time.perf_counter(), jobs_of(config, chosen)
    if against is not None:
        jobs = against.jobs(jobs)
    done = set() if old is None else {line["id"] for line in old.lines()}
    missing = [job for job in jobs if job.key not in done]
    engine = open_engine(config, robot, len(missing))
    with contextlib.ExitStack() as stack:
        stack.callback(engine.close)
        first = {job.scenario.name: job for job in reversed(jobs)}
        rehearsal = engine.rehearse([dataclasses.replace(job, task=dataclasses.replace(
            job.task, most=1, keep_rgb=False)) for job in reversed(first.values())])
        facts = _facts(config, rehearsal.spec, chosen, robot) | {
            "source": rehearsal.source, "renderer": rehearsal.renderer,
            "appearance": _look(config.appearance), "planned": len(jobs),
            "latency": described_latency(jobs[0].task.latency)}
        if against is not None:
            against.check(facts)
        names = {each.name for each in chosen}
        run = _create(config, rehearsal.spec, names, facts) if old is None else _reopen(old, facts)
        stack.pop_all()  # from here on the session closes it
    closed = Closed(engine, missing, time.perf_counter() - start)
    return Session(config, run, closed if against is None else Decided(
        closed, against, config, jobs))


def _open(config: Config, chosen: list[Scenario], robot: RobotSpec, old: Run | None) -> Session:
    """Ready to compare: every file is read once, and the first is rehearsed."""
    start = time.perf_counter()
    policy = policies.make(config.policy or "", **{
        name: getattr(config, name) for name in POLICY_OPTIONS if getattr(config, name)})
    files = readable(config, policy, chosen, robot)
    names = set(files.values())
    chosen = [each for each in chosen if each.name in names]
    facts = _facts(config, policy.spec, chosen, robot) | {
        "source": None, "renderer": None, "appearance": None, "planned": len(files)}
    run = _create(config, policy.spec, names, facts) if old is None else _reopen(old, facts)
    return Session(config, run, Open(policy, robot, list(files), time.perf_counter() - start))


def _facts(config: Config, spec: PolicySpec, chosen: list[Scenario],
           robot: RobotSpec) -> dict[str, Any]:
    """What both loops write down about a run."""
    return {
        "config": {name: value for name, value in vars(config).items() if name not in NOT_STORED},
        "purpose": PURPOSE, "batch_size": config.batch if config.loop == "closed" else 1,
        "policy": described(spec), "scenarios": {each.name: each.hash() for each in chosen},
        "robot": dataclasses.asdict(robot), **provenance(),
    }


def _look(appearance: str) -> dict[str, str]:
    """Which profile episodes look by, and its identity."""
    profile = load_profile(appearance)
    return {"profile": profile.name, "hash": profile.hash()}


def _plain(config: Config) -> Config:
    """The same options as text and numbers, whatever paths and numbers came from Python.

    Raises:
        ValueError: for an option of another type.
    """
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Config):
        value = getattr(config, field.name)
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if field.name == "latency" and isinstance(value, Real) and not isinstance(value, bool):
            value = f"{float(value):g}"
        if isinstance(value, Integral) and not isinstance(value, bool):
            value = int(value)
        kind = NUMBERS.get(field.name, str)
        if type(value) is not kind and not (value is None and field.default is None):
            raise ValueError(f"--{field.name.replace('_', '-')} must be {kind.__name__}, "
                             f"got {value!r}.")
        values[field.name] = value
    return Config(**values)


def _check(config: Config) -> None:
    """Refuse options that make no sense, before anything is loaded."""
    if config.loop not in ("closed", "open"):
        raise ValueError(f"--loop must be closed or open, got {config.loop!r}.")
    for name, least in (("episodes", 1), ("execute", 1), ("videos", 0), ("seed", 0),
                        ("workers", 0)):
        value = getattr(config, name)
        if value is not None and value < least:
            raise ValueError(f"--{name} must be {least} or more, got {value}.")
    if config.loop == "open" and config.data is None:
        raise ValueError("--loop open compares with recorded episodes: give their folder with "
                         "--data DIR; `python -m episodes.generate` makes some.")
    if config.loop == "closed" and config.data is not None:
        raise ValueError("--data is read by --loop open only; leave it out to drive.")
    profile = load_profile(config.appearance)
    check_look(config.renderer, profile.name)
    if config.loop == "open" and (config.renderer, config.appearance) != ("fast", "nominal"):
        raise ValueError("--renderer and --appearance belong to the closed loop; recorded episodes "
                         "look as they look. Leave them out.")
    if config.loop == "open" and config.execute != 1:
        raise ValueError("--execute belongs to the closed loop; the open loop compares the first "
                         "row of every plan. Leave it out.")
    parse_faults(config.dynamics)
    if config.loop == "open" and config.dynamics != Config.dynamics:
        raise ValueError("--dynamics belongs to the closed loop: nothing moves in the open one. "
                         "Leave it out.")
    if config.latency is not None:
        parse(config.latency, config.hold)
    if config.loop == "open" and config.latency is not None:
        raise ValueError("--latency belongs to the closed loop: nothing moves in the open one. "
                         "Leave it out.")
    if config.latency is None and config.hold != Config.hold:
        raise ValueError("--hold says what drives while the policy thinks: give --latency too.")
    if is_wording(config.instruction):
        check_wording(config.instruction)
    if config.loop == "open" and is_wording(config.instruction):
        raise ValueError(f"--instruction {config.instruction} belongs to the closed loop; recorded "
                         f"episodes say their own words, or are told yours.")
    check_batch(config.batch)
    check_workers(config)


def _check_writable(out: Path) -> None:
    """Refuse a folder in which nothing can be written, before the work begins."""
    existing = next(each for each in (out.absolute(), *out.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise ValueError(f"{out}: {existing} is a file, expected a folder for results (--out).")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ValueError(f"{out}: cannot write in {existing}; choose another folder with --out.")


def _stored_config(run: Run, given: Config, said: Collection[str]) -> Config:
    """The configuration that the run began with.

    Raises:
        ValueError: if another option was given beside --resume and differs from it.
    """
    try:
        stored = _plain(Config(**run.facts["config"], log_level=given.log_level,
                               workers=given.workers, engine=given.engine,
                               address=given.address))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{run.folder}: run.json holds no configuration of eval.run "
                         f"({error}); start a new run.") from error
    for field in dataclasses.fields(Config):
        now, began = getattr(given, field.name), getattr(stored, field.name)
        is_said = field.name in said or now != field.default
        if field.name not in NOT_STORED and is_said and now != began:
            raise ValueError(f"{run.folder} began with --{field.name.replace('_', '-')} {began}, "
                             f"got {now}; leave the option out, or start a new run.")
    return stored


def _create(config: Config, spec: PolicySpec, names: set[str | None] | set[str],
            facts: dict[str, Any]) -> Run:
    (what,) = names if len(names) == 1 else ("all",)
    loop = "open_" if config.loop == "open" else ""
    words = told(config.instruction)
    words = config.instruction if words == "wording" else words
    unusual = [Path(each).stem for each, usual in (
        (words, "default"), (config.renderer, "fast"), (config.appearance, "nominal"),
        (config.dynamics.replace(".", "-"), "nominal"))
        if each != usual] + _slow(config)
    return Run.create(Path(config.out), "_".join([f"{spec.name}_{loop}{what or 'unknown'}",
                                                  *unusual]), facts)


def _slow(config: Config) -> list[str]:
    """A few letters on a virtual clock's latency, for the folder's name."""
    if config.latency is None:
        return []
    kind, _, rest = config.latency.partition(":")
    return [f"late-{Path(rest).stem if kind == TRACE else config.latency}-{config.hold}"]


def _reopen(run: Run, now: dict[str, Any]) -> Run:
    """Go on in an interrupted run, if it is still the same experiment.

    Raises:
        ValueError: if scenario, robot, policy, look, batch or number of files changed since.
    """
    for name in ("scenarios", "robot", "policy", "renderer", "appearance", "planned",
                 "batch_size", "latency"):
        if run.facts.get(name) != now.get(name):
            raise ValueError(f"{run.folder}: {name} changed since this run began "
                             f"({run.facts.get(name)} then, {now.get(name)} now); start a new run.")
    for name in ("git", "packages", "machine"):
        if run.facts[name] != now[name]:
            logger.warning("%s: %s is not what this run began with.", run.folder, name)
    logger.info("%s: %d of %d episodes are there, %d with their times.", run.folder,
                len(run.lines()), run.facts["planned"], len(run.timing))
    run.drop_torn_lines()
    return run
