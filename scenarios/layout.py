"""Where everything stands in one episode, drawn from the episode's seed alone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from scenarios.schema import BIASES, DISTANCES, PATTERNS, Scenario

JUDGING_ROOT = 900_000  # roots from here up are never trained or chosen by
PURPOSES = ("train", "val", "eval")
VARIATION_KEYS = {"distance": DISTANCES, "bias": BIASES, "pattern": PATTERNS}


@dataclass(frozen=True)
class Variation:
    """The named factors of one episode."""

    distance: str
    bias: str
    pattern: str


@dataclass(frozen=True)
class Layout:
    """One arrangement in the world frame; poses are (x m, y m, yaw rad)."""

    start: tuple[float, float, float]
    boxes: tuple[tuple[float, float, float], ...]  # yaw turns the box's long side from the x axis
    cup: tuple[float, float]
    clearance_m: float  # what the expert keeps from the boxes
    lead_m: float  # how much earlier the expert swings out
    variation: Variation


def episode_seed(purpose: str, root: int, layout_group: str, index: int) -> int:
    """The seed of episode `index`: the same for left and right, disjoint between purposes.

    Raises:
        ValueError: for an unknown purpose, a negative root or index, or a root kept for judging.
    """
    if purpose not in PURPOSES:
        raise ValueError(f"purpose must be one of {', '.join(PURPOSES)}, got {purpose!r}.")
    if purpose != "eval" and root >= JUDGING_ROOT:
        raise ValueError(f"seeds from {JUDGING_ROOT} up are kept for judging, got {root} for "
                         f"{purpose!r}; choose a smaller seed.")
    if root < 0 or index < 0:
        raise ValueError(f"seed and episode index must be 0 or more, got {root} and {index}.")
    group = int.from_bytes(hashlib.sha256(layout_group.encode()).digest()[:8], "big")
    entropy = [PURPOSES.index(purpose), root, group, index]
    return int(np.random.SeedSequence(entropy).generate_state(1, np.uint64)[0] >> 1)


def sample_layout(
    scenario: Scenario, rng: np.random.Generator, fixed: dict[str, str] | None = None
) -> Layout:
    """Draw a layout; `fixed` pins factors (`{"distance": "far"}`) without moving the other draws.

    The side never enters: left and right of one seed share the layout.
    """
    fixed = check_fixed(fixed)
    place = scenario.placement
    distance = DISTANCES[rng.integers(len(DISTANCES))]
    bias = BIASES[rng.integers(len(BIASES))]
    pattern = PATTERNS[int(rng.random() < place.variant_share)]
    variation = Variation(**({"distance": distance, "bias": bias, "pattern": pattern} | fixed))
    start_x, start_y = _jitter(rng, place.start_jitter_m)
    start = (start_x, start_y, _jitter(rng, (place.start_jitter_rad,))[0])
    shift_x, shift_y = _jitter(rng, place.obstacle_jitter_m)  # of all boxes: they never overlap
    centre_x = place.obstacle_distance_m[variation.distance] + shift_x
    centre_y = place.obstacle_bias_m[variation.bias] + shift_y
    boxes = [(centre_x + x, centre_y + y, yaw + _jitter(rng, (place.box_jitter_rad,))[0])
             for x, y, yaw in _box_grid(scenario)]
    cup_dx, cup_dy = _jitter(rng, place.cup_jitter_m)
    clearance = float(rng.uniform(*scenario.routes.variant_clearance_m))
    lead = float(rng.uniform(*scenario.routes.variant_lead_m))
    if variation.pattern == "core":
        clearance, lead = scenario.routes.core_clearance_m, 0.0
    return Layout(start, tuple(boxes), (scenario.cup.distance_m + cup_dx, cup_dy),
                  clearance, lead, variation)


def check_fixed(fixed: dict[str, str] | None) -> dict[str, str]:
    """The pinned factors, or a ValueError that names the wrong one."""
    fixed = dict(fixed or {})
    for key, value in fixed.items():
        if key not in VARIATION_KEYS:
            raise ValueError(
                f"Unknown factor {key!r}, expected one of {', '.join(VARIATION_KEYS)}."
            )
        if value not in VARIATION_KEYS[key]:
            raise ValueError(
                f"{key} must be one of {', '.join(VARIATION_KEYS[key])}, got {value!r}."
            )
    return fixed


def _box_grid(scenario: Scenario) -> list[tuple[float, float, float]]:
    """Box poses relative to the obstacle's centre, without jitter."""
    boxes = scenario.boxes
    yaw = 0.0 if boxes.arrangement == "vert" else np.pi / 2
    if boxes.count == 1:
        return [(0.0, 0.0, yaw)]
    half = (boxes.size_m[0] + boxes.gap_m) / 2  # two boxes stand end to end along their long side
    if boxes.arrangement == "vert":
        return [(-half, 0.0, yaw), (half, 0.0, yaw)]
    return [(0.0, half, yaw), (0.0, -half, yaw)]


def _jitter(rng: np.random.Generator, half_ranges: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(float(rng.uniform(-h, h)) for h in half_ranges)
