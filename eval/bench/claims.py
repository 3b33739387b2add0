"""`python -m eval.bench claims`: published times and sizes against what hardware permits.

Every speed in the ledger (eval/claims.toml) is held against the floor of the policy that it is said
of, at full size, in the most favourable case: text read beforehand, every number format, and the
seeds' own smallest LSTM. A size in megabytes is held against the weights alone, in 16 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from tyro.conf import arg

from eval.bench.floors import MARGIN, floors, total_ms
from eval.bench.hardware_profiles import DTYPE_BYTES, Hardware, load_hardware
from eval.claims import Claim, load

if TYPE_CHECKING:
    from policies.work import Work

POSSIBLE, IMPOSSIBLE, UNVERIFIABLE = "possible", "impossible", "unverifiable here"
SUBJECTS = {  # what the ledger calls a model -> the policies that it may be; the lightest decides
    "pure Kosmos-2": ("kosmos_lstm",), "Kosmos-2 + CLIP hybrid": ("hybrid_lstm_512",),
    "the system": ("kosmos_lstm", "hybrid_lstm_512"), "both": ("kosmos_lstm", "hybrid_lstm_512"),
}


@dataclass(frozen=True)
class ClaimsOptions:
    """Which published times and sizes are possible on a machine?"""

    hardware: Annotated[str, arg(metavar="NAME")] = "orin-nx-16gb"
    """A profile's name or TOML file; the claims are said of an Orin NX."""


@dataclass(frozen=True)
class Judged:
    """One published number and what it is held against."""

    claim: Claim
    measure: str
    value: float
    least: float | None  # of the same unit as `said`; None where nothing here can tell
    said: float | None  # ms, or bytes for a size
    verdict: str


def judge(claim: Claim, works: dict[str, Work], hardware: Hardware) -> list[Judged]:
    """Every number of a claim; those that are neither times nor sizes are left out.

    Args:
        claim: Of the ledger.
        works: What the decisions of `SUBJECTS`' policies cost, by policy.
        hardware: The machine that is meant.
    """
    judged = []
    for measure, value in claim.numbers.items():
        said, least = _held_against(claim, value, works, hardware)
        verdict = UNVERIFIABLE if said is None or least is None else (
            IMPOSSIBLE if said < MARGIN * least else POSSIBLE)
        judged.append(Judged(claim, measure, value, least, said, verdict))
    return judged


def subjects() -> dict[str, Work]:
    """The decisions of all policies that claims are about, at full size."""
    from policies.work import work_of

    return {name: work_of(name, "full") for names in SUBJECTS.values() for name in names}


def speeds() -> list[Claim]:
    """The claims of the ledger that say how fast or how large something is."""
    return [each for each in load().claim if each.unit in ("FPS", "ms", "MB", "times")]


def _held_against(claim: Claim, value: float, works: dict[str, Work],
                  hardware: Hardware) -> tuple[float | None, float | None]:
    """What is said and the least that can be: ms, or bytes of memory."""
    meant = [works[name] for name in SUBJECTS.get(claim.model, ())]
    if not meant or claim.unit == "times":
        return None, None
    if claim.unit == "MB":
        return 1e6 * value, min(DTYPE_BYTES["fp16"] * _parameters(work) for work in meant)
    least_ms = min(total_ms(floors(work, hardware, dtype, with_words=False).values())
                   for work in meant for dtype in hardware.peak_operations_s)
    return (1e3 / value if claim.unit == "FPS" else value), least_ms


def _parameters(work: Work) -> int:
    """Numbers that must be in memory: those that a decision reads, the words' included."""
    return sum(stage.weights for stage in work.stages)


def main(options: ClaimsOptions) -> None:
    """The command."""
    from eval.table import markdown

    hardware, works = load_hardware(options.hardware), subjects()
    rows = [[each.claim.model, f"{each.measure} {each.value:g} {each.claim.unit}",
             _shown(each.said, each.claim.unit), _shown(each.least, each.claim.unit),
             "" if each.least is None or not each.said else f"{each.least / each.said:.3g}",
             each.verdict] for claim in speeds() for each in judge(claim, works, hardware)]
    print(f"Published times and sizes on {hardware.name}\n")
    print(markdown((["model", "published", "that is", "at least", "times too little", "verdict"],
                    rows)))


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value / 1e6:,.0f} MB" if unit == "MB" else f"{value:.4g} ms"
