"""What stands in the world, as PyBullet's bodies: floor, walls, boxes, cup and robot, by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.clearance import Rectangle
from envs.interface import RobotSpec
from envs.motion import SUBSTEP_S
from scenarios import Layout, Scenario

GRAVITY_M_S2 = 9.81
PLATE_M = 0.1  # thickness of floor and walls
RIDE_M = 0.01  # the robot floats this much over the floor: its wheels are not modelled
ROBOT_RGB = (0.15, 0.25, 0.45)
Pose = tuple[float, float, float]  # x m, y m, yaw rad, world frame


class Bodies:
    """Makes and moves bodies; `numbers` are PyBullet's own, by name."""

    def __init__(self, client: Any, scenario: Scenario, robot: RobotSpec) -> None:
        """Floor and walls, which stay. `client` answers PyBullet's calls for one world."""
        self._p, self._scenario, self._robot = client, scenario, robot
        self.numbers: dict[str, int] = {}
        self.walls: dict[str, Rectangle] = {}  # seen from above
        self.begin()

    def begin(self) -> None:
        """Empty the world, and PyBullet's memory with it, and build the room.

        Nothing less will do: what removed bodies leave behind (which pairs are looked at next, say)
        decides whether a box near the robot falls asleep in this substep or the next.
        """
        self._p.resetSimulation()
        self._p.setGravity(0, 0, -GRAVITY_M_S2)
        self._p.setPhysicsEngineParameter(fixedTimeStep=SUBSTEP_S, deterministicOverlappingPairs=1)
        self.numbers.clear()
        self._build_room()

    @property
    def objects(self) -> list[str]:
        """The names of what can be pushed: boxes and cup."""
        return [*(f"box_{k}" for k in range(self._scenario.boxes.count)), "cup"]

    def arrange(self, layout: Layout) -> dict[str, Pose]:
        """Put everything where the layout says and return the poses by name."""
        poses: dict[str, Pose] = {"robot": layout.start, "cup": (*layout.cup, 0.0)}
        poses |= {f"box_{number}": pose for number, pose in enumerate(layout.boxes)}
        if "robot" not in self.numbers:
            self._build_objects(poses)
            self._build_robot(poses["robot"])
        for name, pose in poses.items():
            self.move(name, pose)
        return poses

    def move(self, name: str, pose: Pose) -> None:
        """Put one body somewhere else, upright."""
        upright = self._p.getQuaternionFromEuler((0, 0, pose[2]))
        self._p.resetBasePositionAndOrientation(self.numbers[name], self.centre(name, pose),
                                                upright)

    def centre(self, name: str, pose: Pose) -> Pose:
        """The middle (x m, y m, z m) of a body that stands on the floor, or floats over it."""
        if name == "robot":
            return (*pose[:2], self._robot.height_m / 2 + RIDE_M)
        if name == "cup":
            return (*pose[:2], self._scenario.cup.height_m / 2)
        return (*pose[:2], self._scenario.boxes.size_m[2] / 2)

    def _build_room(self) -> None:
        """Floor and four walls: solid boxes, drawn as the single faces that can be seen."""
        room = self._scenario.room
        (x0, x1), (y0, y1), top = room.x_m, room.y_m, room.wall_height_m
        self._add_plate("floor", [(x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)],
                        (0, 0, 1), (1, 1, 1))
        faces = [((x1, y1), (x1, y0), (-1, 0, 0)), ((x0, y0), (x0, y1), (1, 0, 0)),
                 ((x0, y1), (x1, y1), (0, -1, 0)), ((x1, y0), (x0, y0), (0, 1, 0))]
        for number, (a, b, normal) in enumerate(faces):
            self._add_plate(f"wall_{number}", [(*a, 0), (*b, 0), (*b, top), (*a, top)], normal,
                            room.wall_rgb)

    def _build_objects(self, poses: dict[str, Pose]) -> None:
        """Boxes and cup: dynamic, asleep until touched."""
        cup, shape = self._scenario.cup, self._box()
        shapes = {**dict.fromkeys(self.objects, shape),
                  "cup": self._cylinder(cup.diameter_m / 2, cup.height_m, cup.rgb)}
        for name in self.objects:
            thing = cup if name == "cup" else self._scenario.boxes
            self._add(name, shapes[name], self.centre(name, poses[name]), poses[name][2],
                      thing.mass_kg, thing.friction)
            self._p.changeDynamics(self.numbers[name], -1, activationState=(
                self._p.ACTIVATION_STATE_SLEEP | self._p.ACTIVATION_STATE_ENABLE_SLEEPING))

    def _build_robot(self, pose: Pose) -> None:
        """A disc that nothing slows down and that does not touch the floor."""
        shape = self._cylinder(self._robot.radius_m, self._robot.height_m, ROBOT_RGB)
        self._add("robot", shape, self.centre("robot", pose), pose[2],
                  self._robot.mass_kg, 0.0)
        self._p.changeDynamics(self.numbers["robot"], -1, linearDamping=0.0, angularDamping=0.0,
                               activationState=self._p.ACTIVATION_STATE_DISABLE_SLEEPING)
        self._p.setCollisionFilterPair(self.numbers["robot"], self.numbers["floor"], -1, -1, 0)

    def _add_plate(self, name: str, face: list[tuple[float, float, float]],
                   normal: tuple[int, int, int], rgb: tuple[float, ...]) -> None:
        """An unmovable slab behind a rectangle; PyBullet draws only the rectangle."""
        corners = np.array(face, float)
        middle = corners.mean(axis=0) - np.array(normal) * PLATE_M / 2  # the slab's centre
        half = np.ptp(corners, axis=0) / 2 + np.abs(normal) * PLATE_M / 2
        collision = self._p.createCollisionShape(self._p.GEOM_BOX, halfExtents=half.tolist())
        visual = self._p.createVisualShape(
            self._p.GEOM_MESH, vertices=(corners - middle).tolist(), indices=[0, 1, 2, 0, 2, 3],
            uvs=[[0, 0], [1, 0], [1, 1], [0, 1]], normals=[list(normal)] * 4, rgbaColor=(*rgb, 1))
        self._add(name, (collision, visual), middle.tolist(), 0.0, 0.0,
                  self._scenario.room.floor_friction)
        if name != "floor":
            self.walls[name] = Rectangle((middle[0], middle[1], 0.0), half.tolist())

    def _box(self) -> tuple[int, int]:
        """The collision and the visual shape of every box."""
        half, rgb = [s / 2 for s in self._scenario.boxes.size_m], self._scenario.boxes.rgb
        return (self._p.createCollisionShape(self._p.GEOM_BOX, halfExtents=half),
                self._p.createVisualShape(self._p.GEOM_BOX, halfExtents=half, rgbaColor=(*rgb, 1)))

    def _cylinder(self, radius: float, height: float, rgb: tuple[float, ...]) -> tuple[int, int]:
        """The collision and the visual shape of cup or robot."""
        kind = self._p.GEOM_CYLINDER
        return (self._p.createCollisionShape(kind, radius=radius, height=height),
                self._p.createVisualShape(kind, radius=radius, length=height, rgbaColor=(*rgb, 1)))

    def _add(self, name: str, shapes: tuple[int, int], centre: Pose, yaw: float, mass_kg: float,
             friction: float) -> None:
        """One body of a collision and a visual shape."""
        upright = self._p.getQuaternionFromEuler((0, 0, yaw))
        body = self._p.createMultiBody(mass_kg, *shapes, centre, upright)
        self._p.changeDynamics(body, -1, lateralFriction=friction)
        self.numbers[name] = body
