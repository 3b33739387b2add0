"""What a robot remembers of things it was told of, and which way to go among them. Numpy alone.

Places are in the robot's frame (x ahead, y left, metres) and move as it drives, by its measured
velocity: what has left the picture is still known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from policies.scene_words import Sighting

CUP_AHEAD_M = 2.5  # where the cup is looked for until it is seen: the laboratory's layout, chosen
BERTH_M = 0.38  # from the robot's middle to a box's rim: 0.17 its own, the rest air
HALF_BOX_M = (0.14, 0.25)  # half of a box's extent across, at least and at most
ARRIVED_M = 0.48  # to the cup; the goal circle has 0.45 m, and what is said is rather too far
SAME_M = 0.40  # two sightings nearer than so are of one box
DOUBT_M, DOUBT_SHARE = 0.05, 0.08  # deviation of a said place: so much, and so much a metre
DRIFT_M = 0.02  # of a remembered place, a decision
MOST_MISSES = 2  # looks at a box that is not there
CLEAR_VIEW = (0.5, 0.7)  # m ahead at least, and left per ahead at most: then it must be seen
OUTWARDS_RAD = 0.6  # turned away where a box is nearer than its berth, at the box


@dataclass
class Known:
    """One remembered thing; what is told from near counts more (a Kalman filter of a point)."""

    place: np.ndarray  # [2] m
    variance: float  # m^2
    half_m: float = 0.0  # half its extent across
    misses: int = 0

    @classmethod
    def of(cls, seen: Sighting) -> Known:
        """What is told of for the first time."""
        return cls(seen.place, _variance(seen.place), _half_m(seen))

    def update(self, seen: Sighting) -> None:
        """Take in another sighting."""
        gain = self.variance / (self.variance + _variance(seen.place))
        self.place = self.place + gain * (seen.place - self.place)
        self.half_m = self.half_m + gain * (_half_m(seen) - self.half_m)
        self.variance, self.misses = (1.0 - gain) * self.variance, 0


@dataclass
class Surroundings:
    """The cup and the boxes of one episode, as far as they were told of."""

    cup: Known | None = None
    boxes: list[Known] = field(default_factory=list)
    has_arrived: bool = False  # once it has, it has: the same picture would only say the same
    guess: np.ndarray = field(default_factory=lambda: np.array([CUP_AHEAD_M, 0.0]))

    def move(self, velocity: np.ndarray, seconds: float) -> None:
        """The robot has driven with a velocity [3] (vx, vy m/s, wz rad/s): all else moved back."""
        turn = float(velocity[2]) * seconds
        cos, sin = math.cos(turn), math.sin(turn)
        back = np.array([[cos, sin], [-sin, cos]])
        driven = np.asarray(velocity[:2], np.float64) * seconds
        for known in [*self.boxes, *([self.cup] if self.cup else [])]:
            known.place = back @ (known.place - driven)
            known.variance += DRIFT_M**2
        self.guess = back @ (self.guess - driven)

    def see(self, seen: Sequence[Sighting]) -> None:
        """Take in what one picture's words say."""
        for cup in [each for each in seen if each.kind == "cup"][:1]:
            if self.cup is None:
                self.cup = Known.of(cup)
            else:
                self.cup.update(cup)
        if self.cup is not None and float(np.linalg.norm(self.cup.place)) <= ARRIVED_M:
            self.has_arrived = True
        new = [each for each in seen if each.kind == "box"]
        for known in self.boxes:
            near = min(new, key=lambda each: math.dist(each.place, known.place), default=None)
            if near is not None and math.dist(near.place, known.place) < SAME_M:
                known.update(near)
                new = [each for each in new if each is not near]
            elif _in_clear_view(known.place):
                known.misses += 1
        self.boxes = [known for known in self.boxes if known.misses < MOST_MISSES]
        self.boxes += [Known.of(each) for each in new]

    @property
    def goal(self) -> np.ndarray:
        """Where to go [2] m: to the cup, or where it is thought to be."""
        if self.cup is not None:
            return self.cup.place
        return self.guess if self.guess[0] > ARRIVED_M else np.array([1.0, 0.0])

    def shorter_side(self) -> str:
        """`left` or `right`: which way round the known boxes is shorter."""
        if not self.boxes:
            return "left"
        beside = [_bearing(known.place) - _bearing(self.goal) for known in self.boxes]
        return "left" if max(beside) < -min(beside) else "right"

    def heading(self, side: str) -> float:
        """Bearing to drive, rad, left positive: to the goal, but round every box on that side."""
        sign = 1.0 if side == "left" else -1.0
        wanted = sign * _bearing(self.goal)
        for known in self.boxes:
            if float(known.place @ self.goal) > 0.0:  # not behind, seen towards the goal
                wanted = max(wanted, sign * _bearing(known.place) + _berth(known))
        return sign * wanted


def _berth(known: Known) -> float:
    """By how much a path to its berth leads beside a box, rad."""
    berth_m = BERTH_M + known.half_m
    gap = float(np.linalg.norm(known.place))
    if gap >= berth_m:
        return math.asin(berth_m / gap)
    return math.pi / 2 + OUTWARDS_RAD * (1.0 - gap / berth_m)


def _bearing(place: np.ndarray) -> float:
    return math.atan2(place[1], place[0])


def _variance(place: np.ndarray) -> float:
    return float(DOUBT_M + DOUBT_SHARE * np.linalg.norm(place)) ** 2


def _half_m(seen: Sighting) -> float:
    """Half the extent across, by the columns between which it is drawn."""
    least, most = HALF_BOX_M
    if seen.kind != "box" or seen.box is None:
        return least
    across = (seen.box.x_max - seen.box.x_min) * float(seen.place[0])  # of a view 90 degrees wide
    return min(max(across, least), most)


def _in_clear_view(place: np.ndarray) -> bool:
    ahead, left = place
    return bool(ahead > CLEAR_VIEW[0] and abs(left) < CLEAR_VIEW[1] * ahead)
