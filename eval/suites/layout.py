"""Does it still drive where things stand as they never stood in training? And where does it end?

Each arm moves or scales things in every scenario and writes the scenarios into the suite's folder:
`eval.run --scenario FOLDER` takes them too. A seed draws the same jitter in all of them, so arms
are compared with the control episode by episode, though layouts differ by what is changed.

Arms `together D R` change everything at once, in the D-th direction that the suite's seed draws for
each layout group, R times as far as the strongest of each kind. Between the last radius that was
won and the first that was lost more arms follow, halfway (`eval.suites.nearest`).
All strengths are CHOSEN, not measured.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from eval.pairing import Side
from eval.suites.arm import Arm, Extra, Found, Suite, chosen
from eval.suites.graded import GRADES, result
from eval.suites.judging import success_of
from eval.suites.nearest import Driven, bracket, failures, halved
from eval.suites.options import Config
from eval.suites.toml import write_toml
from scenarios import Scenario, select

DIRECTIONS = (1, 2, 3)
RADII = (0.5, 1.0)  # in every direction, before any halving
TOGETHER = "together"
SEARCH_STREAM = 11  # keeps the directions apart from all other chance


@dataclass(frozen=True)
class Kind:
    """One thing that can be changed, both ways."""

    less: str
    more: str
    values: tuple[float, float, float]  # mild, medium, strong; negative for less
    unit: str
    change: Callable[[Scenario, float], Scenario]


def _obstacle(scenario: Scenario, by_m: float) -> Scenario:
    place = scenario.placement
    return replace(scenario, placement=replace(place, obstacle_distance_m={
        name: each + by_m for name, each in place.obstacle_distance_m.items()}))


def _aside(scenario: Scenario, by_m: float) -> Scenario:
    place = scenario.placement
    return replace(scenario, placement=replace(place, obstacle_bias_m={
        name: each + by_m for name, each in place.obstacle_bias_m.items()}))


def _size(scenario: Scenario, by: float) -> Scenario:
    length, width, height = scenario.boxes.size_m
    scaled = (length * (1.0 + by), width * (1.0 + by), height)
    return replace(scenario, boxes=replace(scenario.boxes, size_m=scaled))


def _cup(scenario: Scenario, by_m: float) -> Scenario:
    cup = scenario.cup
    return replace(scenario, cup=replace(cup, distance_m=cup.distance_m + by_m))


KINDS = {
    "obstacle": Kind("nearer", "farther", (0.1, 0.2, 0.3), " m", _obstacle),
    "obstacle aside": Kind("right", "left", (0.1, 0.2, 0.3), " m", _aside),
    "boxes": Kind("smaller", "larger", (0.15, 0.3, 0.5), " of their length and width", _size),
    "cup": Kind("nearer", "farther", (0.1, 0.2, 0.3), " m", _cup),
}


def _arms(config: Config, folder: Path) -> list[Arm]:
    scenarios = select(config.scenario)
    arms = []
    for name, kind in KINDS.items():
        for sign, word in ((-1.0, kind.less), (1.0, kind.more)):
            for grade, value in zip(GRADES, kind.values):
                called = f"{name} {word} {grade}"
                changed = [kind.change(each, sign * value) for each in scenarios]
                arms.append(Arm(called, f"{sign * value:+g}{kind.unit}", _files(
                    folder, called, changed), f"{name} {word}", value / kind.values[-1]))
    arms += [_searching(config, folder, direction, radius)
             for direction in DIRECTIONS for radius in RADII]
    return chosen(arms, config.arms)


def _more(config: Config, folder: Path, driven: list[tuple[Arm, Side]]) -> list[Arm]:
    """Halfway between what was won and what was lost; nothing where only some arms are wanted."""
    if config.arms and TOGETHER not in config.arms:
        return []
    (_, control), *arms = driven
    return [_searching(config, folder, direction, radius)
            for direction, radius in halved(control, _directions(arms)).items()]


def _searching(config: Config, folder: Path, direction: int, radius: float) -> Arm:
    called = f"{TOGETHER} {direction} {radius:g}"
    changed = [_together(each, direction, radius, config.seed) for each in select(config.scenario)]
    return Arm(called, f"all at once, direction {direction}, {radius:g} of the way to the "
               f"strongest", _files(folder, called, changed), TOGETHER, radius)


def _directions(arms: list[tuple[Arm, Side]]) -> dict[int, Driven]:
    """The search's arms by direction."""
    return {number: [(arm.strength, side) for arm, side in arms if arm.strength is not None
                     and arm.name.startswith(f"{TOGETHER} {number} ")] for number in DIRECTIONS}


def _together(scenario: Scenario, direction: int, radius: float, seed: int) -> Scenario:
    """Everything changed in one direction; left and right of a layout group share it."""
    rng = np.random.default_rng(
        [seed, zlib.crc32(scenario.layout_group.encode()), SEARCH_STREAM, direction])
    shares = rng.standard_normal(len(KINDS))
    shares *= radius / np.abs(shares).max()
    for kind, share in zip(KINDS.values(), shares):
        scenario = kind.change(scenario, float(share) * kind.values[-1])
    return scenario


def _files(folder: Path, arm: str, scenarios: list[Scenario]) -> dict[str, Any]:
    """The arm's scenarios as files; the change is the folder that they are in."""
    place = folder / arm.replace(" ", "_")
    for scenario in scenarios:
        write_toml(place / f"{scenario.name}.toml", asdict(scenario))
    return {"scenario": str(place)}


def _result(found: Found) -> Extra:
    """What graded suites find, and the nearest failure."""
    graded = replace(found, arms=[], contrasts=[])
    for (arm, side), each in zip(found.arms, found.contrasts):
        if arm.group != TOGETHER:
            graded.arms.append((arm, side))
            graded.contrasts.append(each)
    extra = result(graded)
    nearest = _nearest(found)
    if nearest is None:
        none = ("No failure found that the control did not have." if success_of(found.control).k
                else "No failure to be found: the control won no episode.")
        return replace(extra, said=[*extra.said, none])
    below = nearest["won_below"]
    said = (f"Nearest failure: {nearest['arm']} ({nearest['distance']:.2g} of the strongest "
            f"change), episode {nearest['episode']}, {nearest['ended_by']}; the control won it"
            + (f"; in that direction nothing that it won was lost at {below:g}." if below else "."))
    return replace(extra, numbers=extra.numbers | {"nearest_failure": nearest},
                   said=[*extra.said, said])


def _nearest(found: Found) -> dict[str, Any] | None:
    """The episode with the smallest change that failed where the control's did not."""
    failed = [(arm.strength or 0.0, number, line) for number, (arm, side) in enumerate(found.arms)
              for line in failures(found.control, side)]
    if not failed:
        return None
    distance, number, line = min(failed, key=lambda each: each[:2])
    arm, side = found.arms[number]
    below = next((each.won for driven in _directions(found.arms).values()
                  if any(of is side for _, of in driven)
                  and (each := bracket(found.control, driven)) is not None), None)
    return {"arm": arm.name, "distance": distance, "won_below": below, "run": side.name,
            "episode": line["id"], "ended_by": line["ended_by"],
            "side_followed": line["side_followed"]}


SUITE = Suite("layout", "Distances, sizes and places outside the training's, and the nearest "
              "failure.", _arms, _result, same_versions=False, more=_more)
