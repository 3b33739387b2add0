"""What a scenario file says: the frozen dataclasses behind `scenarios/*.toml`.

Lengths in metres, masses in kilograms, angles in radians; x forward, y left, yaw counter-clockwise.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import cached_property

SIDES = ("left", "right")
DISTANCES = ("close", "medium", "far")
BIASES = ("left", "center", "right")
PATTERNS = ("core", "variant")
ARRANGEMENTS = ("vert", "hori")
SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Boxes:
    """The obstacle: one or two equal cardboard boxes."""

    count: int
    arrangement: str  # vert: long side along the path; hori: long side across it
    size_m: tuple[float, float, float]  # long side, short side, height
    gap_m: float  # between two boxes, face to face
    mass_kg: float
    friction: float
    rgb: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse what the simulator cannot place."""
        _one_of("arrangement", self.arrangement, ARRANGEMENTS)
        if self.count not in (1, 2):
            raise ValueError(f"count must be 1 or 2, got {self.count}.")
        _positive("size_m", *self.size_m)
        _positive("mass_kg", self.mass_kg)
        _at_least_zero("gap_m, friction", self.gap_m, self.friction)
        _colour(self.rgb)


@dataclass(frozen=True)
class Cup:
    """The goal object: an upright cylinder in front of the start."""

    distance_m: float
    diameter_m: float
    height_m: float
    mass_kg: float
    friction: float
    rgb: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse what has no size."""
        _positive("distance_m, diameter_m, height_m, mass_kg", self.distance_m, self.diameter_m,
                  self.height_m, self.mass_kg)
        _at_least_zero("friction", self.friction)
        _colour(self.rgb)


@dataclass(frozen=True)
class Placement:
    """Where the obstacle's centre may stand, and by how much an episode's seed shakes things."""

    obstacle_distance_m: dict[str, float]  # close, medium, far
    obstacle_bias_m: dict[str, float]  # left, center, right; +y is left
    variant_share: float  # probability of the pattern `variant`
    start_jitter_m: tuple[float, float]  # half ranges in x and y
    start_jitter_rad: float
    obstacle_jitter_m: tuple[float, float]
    box_jitter_rad: float
    cup_jitter_m: tuple[float, float]

    def __post_init__(self) -> None:
        """Refuse a table that misses a level."""
        _exactly("obstacle_distance_m", self.obstacle_distance_m, DISTANCES)
        _exactly("obstacle_bias_m", self.obstacle_bias_m, BIASES)
        if not 0.0 <= self.variant_share <= 1.0:
            raise ValueError(f"variant_share must be in [0, 1], got {self.variant_share}.")
        _at_least_zero("start_jitter_m, start_jitter_rad, obstacle_jitter_m, box_jitter_rad, "
                       "cup_jitter_m", *self.start_jitter_m, self.start_jitter_rad,
                       *self.obstacle_jitter_m, self.box_jitter_rad, *self.cup_jitter_m)


@dataclass(frozen=True)
class Routes:
    """How the expert drives: `core` is nominal, `variant` draws another clearance and timing."""

    core_clearance_m: float  # from the robot's rim to a box
    variant_clearance_m: tuple[float, float]  # lowest and highest
    variant_lead_m: tuple[float, float]  # how much earlier the robot swings out and returns

    def __post_init__(self) -> None:
        """Refuse ranges that run backwards."""
        _at_least_zero("core_clearance_m, variant_clearance_m, variant_lead_m",
                       self.core_clearance_m, *self.variant_clearance_m, *self.variant_lead_m)
        _rising("variant_clearance_m", *self.variant_clearance_m)
        _rising("variant_lead_m", *self.variant_lead_m)


@dataclass(frozen=True)
class Success:
    """When an episode is won, lost or over."""

    goal_radius_m: float  # round the cup's centre, for the robot's centre
    hold_decisions: int  # decisions to stand still inside the goal circle
    still_m: float  # moved less than this in one decision: stood still
    max_decisions: int
    bounds_x_m: tuple[float, float]
    bounds_y_m: tuple[float, float]
    stuck_m: float  # moved less than this over stuck_decisions commanded decisions: stuck
    stuck_decisions: int

    def __post_init__(self) -> None:
        """Refuse rules that no episode could meet."""
        for key in ("goal_radius_m", "hold_decisions", "still_m", "max_decisions", "stuck_m",
                    "stuck_decisions"):
            _positive(key, getattr(self, key))
        _rising("bounds_x_m", *self.bounds_x_m)
        _rising("bounds_y_m", *self.bounds_y_m)


@dataclass(frozen=True)
class Room:
    """Floor and walls: they are looked at, and walls can be touched."""

    x_m: tuple[float, float]
    y_m: tuple[float, float]
    wall_height_m: float
    floor_friction: float
    wall_rgb: tuple[float, float, float]

    def __post_init__(self) -> None:
        """Refuse a room without an inside."""
        _rising("x_m", *self.x_m)
        _rising("y_m", *self.y_m)
        _positive("wall_height_m", self.wall_height_m)
        _at_least_zero("floor_friction", self.floor_friction)
        _colour(self.wall_rgb, "wall_rgb")


@dataclass(frozen=True)
class Instructions:
    """What the policy is told; the first is the default."""

    english: str
    korean: str
    paraphrases: tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse a scenario that says too little."""
        if len(self.paraphrases) < 5:
            raise ValueError(f"paraphrases must be at least 5, got {len(self.paraphrases)}.")

    def all(self) -> tuple[str, ...]:
        """Every wording: English, Korean, paraphrases."""
        return (self.english, self.korean, *self.paraphrases)


@dataclass(frozen=True)
class Scenario:
    """One task, complete: nothing is inherited and no default stands elsewhere."""

    schema_version: int
    name: str
    about: str
    layout_group: str  # scenarios of one group share layouts for one seed
    pass_side: str
    boxes: Boxes
    cup: Cup
    placement: Placement
    routes: Routes
    success: Success
    room: Room
    instructions: Instructions

    def __post_init__(self) -> None:
        """Refuse another version and unknown sides."""
        if self.schema_version != SCHEMA_VERSION:
            raise ValueError(
                f"schema_version must be {SCHEMA_VERSION}, got {self.schema_version}."
            )
        _one_of("pass_side", self.pass_side, SIDES)

    def hash(self) -> str:
        """The first 16 hex digits of the sha256 over every value: results with another differ."""
        return self._hash

    @cached_property
    def _hash(self) -> str:
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _one_of(key: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{key} must be one of {', '.join(allowed)}, got {value!r}.")


def _exactly(key: str, table: dict[str, float], names: tuple[str, ...]) -> None:
    if tuple(sorted(table)) != tuple(sorted(names)):
        raise ValueError(
            f"{key} must have exactly the keys {', '.join(names)}, got {', '.join(table)}."
        )


def _positive(key: str, *values: float) -> None:
    if min(values) <= 0:
        raise ValueError(f"{key} must be greater than 0, got {min(values)}.")


def _at_least_zero(key: str, *values: float) -> None:
    if min(values) < 0:
        raise ValueError(f"{key} must be 0 or more, got {min(values)}.")


def _rising(key: str, low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"{key} must rise from its first to its second number, got {low}, {high}.")


def _colour(rgb: tuple[float, ...], key: str = "rgb") -> None:
    if min(rgb) < 0 or max(rgb) > 1:
        raise ValueError(f"{key} must be within 0 and 1, got {', '.join(map(str, rgb))}.")
