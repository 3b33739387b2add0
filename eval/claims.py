"""The claims ledger: numbers that others published, and targets that they set; never ours.

`claims.toml` beside this file holds them with unit, data, source and a verdict. Nothing here is
ever ranked, averaged or plotted together with what was measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from scenarios.strict import build, read_toml

FILE = Path(__file__).with_name("claims.toml")
DATA = ("real", "dummy", "unknown")
UNITS = ("command", "halved", "percent", "none", "unknown", "FPS", "ms", "MB", "times")
COMPARABLE = "comparable"
VERDICTS = (COMPARABLE, "not comparable: halved units", "not comparable: dummy data", "impossible",
            "unverifiable")
LOWER_IS_BETTER = {"mae": True, "accuracy_0.3": False, "accuracy_0.1": False, "r2": False,
                   "correlation": False, "latency_ms": True, "fps": False, "memory_gb": True}


@dataclass(frozen=True)
class Claim:
    """Published numbers that share model, unit, data and verdict.

    Raises:
        ValueError: for an unknown unit, kind of data or verdict, or without a number.
    """

    requirement: str
    model: str
    numbers: dict[str, float]  # by measure
    unit: str
    data: str
    seed: str  # the source documents
    family: str
    verdict: str
    reason: str

    def __post_init__(self) -> None:
        """Refuse what the ledger has no words for."""
        for name, allowed in (("unit", UNITS), ("data", DATA), ("verdict", VERDICTS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} must be one of {', '.join(allowed)}, "
                                 f"got {getattr(self, name)!r}.")
        if not self.numbers:
            raise ValueError("a claim needs at least one number.")


@dataclass(frozen=True)
class Target:
    """A number that the source documents want to reach.

    Raises:
        ValueError: for an unknown measure.
    """

    requirement: str
    measure: str
    bound: float  # percent for accuracies
    seed: str
    caveat: str

    def __post_init__(self) -> None:
        """Refuse what nothing here measures."""
        if self.measure not in LOWER_IS_BETTER:
            raise ValueError(f"measure must be one of {', '.join(LOWER_IS_BETTER)}, "
                             f"got {self.measure!r}.")

    @property
    def lower_is_better(self) -> bool:
        """Whether the bound is an upper one."""
        return LOWER_IS_BETTER[self.measure]

    def is_passed(self, value: float) -> bool:
        """Whether a measured value reaches it."""
        return value <= self.bound if self.lower_is_better else value >= self.bound


@dataclass(frozen=True)
class Ledger:
    """The whole file.

    Raises:
        ValueError: for a claim of a family that is not described.
    """

    families: dict[str, str]
    claim: tuple[Claim, ...]
    target: tuple[Target, ...]

    def __post_init__(self) -> None:
        """Refuse families that nobody describes."""
        unknown = {each.family for each in self.claim} - set(self.families)
        if unknown:
            raise ValueError(f"families has no {', '.join(sorted(unknown))}.")


def load(path: Path = FILE) -> Ledger:
    """The shipped ledger, or another file of its kind.

    Raises:
        ValueError: one sentence naming file, place and what was expected.
    """
    return build(Ledger, read_toml(path), path.name)
