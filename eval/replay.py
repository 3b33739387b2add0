"""Drive a stored episode again, or otherwise from a moment on: `python -m eval.replay CAPSULE`."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from episodes.record import Record
    from episodes.rollout import Task
    from eval.capsule import Capsule
    from policies import Policy

DIFFERS = 1  # the exit code of a replay that is not what was stored
PICTURE = (288, 512)  # height, width of a replay's pictures where no policy wants others


@dataclass(frozen=True)
class Config:
    """Drive an episode again by its commands; from a moment on, by a policy or with other words."""

    capsule: Annotated[Path, arg(metavar="CAPSULE"), Positional]
    """File that eval.capsule wrote."""
    at: Annotated[float | None, arg(metavar="SECONDS")] = None
    """From here on a policy decides, the episode's own where --policy does not say another."""
    instruction: Annotated[str | None, arg(metavar="TEXT")] = None
    """What it is told; the episode's own words where not given."""
    policy: Annotated[str | None, arg(metavar="P")] = None
    """Who decides: a name, module:Class or checkpoint folder."""
    out: Annotated[Path | None, arg(metavar="DIR")] = None
    """Folder for the film and the way from above; none is made where not given."""
    log_level: LogLevel = "info"
    """How much is logged."""


@dataclass(frozen=True)
class Replayed:
    """What came of it."""

    record: Record
    differs: list[str]  # arrays that are not those that were stored; of a whole replay alone
    is_branch: bool

    @property
    def verdict(self) -> str:
        """In words: how it ended, and whether it is what was stored."""
        from eval.pictures import verdict

        _, ended = verdict(self.record)
        if self.is_branch:
            return f"branch: {ended}"
        if self.differs:
            return f"DIFFERS from what was stored in {', '.join(self.differs)}: {ended}"
        return f"the same, bit for bit: {ended}"


def replay(capsule: Capsule | Path | str, *, at: float | None = None,
           instruction: str | None = None, policy: str | None = None,
           pictures: bool = False) -> Replayed:
    """Drive an episode again.

    Args:
        capsule: What to drive, or the file it is in.
        at: Seconds of the world's clock after which a policy decides; all commands are followed
            where neither this nor words or policy are given, and none where only these are.
        instruction: What that policy is told; the episode's own words where not given.
        policy: Who decides then; the episode's own policy where not given.
        pictures: Whether to keep what the robot saw.

    Raises:
        ValueError: if the file is no capsule, its scenario changed, or `at` lies outside.
    """
    import numpy as np

    from episodes.rollout import Task
    from eval.branch import Branch, commands_until
    from eval.capsule import Capsule, hashes, load

    held = capsule if isinstance(capsule, Capsule) else load(capsule)
    commands = np.array(held.content["commands"], np.float32).reshape(-1, 3)
    if (at, instruction, policy) == (None, None, None):
        if not len(commands):
            raise ValueError(f"{held.line['id']}: ended before its first command; only a branch, "
                             f"from --at 0, can be driven.")
        task = Task(held.line["seed"], held.line["instruction"], execute=held.config["execute"],
                    keep_rgb=pictures, most=len(commands), latency=held.latency)
        record = _drive(held, Branch(commands, None, plans=held.content.get("plans")), task,
                        PICTURE)
        found, stored = hashes(record), held.content["hashes"]
        return Replayed(record, [name for name in stored if found.get(name) != stored[name]], False)
    followed = commands_until(commands, at or 0.0, held.line["rules"]["decision_s"])
    after, execute = policy_of(held, policy), held.config["execute"]
    words = held.line["instruction"] if instruction is None else instruction
    task = Task(held.line["seed"], words, execute=execute, keep_rgb=pictures, latency=held.latency)
    driver = Branch(followed, after, execute, held.content.get("plans"))
    return Replayed(_drive(held, driver, task, after.spec.image_size), [], True)


def main(config: Config) -> None:
    """Replay, film where asked, and say how it ended."""
    from eval.capsule import load

    capsule = load(config.capsule)
    found = replay(capsule, at=config.at, instruction=config.instruction, policy=config.policy,
                   pictures=config.out is not None)
    if config.out is not None:
        from eval.pictures import film

        config.out.mkdir(parents=True, exist_ok=True)
        name = capsule.line["id"] + ("_branch" if found.is_branch else "")
        film(found.record, config.out / name)
        print(f"Film: {config.out / name}.mp4")
    print(f"{capsule.line['id']}, {found.record.policy}: {found.verdict}")
    if found.differs:
        sys.exit(DIFFERS)


def _drive(held: Capsule, driver: Policy, task: Task, size: tuple[int, int]) -> Record:
    """One episode in the capsule's world."""
    import envs
    from episodes.rollout import rollout
    from eval.branch import robot_options

    world = envs.make(held.scenario(), image_size=size, **robot_options(held.content))
    try:
        place: Any = world.unwrapped
        if place.renderer != held.content["renderer"]:
            raise ValueError(f"this code's renderer is {place.renderer}, the episode's was "
                             f"{held.content['renderer']}; what the robot sees would differ.")
        return rollout(world, driver, task)
    finally:
        world.close()


def policy_of(held: Capsule, name: str | None = None) -> Policy:
    """The policy of a branch: another, or the episode's own with its options and weights."""
    import policies
    from eval.engines import POLICY_OPTIONS

    if name is not None:
        return policies.make(name)
    own = policies.make(held.config["policy"], **{
        each: held.config[each] for each in POLICY_OPTIONS if held.config.get(each)})
    stored = held.content["policy"]["weights_hash"]
    if own.spec.weights_hash != stored:
        raise ValueError(f"{own.spec.name}: its weights are {own.spec.weights_hash}, the episode "
                         f"was driven with {stored}; name a policy with --policy, or give those "
                         f"weights back.")
    return own


if __name__ == "__main__":
    run_command(Config, main)
