"""Is B better than A, and how sure is that? `python -m eval.compare RUN_A RUN_B [RUN_C ...]`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import Positional, arg

from scenarios import did_you_mean
from scenarios.cli import LogLevel, run_command

if TYPE_CHECKING:
    from eval.contrast import Contrast
    from eval.pairing import Side

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Config:
    """Compare runs on the episodes that they share; the first run is the baseline of the others.

    Pairs are episodes of one scenario, variation and seed. Success is tested by exact McNemar, or
    by flipping the signs of whole layouts where left and right share them; all else by flipping
    signs; p-values are Holm's over all comparisons.
    """

    runs: Annotated[tuple[Path, ...], arg(metavar="RUN"), Positional]
    """Two or more folders that eval.run made; the first is the baseline."""
    metric: str = "success"
    """What decides: success, success_reach, success_stop, side_compliant, spl, ndtw, ..."""
    alpha: float = 0.05
    """Chance of finding a difference where there is none, in all comparisons together."""
    min_effect: float = 0.05
    """The difference that matters: 0.05 are five points of a rate."""
    json: Annotated[Path | None, arg(metavar="FILE")] = None
    """Where to write all numbers."""
    log_level: LogLevel = "info"
    """How much is logged."""


@dataclass(frozen=True)
class Comparison:
    """Every run against the first."""

    metric: str
    alpha: float
    min_effect: float
    baseline: Side
    others: list[Side]
    contrasts: list[Contrast]  # one for each of the others

    @property
    def verdicts(self) -> list[str]:
        """One sentence for each of the others."""
        return [each.verdict for each in self.contrasts]

    @property
    def names(self) -> list[str]:
        """What the runs are called in verdicts: A, B, ... and their policies."""
        return [f"{_letter(number)} ({side.policy})"
                for number, side in enumerate([self.baseline, *self.others])]

    @property
    def warnings(self) -> list[str]:
        """What must be said loudly about each run."""
        from eval.pairing import said_of

        return [f"{name}: {said}" for name, side in zip(self.names, [self.baseline, *self.others])
                for said in said_of(side)]

    def as_json(self) -> dict[str, Any]:
        """All numbers, ready for JSON."""
        return {
            "schema_version": SCHEMA_VERSION, "metric": self.metric, "alpha": self.alpha,
            "min_effect": self.min_effect, "warnings": self.warnings,
            "runs": {name: {"run": side.name, "policy": side.policy, "episodes": len(side.lines)}
                     for name, side in zip(self.names, [self.baseline, *self.others])},
            "comparisons": [
                {"baseline": self.names[0], "other": name,
                 "better_run": {"baseline": self.names[0], "other": name}.get(each.better or "")}
                | each.as_json() for name, each in zip(self.names[1:], self.contrasts)]}


def compare(*runs: Path | str, metric: str = Config.metric, alpha: float = Config.alpha,
            min_effect: float = Config.min_effect) -> Comparison:
    """Compare finished runs with the first of them, pair by pair.

    Args:
        runs: Two or more folders of runs.
        metric: What decides.
        alpha: Chance of a false alarm, in all comparisons together.
        min_effect: The difference that matters.

    Raises:
        ValueError: saying what differs where runs do not pair; or is unfinished, or was edited.
    """
    from eval.contrast import METRICS, contrast, decided
    from eval.pairing import open_side, pair

    if len(runs) < 2:
        raise ValueError(f"Which runs? Give two folders or more, got {len(runs)}.")
    if metric not in METRICS:
        raise ValueError(f"Unknown metric {metric!r}.{did_you_mean(metric, list(METRICS))} "
                         f"Expected one of {', '.join(METRICS)}.")
    if not 0.0 < alpha < 1.0 or min_effect <= 0.0:
        raise ValueError(f"alpha must be above 0 and below 1 and min_effect above 0, got {alpha} "
                         f"and {min_effect}.")
    baseline, *others = [open_side(each) for each in runs]
    found = [contrast(pair(baseline, other), metric, min_effect, alpha) for other in others]
    bare = Comparison(metric, alpha, min_effect, baseline, others, found)
    named = [(bare.names[0], name, each) for name, each in zip(bare.names[1:], found)]
    return Comparison(metric, alpha, min_effect, baseline, others,
                      decided(named, alpha, min_effect))


def main(config: Config) -> None:
    """Compare, show the tables, and write JSON where asked."""
    from eval.compare_tables import show
    from eval.results import write_json

    found = compare(*config.runs, metric=config.metric, alpha=config.alpha,
                    min_effect=config.min_effect)
    if config.json is not None:
        try:
            config.json.parent.mkdir(parents=True, exist_ok=True)
            write_json(config.json, found.as_json())
        except OSError as error:
            raise ValueError(f"{config.json}: cannot be written ({error.strerror}).") from error
    show(found)


def _letter(number: int) -> str:
    """A, B, ... Z, then numbers."""
    return chr(ord("A") + number) if number < 26 else str(number + 1)


if __name__ == "__main__":
    run_command(Config, main)
