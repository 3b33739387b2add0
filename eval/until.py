"""Drive until it is decided which of two policies is better: paired with a finished run.

A round is one index of every scenario. Left and right of a layout are one number, the mean of their
differences; what a round has beside is another layout. Rounds count in their order, whichever
process was faster, so the same seeds come to the same decision after the same episode.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any

from episodes.drive import Job
from eval.config import Config
from eval.pairing import Side, check_same_world, open_side
from eval.results import Run, index_of, write_json
from eval.sequential import ALIKE, BETTER, WORSE, Trial, confidence
from eval.session import EPISODES, Closed

SHARED = ("scenario", "seed", "robot", "renderer", "appearance")  # options of the run joined
FILE = "decision.json"
SCHEMA_VERSION = 1


class Against:
    """The finished run whose episodes are driven again by another policy."""

    def __init__(self, config: Config) -> None:
        """Open it.

        Raises:
            ValueError: where options are missing or make no sense, or the run is not finished.
        """
        if config.against is None:
            raise ValueError("--until-decided compares with a finished run: name it with "
                             "--against RUN.")
        if config.loop != "closed":
            raise ValueError("--until-decided belongs to the closed loop; leave --loop out.")
        Trial(config.alpha, config.min_effect)  # refuses nonsense
        self.side: Side = open_side(config.against)
        self.won = {line["id"]: bool(line["success"]) for line in self.side.lines
                    if line["error"] is None}

    def joined(self, config: Config, said: Collection[str]) -> Config:
        """The same options with those of the run that is joined.

        Raises:
            ValueError: if one was given and differs.
        """
        theirs = self.side.run.facts["config"]
        wanted = {name: theirs.get(name, getattr(Config, name)) for name in SHARED}
        wanted["episodes"] = theirs.get("episodes") or EPISODES
        for name, value in wanted.items():
            given = getattr(config, name)
            if (name in said or given != getattr(Config, name)) and given != value:
                raise ValueError(f"--{name} {given} is not that of {self.side.name}, {value}: its "
                                 f"episodes would not pair. Leave it out.")
        return replace(config, **wanted)

    def jobs(self, jobs: list[Job]) -> list[Job]:
        """Those that pair, round by round."""
        paired = [job for job in jobs if job.key in self.won]
        return sorted(paired, key=lambda job: index_of(job.key))

    def check(self, facts: dict[str, Any]) -> None:
        """Refuse to start what would not pair.

        Raises:
            ValueError: saying what differs.
        """
        check_same_world(self.side.name, self.side.run.facts, "this run", facts)


class Decided:
    """A loop that ends with the decision."""

    def __init__(self, closed: Closed, against: Against, config: Config, jobs: list[Job]) -> None:
        """What drives, whom it is compared with, and all jobs in the order of their rounds."""
        self._closed, self._against, self.spent = closed, against, closed.spent
        self._config, self._trial = config, Trial(config.alpha, config.min_effect)
        self._rounds = _rounds(jobs)
        self._taken: list[list[float]] = []  # differences of the rounds that count
        self._won: dict[str, bool | None] = {}  # by episode; None where it was an error

    def lines(self, run: Run, config: Config) -> Iterator[dict[str, Any]]:
        """Each missing episode's line, until it is decided."""
        for line in run.lines():
            self._won[line["id"]] = _outcome(line)
        self._count()
        with contextlib.closing(self._closed.lines(run, config)) as lines:
            if self._trial.decision is not None:
                return
            for line in lines:
                self._won[line["id"]] = _outcome(line)
                yield line
                self._count()
                if self._trial.decision is not None:
                    return

    def settle(self, run: Run, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Keep the rounds that counted, and write down what was decided, and why."""
        counted = {name for group in self._rounds[:len(self._taken)]
                   for layout in group for name in layout}
        kept = [line for line in lines if line["id"] in counted]
        for line in lines:
            if line["id"] not in counted:
                (run.folder / line["arrays"]).unlink(missing_ok=True)
        content = self._content(len(kept))
        run.facts |= {"planned": len(kept), "until_decided": content["verdict"]}
        write_json(run.folder / "run.json", run.facts)
        write_json(run.folder / FILE, content)
        return kept

    def _count(self) -> None:
        """Take whole rounds in their order, as far as they are there and nothing is decided."""
        while self._trial.decision is None and len(self._taken) < len(self._rounds):
            group = self._rounds[len(self._taken)]
            if not all(name in self._won for layout in group for name in layout):
                return
            numbers = [self._differences(layout) for layout in group]
            known = [sum(each) / len(each) for each in numbers if each]
            self._trial.take(*known)
            self._taken.append(known)

    def _differences(self, layout: list[str]) -> list[float]:
        """Success of this policy minus the other's, without episodes that were errors."""
        return [float(won) - float(self._against.won[name]) for name in layout
                if (won := self._won[name]) is not None]

    def _content(self, episodes: int) -> dict[str, Any]:
        decision, side = self._trial.decision, self._against.side
        numbers = [each for taken in self._taken for each in taken]
        low, high = confidence(self._taken, self._config.alpha)
        mean = sum(numbers) / len(numbers) if numbers else 0.0
        after = f"after {len(self._taken)} rounds, {episodes} episodes"
        ahead = f"by {100 * mean:.1f} points [{100 * low:.1f}, {100 * high:.1f}] in success {after}"
        behind = (f"by {-100 * mean:.1f} points [{-100 * high:.1f}, {-100 * low:.1f}] in success "
                  f"{after}")
        where = (f"this policy minus that is {100 * mean:+.1f} points [{100 * low:+.1f}, "
                 f"{100 * high:+.1f}] in success {after}")
        size = f"{100 * self._config.min_effect:.1f} points"
        verdict = {
            BETTER: f"this policy is better than {side.policy} of {side.name} {ahead}",
            WORSE: f"this policy is worse than {side.policy} of {side.name} {behind}",
            ALIKE: f"no difference to {side.policy} of {side.name} as large as {size}: {where}",
            None: f"undecided, for {side.name} has no more episodes: {where}; drive more of it",
        }[decision]
        return {"schema_version": SCHEMA_VERSION, "decision": decision, "verdict": verdict,
                "against": side.name, "alpha": self._config.alpha,
                "min_effect": self._config.min_effect, "rounds": len(self._taken),
                "episodes": episodes, "difference": round(mean, 6), "low": low, "high": high,
                "e_values": {name: round(float(value), 6)
                             for name, value in self._trial.e_values.items()},
                "thresholds": self._trial.thresholds}


def refuse_decided(run: Run) -> None:
    """A run that came to its decision, or to the end of the other run, is not resumed.

    Raises:
        ValueError: if it did.
    """
    if run.facts.get("until_decided"):
        raise ValueError(f"{run.folder}: has come to its end ({run.facts['until_decided']}); "
                         f"nothing is left to drive.")


def _outcome(line: dict[str, Any]) -> bool | None:
    return None if line["error"] is not None else bool(line["success"])


def _rounds(jobs: list[Job]) -> list[list[list[str]]]:
    """Episode ids by round, and in it by layout."""
    found: dict[int, dict[int, list[str]]] = {}
    for job in jobs:
        layouts = found.setdefault(index_of(job.key), {})
        layouts.setdefault(job.task.seed, []).append(job.key)
    return [list(found[index].values()) for index in sorted(found)]
