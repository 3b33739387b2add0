"""What a folder of sound files may still be sick with: findings, each a sentence with its files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from episodes.examine import Facts
from episodes.plans import PLANS
from scenarios import names

LIMIT = 1.15  # of every component of a command
HALVED = 0.6  # commands that never exceed it look divided by two, or like m/s
DIMENSIONS = ("linear_x", "linear_y", "angular_z")
LAB_FRAMES = 18
KEY_S = 0.3  # a key's motion takes at least so long on the laboratory's robot
LONGEST_S = 600.0
COLD = 0.2  # share of warm colours below which channels look swapped
ALIKE_BITS = 3  # of 64, by which two pictures that look alike may differ
RARE = 0.02  # share of decisions below which a class is hardly there
SHOWN = 3  # files that a sentence names


@dataclass(frozen=True)
class Finding:
    """Something that a user should look at."""

    what: str  # a short name
    sentence: str
    files: tuple[Path, ...] = ()


def findings(facts: Sequence[Facts], others: Sequence[Facts] = ()) -> list[Finding]:
    """All findings of a folder; `others` are episodes that it must not share, a test split."""
    found = [each for rule in PER_EPISODE for each in _grouped(rule, facts)]
    return [*found, *_commands(facts), *_classes(facts), *_doubles(facts), *_leaks(facts, others)]


def counts(facts: Sequence[Facts]) -> list[tuple[str, str, str, int, dict[str, int]]]:
    """Per scenario, pattern and distance: how many there are, and how many each plan wants."""
    have = Counter((each.scenario or "unknown", each.pattern or "", each.distance or "")
                   for each in facts)
    plans = {name: Counter((scenario, fixed["pattern"], fixed["distance"])
                           for scenario, fixed in plan()) for name, plan in PLANS.items()}
    keys = sorted({*have, *(key for plan in plans.values() for key in plan)})
    return [(*key, have[key], {name: plan[key] for name, plan in plans.items()}) for key in keys]


def shares(facts: Sequence[Facts]) -> dict[str, float]:
    """Of all decisions, the share of each class, most frequent first."""
    total = sum((each.classes for each in facts), Counter())
    return {name: count / total.total() for name, count in total.most_common()}


def _length(each: Facts) -> str | None:
    if each.source == "real" and each.frames != LAB_FRAMES:
        return f"do not have the {LAB_FRAMES} frames (window 8 and plan 10) of recorded ones"
    return None


def _unknown(each: Facts) -> str | None:
    return None if each.scenario in names() else "name no known scenario"


def _unstarted(each: Facts) -> str | None:
    if each.source == "real" and each.start_frames != 1:
        return "do not begin with exactly one episode_start"
    return None


def _duration(each: Facts) -> str | None:
    if each.duration_s is None:
        return "say no total_duration"
    if not each.decisions * KEY_S * (each.source == "real") <= each.duration_s <= LONGEST_S:
        return (f"have an impossible total_duration: less than {KEY_S} s a decision, or over "
                f"{LONGEST_S:.0f} s")
    return None


def _contradiction(each: Facts) -> str | None:
    if each.named_side and each.first_turn and each.first_turn != each.named_side:
        return "first turn to the other side than their scenario names"
    return None


def _colours(each: Facts) -> str | None:
    return "look as if red and blue were swapped" if each.redder < COLD else None


def _hanging(each: Facts) -> str | None:
    return "repeat a picture to the bit while the robot is driven" if each.frozen else None


def _speechless(each: Facts) -> str | None:
    return None if each.instruction else "hold no instruction, and their scenario has none"


PER_EPISODE: dict[Callable[[Facts], str | None], str] = {
    _length: "length", _unknown: "scenario", _unstarted: "events", _duration: "duration",
    _contradiction: "label", _colours: "colour order", _hanging: "camera",
    _speechless: "instruction",
}


def _grouped(rule: Callable[[Facts], str | None], facts: Sequence[Facts]) -> Iterator[Finding]:
    said = defaultdict(list)
    for each in facts:
        if (sentence := rule(each)) is not None:
            said[sentence].append(each.path)
    for sentence, files in said.items():
        yield Finding(PER_EPISODE[rule], f"{len(files)} of {len(facts)} episodes {sentence}: "
                      f"{listed(files)}.", tuple(files))


def _commands(facts: Sequence[Facts]) -> Iterator[Finding]:
    lowest = np.min([each.lowest for each in facts], axis=0)
    highest = np.max([each.highest for each in facts], axis=0)
    over = [each.path for each in facts
            if max(-each.lowest.min(), each.highest.max()) > LIMIT + 1e-6]
    if over:
        yield Finding("units", f"{len(over)} of {len(facts)} episodes have commands beyond "
                      f"{LIMIT}, up to {max(-lowest.min(), highest.max()):.3g}: {listed(over)}.",
                      tuple(over))
    elif 0 < max(-lowest.min(), highest.max()) <= HALVED:
        yield Finding("units", f"No command exceeds {max(-lowest.min(), highest.max()):.3g}: these "
                      f"look halved or like m/s, expected command units up to {LIMIT}.")
    for name, low, high in zip(DIMENSIONS, lowest, highest):
        if low == high:
            yield Finding("constant", f"{name} is {low:g} in every decision: nothing can be "
                          f"learned about it.")


def _classes(facts: Sequence[Facts]) -> Iterator[Finding]:
    rare = {name: share for name, share in shares(facts).items() if share < RARE}
    if rare:
        yield Finding("balance", "Hardly there: " + ", ".join(
            f"{name} ({share:.1%})" for name, share in rare.items()) + " of all decisions.")


def _doubles(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Episodes that are the same, and such of the same commands that look the same."""
    alike: dict[str, list[Facts]] = defaultdict(list)
    for each in facts:
        alike[each.commands_hash].append(each)
    same, near = [], []
    for group in alike.values():
        for place, one in enumerate(group):
            before = group[:place]
            if any(one.pixels_hash == other.pixels_hash for other in before):
                same.append(one.path)
            elif any(_look_alike(one, other) for other in before):
                near.append(one.path)
    for files, what in ((same, "the same as another"), (near, "nearly the same as another")):
        if files:
            yield Finding("duplicates", f"{len(files)} of {len(facts)} episodes are {what}, "
                          f"commands and pictures: {listed(files)}.", tuple(files))


def _look_alike(one: Facts, other: Facts) -> bool:
    if len(one.looks) != len(other.looks):
        return False
    different = np.bitwise_xor(one.looks, other.looks)
    return all(int(bits).bit_count() <= ALIKE_BITS for bits in different)


def _leaks(facts: Sequence[Facts], others: Sequence[Facts]) -> Iterator[Finding]:
    theirs = frozenset[str]().union(*(each.layouts for each in others))
    files = [each.path for each in facts if each.layouts & theirs]
    if files:
        yield Finding("leakage", f"{len(files)} of {len(facts)} episodes begin with a picture that "
                      f"an episode of the other folder begins with, or are copies of one: one "
                      f"layout stands in both, {listed(files)}.", tuple(files))


def listed(files: Sequence[Path]) -> str:
    """A few of the files by name."""
    said = ", ".join(path.name for path in files[:SHOWN])
    return said + (f" and {len(files) - SHOWN} more" if len(files) > SHOWN else "")
