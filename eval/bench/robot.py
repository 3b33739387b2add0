"""`python -m eval.bench robot`: a policy through the whole robot's way, beside `eval.run`.

Hardware in the loop: the simulated world runs in real time in another process and is spoken to as a
robot, through driver, watchdog and gate. Layouts are those of `eval.run`, so episodes pair. What
ended in an error (the policy's, or a robot that stood for safety) is counted apart, in no rate.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import arg

from scenarios.cli import LogLevel

if TYPE_CHECKING:
    from eval.statistics import Rate
    from hardware.run import Config, Driven
    from policies import Policy

WITHIN, ONE_APART, OUT = "within", "outside by one layout", "OUTSIDE"
OUTSIDE = 1  # exit code: some rate lies outside the interval of `eval.run`, or could not be had
TRANSPORTS = ("sim", "dds")
ERRORS = ("policy_error", "safety_stop")  # ends that say nothing of how well a policy drives

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RobotOptions:
    """Drive the same episodes in the simulator and over a robot's transports, and compare.

    A real second of every decision passes: 25 episodes of three scenarios over two transports take
    about half an hour.
    """

    policy: Annotated[str, arg(metavar="NAME")] = "hybrid"
    """As for eval.run and hardware.run."""
    scenarios: tuple[str, ...] = ("1box_vert_left", "2box_hori_left", "2box_vert_right")
    """Names or TOML files."""
    transports: tuple[str, ...] = TRANSPORTS
    """sim, dds."""
    episodes: int = 25
    """Per scenario and transport, and per scenario in the simulator."""
    seed: int = 0
    """The root, as for eval.run."""
    out: Annotated[str, arg(metavar="DIR")] = "runs"
    """Where eval.run writes its runs, and the comparison its `robot.json`."""
    log_level: LogLevel = "warning"
    """How much is logged."""


@dataclass(frozen=True)
class Compared:
    """One scenario over one transport, beside the simulator."""

    transport: str
    scenario: str
    driven: Rate
    simulated: Rate
    apart: int  # of the layouts in both rates, those that ended in success in one place alone
    paired: int  # how many those are
    ends: dict[str, int]  # over the transport, errors included, which are in no rate
    spent_s: float

    @property
    def errors(self) -> int:
        """How many episodes over the transport are in no rate."""
        return sum(self.ends.get(each, 0) for each in ERRORS)

    @property
    def verdict(self) -> str:
        """Whether the rate lies in the simulator's interval, or outside by one layout alone.

        No interval of 24 of 25 reaches as far as 25 of 25.
        """
        share = self.driven.share
        if share is not None and self.simulated.low <= share <= self.simulated.high:
            return WITHIN
        return ONE_APART if self.apart <= 1 < self.paired else OUT

    def line(self) -> str:
        """For people."""
        ends = ", ".join(f"{count} {name}" for name, count in sorted(self.ends.items()))
        return (f"{self.transport:5} {self.scenario:18} {self.driven.k} of {self.driven.n}; "
                f"eval.run {self.simulated.k} of {self.simulated.n} "
                f"[{self.simulated.low:.2f}, {self.simulated.high:.2f}]: "
                f"{self.verdict}; {self.apart} of {self.paired} "
                f"layouts differ; {ends}; {self.errors} in no rate; {self.spent_s:.0f} s")


def main(options: RobotOptions) -> Callable[[], None]:
    """Check, load, and return the work."""
    import policies
    from hardware.transport import check_transport
    from policies.interface import TRUTH
    from scenarios import load

    if options.episodes < 1 or not options.scenarios or not options.transports:
        raise ValueError("--episodes must be 1 or more, and there must be scenarios and "
                         "transports.")
    for transport in options.transports:
        check_transport(transport)
        if transport not in TRANSPORTS:
            raise ValueError(f"--transports takes {' and '.join(TRANSPORTS)}: behind others is no "
                             f"simulated robot; got {transport!r}.")
    for scenario in options.scenarios:
        load(scenario)
    policy = policies.make(options.policy)
    if TRUTH in policy.spec.needs:
        raise ValueError(f"{options.policy} needs to be told the truth, which no robot knows.")
    return lambda: _work(options, policy)


def _work(options: RobotOptions, policy: Policy) -> None:
    from eval.results import write_json
    from hardware.safety import RefusedError
    from hardware.transport import LinkLostError
    from policies.interface import UnreachableError

    path, found = Path(options.out) / "robot.json", []
    try:
        for scenario in options.scenarios:
            successes = simulated(options, scenario)
            for transport in options.transports:
                found.append(compared(options, transport, scenario, successes, policy))
                print(found[-1].line(), flush=True)
                write_json(path, {
                    "policy": policy.spec.name, "weights_hash": policy.spec.weights_hash,
                    "seed": options.seed, "rows": [_as_json(each) for each in found]})
    except (LinkLostError, RefusedError, UnreachableError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(OUTSIDE)
    finally:
        if found:
            print(f"Written: {path}")
    if any(each.verdict != WITHIN for each in found):
        sys.exit(OUTSIDE)


def simulated(options: RobotOptions, scenario: str) -> dict[int, bool]:
    """Success by seed, in the simulator; errors are left out."""
    from eval.run import run

    result = run(policy=options.policy, scenario=scenario, episodes=options.episodes,
                 seed=options.seed, out=options.out)
    return {line["seed"]: bool(line["success"]) for line in result.episodes
            if line["ended_by"] not in ERRORS}


def compared(options: RobotOptions, transport: str, name: str, successes: dict[int, bool],
             policy: Policy) -> Compared:
    """Drive one scenario over one transport.

    Raises:
        LinkLostError, RefusedError: one sentence, where the simulated robot cannot be driven.
    """
    from eval.statistics import rate

    start_s = time.monotonic()
    driven = _driven(options, transport, name, policy)
    reached = {each.record.seed: bool(each.is_success) for each in driven
               if each.record.ended_by not in ERRORS}
    both = reached.keys() & successes.keys()
    return Compared(transport, name, rate(reached.values()), rate(successes.values()),
                    sum(reached[seed] != successes[seed] for seed in both), len(both),
                    dict(Counter(each.record.ended_by for each in driven)),
                    time.monotonic() - start_s)


def _driven(options: RobotOptions, transport: str, name: str, policy: Policy) -> list[Driven]:
    """All episodes; a robot that is lost is reached again, as long as each time brings one more."""
    from hardware.run import Config
    from hardware.safety import RefusedError
    from hardware.transport import LinkLostError

    config = Config(options.policy, name, transport, simulated=transport == "dds",
                    seed=options.seed, arm="now")
    found: list[Driven] = []
    while len(found) < options.episodes:
        before = len(found)
        try:
            _drive_on(config, policy, found, options.episodes)
        except (LinkLostError, RefusedError) as error:
            if len(found) == before:
                raise
            logger.warning("%s Trying once more.", error)
    return found


def _drive_on(config: Config, policy: Policy, found: list[Driven], most: int) -> None:
    """One robot, as many of the episodes as it lives for; they are added to those found."""
    from envs import load_robot
    from hardware.run import drive, reach
    from scenarios import load

    scenario = load(config.scenario)
    with contextlib.ExitStack() as stack:
        env = reach(config, scenario, load_robot(config.robot), policy, stack)
        while len(found) < most:
            found += drive(config, scenario, env, policy, first=len(found))


def _as_json(row: Compared) -> dict[str, Any]:
    return {"transport": row.transport, "scenario": row.scenario, "driven": row.driven.as_json(),
            "simulated": row.simulated.as_json(), "verdict": row.verdict, "apart": row.apart,
            "paired": row.paired, "errors": row.errors, "ends": row.ends,
            "spent_s": round(row.spent_s, 3)}
