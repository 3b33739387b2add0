"""The world in PyBullet, and its only importer: one client, named bodies, ticks, contacts.

The robot is an ideal base. Where nothing can be touched it glides, which is arithmetic; PyBullet
steps where something is near, and to the end of the episode once it is touched.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import os
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from envs.bodies import GRAVITY_M_S2, Bodies, Pose
from envs.clearance import Disc, Rectangle
from envs.interface import SUBSTEPS_PER_TICK, TICK_S, RobotSpec
from envs.motion import SUBSTEP_S, glide, world_velocity
from scenarios import Layout, Scenario


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the C library's greeting off standard error, which belongs to our own sentences."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


with _quiet():
    import pybullet as p

logger = logging.getLogger(__name__)

NEAR_M = 0.05  # from here PyBullet steps: more than twice the distance at which it sees contacts
LIFT_M_S = GRAVITY_M_S2 * SUBSTEP_S  # cancels gravity over one substep


def _has_display() -> bool:
    """Whether a window can open: without an X server PyBullet would end the whole process."""
    found = sys.platform != "linux" or bool(os.environ.get("DISPLAY"))
    if not found:
        logger.warning("render_mode 'human': no DISPLAY here, so no window opens.")
    return found


class _Client:
    """PyBullet's functions and constants, for one world."""

    def __init__(self, number: int) -> None:
        self._number = number

    def __getattr__(self, name: str) -> Any:
        found = getattr(p, name)
        return functools.partial(found, physicsClientId=self._number) if callable(found) else found


class Simulator:
    """Bodies by name: `robot`, `box_0`, `box_1`, `cup`, `wall_0` ... `wall_3`, `floor`."""

    def __init__(self, scenario: Scenario, robot: RobotSpec, gui: bool = False) -> None:
        """Open a client of its own and build what does not change between episodes."""
        self._scenario, self._robot = scenario, robot
        self._client = p.connect(p.GUI if gui and _has_display() else p.DIRECT)
        if not p.isNumpyEnabled():
            raise RuntimeError("This pybullet was built without numpy; install the wheel 3.2.7.")
        self._kw = {"physicsClientId": self._client}
        p.configureDebugVisualizer(p.COV_ENABLE_GUI, 0, **self._kw)
        self.client = _Client(self._client)
        self._world = Bodies(self.client, scenario, robot)
        self._bodies = self._world.numbers
        self.worlds = 1  # how many began empty: what was drawn on bodies is gone in the next
        self._footprints: dict[str, Rectangle | Disc] = {**self._world.walls}
        self._poses: dict[str, Pose] = {}  # of the robot, the boxes and the cup
        self._velocity = (0.0, 0.0, 0.0)  # commanded: vx m/s, vy m/s, wz rad/s, body frame
        self._measured = (0.0, 0.0, 0.0)  # the same in the world frame
        self._touched: dict[str, float] = {}
        self._stepped = False  # whether PyBullet has stepped since the world was empty
        self._path: list[Pose] = []  # one a tick
        self._clock_s = 0.0

    def build(self, layout: Layout) -> None:
        """Start an episode: everything where the layout says, nothing left of the one before."""
        if self._stepped:
            self._world.begin()
            self.worlds += 1
        self._poses = self._world.arrange(layout)
        self._draw_footprints()
        self._stepped, self._touched, self._clock_s = False, {}, 0.0
        self._velocity = self._measured = (0.0, 0.0, 0.0)
        self._path = [self._poses["robot"]]

    def close(self) -> None:
        """Free the client; closing twice is allowed."""
        if self._client >= 0:
            p.disconnect(**self._kw)
            self._client = -1

    def advance(self, command: np.ndarray, ticks: int) -> None:
        """Drive by one command for some ticks of 0.05 s; stops short at the first contact."""
        self.drive(self._robot.velocity(command), ticks)

    def drive(self, velocity: np.ndarray, ticks: int) -> None:
        """As `advance`, at a body velocity [3] (vx m/s, vy m/s, wz rad/s)."""
        vx, vy, wz = (float(part) for part in velocity)
        self._velocity = (vx, vy, wz)
        tick_m = math.hypot(vx, vy) * TICK_S
        sure_m = 0.0  # the robot may drive so far before it has to look again
        for _ in range(ticks):
            if sure_m <= tick_m + 1e-9:  # rounding decides nothing: halves make the whole
                sure_m = self._gap_m() - NEAR_M
            if sure_m > tick_m and not self._touched:
                self._glide()
            else:
                self._push()
            sure_m -= tick_m
            self._path.append(self._poses["robot"])
            if self._touched:
                break
        self._world.move("robot", self._poses["robot"])

    def place(self, pose: Pose) -> None:
        """Put the robot somewhere else (x m, y m, yaw rad), standing; its path starts anew."""
        self._poses["robot"], self._measured = pose, (0.0, 0.0, 0.0)
        self._world.move("robot", pose)
        self._path, self._touched = [pose], {}

    def pose(self, name: str) -> Pose:
        """The pose of the robot, a box or the cup in the world frame: x m, y m, yaw rad."""
        return self._poses[name]

    def velocity(self) -> np.ndarray:
        """The robot's measured velocity [3] float32 in its body frame."""
        return np.array(world_velocity(self._measured, -self._poses["robot"][2]), np.float32)

    def clearances(self) -> dict[str, float]:
        """Metres from the robot's rim to every obstacle, by name; negative inside."""
        if not self._touched:  # everything stands upright: seen from above it is plane geometry
            x, y, _ = self._poses["robot"]
            return {name: footprint.gap_m(x, y) - self._robot.radius_m
                    for name, footprint in self._footprints.items()}
        robot = self._bodies["robot"]
        gaps = {}
        for name in self._footprints:
            points = p.getClosestPoints(robot, self._bodies[name], 20.0, **self._kw)
            gaps[name] = min(point[8] for point in points)
        return gaps

    @property
    def numbers(self) -> dict[str, int]:
        """PyBullet's numbers of the bodies, by name."""
        return self._bodies

    @property
    def touched(self) -> dict[str, float]:
        """What the robot has touched in this episode, and when (s since the start)."""
        return dict(self._touched)

    @property
    def path(self) -> np.ndarray:
        """The robot's poses [K, 3] at every tick since the start."""
        return np.array(self._path)

    @property
    def poses(self) -> tuple[Pose, ...]:
        """As `path`, as tuples: vector environments keep them whatever their number."""
        return tuple(self._path)

    def last_poses(self, count: int, ticks: int) -> list[Pose]:
        """At most `count` poses of the robot, so many ticks apart, the newest last."""
        return self._path[::-ticks][:count][::-1]

    @property
    def time_s(self) -> float:
        """Simulated seconds since the start."""
        return self._clock_s

    def frames(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Centres [B, 3] in metres and rotations [B, 3, 3], body to world, of bodies by name."""
        centres, rotations = np.zeros((len(names), 3)), np.zeros((len(names), 3, 3))
        for k, name in enumerate(names):
            if self._touched:  # it may lean or lie
                centres[k], turned = p.getBasePositionAndOrientation(self._bodies[name], **self._kw)
                rotations[k].flat = p.getMatrixFromQuaternion(turned)
                continue
            centres[k] = self._world.centre(name, self._poses[name])
            cos, sin = math.cos(self._poses[name][2]), math.sin(self._poses[name][2])
            rotations[k].flat = (cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0)
        return centres, rotations

    def _draw_footprints(self) -> None:
        """Note where boxes and cup stand now, seen from above."""
        half_m = [side / 2 for side in self._scenario.boxes.size_m]
        for name in self._world.objects:
            pose = self._poses[name]
            self._footprints[name] = (Disc(pose, self._scenario.cup.diameter_m / 2)
                                      if name == "cup" else Rectangle(pose, half_m))

    def _gap_m(self) -> float:
        """From the robot's rim to the nearest body, seen from above."""
        x, y, _ = self._poses["robot"]
        return (min(footprint.gap_m(x, y) for footprint in self._footprints.values())
                - self._robot.radius_m)

    def _glide(self) -> None:
        """One tick far from everything."""
        self._poses["robot"], self._measured = glide(self._poses["robot"], self._velocity)
        for _ in range(SUBSTEPS_PER_TICK):
            self._clock_s += SUBSTEP_S

    def _push(self) -> None:
        """One tick in PyBullet: something may be touched, or has been."""
        self._stepped = True
        for _ in range(SUBSTEPS_PER_TICK):
            self._drive()
            p.stepSimulation(**self._kw)
            self._clock_s += SUBSTEP_S
            self._read_contacts()
            self._poses["robot"] = self._read_pose("robot")
        for name in self._world.objects:
            self._poses[name] = self._read_pose(name)
        self._draw_footprints()
        linear, angular = p.getBaseVelocity(self._bodies["robot"], **self._kw)
        self._measured = (linear[0], linear[1], angular[2])

    def _drive(self) -> None:
        """Impose the commanded velocity: an ideal base, upright at its ride height."""
        vx, vy, wz = world_velocity(self._velocity, self._poses["robot"][2])
        self._world.move("robot", self._poses["robot"])
        p.resetBaseVelocity(self._bodies["robot"], (vx, vy, LIFT_M_S), (0, 0, wz), **self._kw)

    def _read_pose(self, name: str) -> Pose:
        """A body's pose as PyBullet has it."""
        position, orientation_xyzw = p.getBasePositionAndOrientation(self._bodies[name], **self._kw)
        x, y, z, w = orientation_xyzw
        yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        return (position[0], position[1], yaw)

    def _read_contacts(self) -> None:
        """Note the first time each obstacle is touched."""
        for point in p.getContactPoints(self._bodies["robot"], **self._kw):
            name = self._name(point[2])
            if point[8] <= 0.0 and name not in self._touched:
                self._touched[name] = self._clock_s

    def _name(self, body: int) -> str:
        return next(name for name, number in self._bodies.items() if number == body)
