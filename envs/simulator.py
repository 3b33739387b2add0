"""The world in PyBullet, and its only importer: one client, named bodies, ticks, contacts."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from envs.interface import SUBSTEPS_PER_TICK, TICK_S, RobotSpec
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

RENDERER = f"tiny-{p.getAPIVersion()}"  # part of every result's identity
SUBSTEP_S = TICK_S / SUBSTEPS_PER_TICK
PLATE_M = 0.1  # thickness of floor and walls
FLOOR_TEXTURE = Path(__file__).parent / "textures" / "floor.png"
LIGHT_DIRECTION = (-1.0, 2.0, 3.5)


def _has_display() -> bool:
    """Whether a window can open: without an X server PyBullet would end the whole process."""
    found = sys.platform != "linux" or bool(os.environ.get("DISPLAY"))
    if not found:
        logger.warning("render_mode 'human': no DISPLAY here, so no window opens.")
    return found


class Simulator:
    """Bodies by name: `robot`, `box_0`, `box_1`, `cup`, `wall_0` ... `wall_3`, `floor`."""

    def __init__(self, scenario: Scenario, robot: RobotSpec, gui: bool = False) -> None:
        """Open a client of its own and build what does not change between episodes."""
        self._scenario, self._robot = scenario, robot
        self._client = p.connect(p.GUI if gui and _has_display() else p.DIRECT)
        if not p.isNumpyEnabled():
            raise RuntimeError("This pybullet was built without numpy; install the wheel 3.2.7.")
        self._kw = {"physicsClientId": self._client}
        self._bodies: dict[str, int] = {}
        self._velocity = np.zeros(3)  # body frame
        self._touched: dict[str, float] = {}
        self._path: list[tuple[float, float, float]] = []
        self._clock_s = 0.0
        self._projection = self._project()

    def build(self, layout: Layout) -> None:
        """Start an episode: every body anew, nothing left of the episode before."""
        p.resetSimulation(**self._kw)
        p.setGravity(0, 0, -9.81, **self._kw)
        p.setPhysicsEngineParameter(
            fixedTimeStep=SUBSTEP_S, deterministicOverlappingPairs=1, **self._kw
        )
        p.configureDebugVisualizer(p.COV_ENABLE_GUI, 0, **self._kw)
        self._bodies, self._touched, self._clock_s = {}, {}, 0.0
        self._velocity = np.zeros(3)
        self._build_room()
        self._build_objects(layout)
        self._build_robot(layout)
        self._path = [self.pose("robot")]

    def close(self) -> None:
        """Free the client; closing twice is allowed."""
        if self._client >= 0:
            p.disconnect(**self._kw)
            self._client = -1

    def advance(self, command: np.ndarray, ticks: int) -> None:
        """Drive by one command for some ticks of 0.05 s; stops short at the first contact."""
        self._velocity = self._robot.velocity(command)
        for _ in range(ticks):
            for _ in range(SUBSTEPS_PER_TICK):
                self._drive()
                p.stepSimulation(**self._kw)
                self._clock_s += SUBSTEP_S
                self._read_contacts()
            self._path.append(self.pose("robot"))
            if self._touched:
                return

    def place(self, pose: tuple[float, float, float]) -> None:
        """Put the robot somewhere else (x m, y m, yaw rad), standing; its path starts anew."""
        x, y, yaw = pose
        upright = p.getQuaternionFromEuler((0, 0, yaw))
        p.resetBasePositionAndOrientation(
            self._bodies["robot"], (x, y, self._ride_height()), upright, **self._kw
        )
        p.resetBaseVelocity(self._bodies["robot"], (0, 0, 0), (0, 0, 0), **self._kw)
        self._path, self._touched = [self.pose("robot")], {}

    def pose(self, name: str) -> tuple[float, float, float]:
        """The pose of a body in the world frame: x m, y m, yaw rad."""
        position, orientation_xyzw = p.getBasePositionAndOrientation(self._bodies[name], **self._kw)
        x, y, z, w = orientation_xyzw
        yaw = math.atan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z))
        return (position[0], position[1], yaw)

    def velocity(self) -> np.ndarray:
        """The robot's measured velocity [3] float32 in its body frame."""
        linear, angular = p.getBaseVelocity(self._bodies["robot"], **self._kw)
        yaw = self.pose("robot")[2]
        cos, sin = math.cos(yaw), math.sin(yaw)
        return np.array([cos * linear[0] + sin * linear[1],
                         -sin * linear[0] + cos * linear[1], angular[2]], np.float32)

    def clearances(self) -> dict[str, float]:
        """Metres from the robot's rim to every obstacle, by name; negative inside."""
        robot = self._bodies["robot"]
        gaps = {}
        for name in self._obstacles():
            points = p.getClosestPoints(robot, self._bodies[name], 20.0, **self._kw)
            gaps[name] = min(point[8] for point in points)
        return gaps

    @property
    def touched(self) -> dict[str, float]:
        """What the robot has touched in this episode, and when (s since the start)."""
        return dict(self._touched)

    @property
    def path(self) -> np.ndarray:
        """The robot's poses [K, 3] at every tick since the start."""
        return np.array(self._path)

    @property
    def time_s(self) -> float:
        """Simulated seconds since the start."""
        return self._clock_s

    def picture(self, height: int, width: int) -> np.ndarray:
        """What the robot's camera sees: [height, width, 3] uint8, RGB."""
        return self._render(self._camera_view(), self._projection, height, width)[0]

    def look(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
        """The picture, body numbers [height, width] (-1: nothing), and names to numbers."""
        rgb, mask = self._render(self._camera_view(), self._projection, height, width)
        return rgb, mask, dict(self._bodies)

    def overview(self, height: int, width: int) -> np.ndarray:
        """The scene from behind and above the start: [height, width, 3] uint8, RGB."""
        view = p.computeViewMatrix((-1.4, 0.0, 2.4), (1.4, 0.0, 0.0), (0, 0, 1))
        projection = p.computeProjectionMatrixFOV(55.0, width / height, 0.1, 20.0)
        return self._render(view, projection, height, width)[0]

    def _build_room(self) -> None:
        """Floor and four walls: solid boxes, drawn as the single faces that can be seen."""
        room = self._scenario.room
        (x0, x1), (y0, y1), top = room.x_m, room.y_m, room.wall_height_m
        texture = p.loadTexture(str(FLOOR_TEXTURE), **self._kw)
        self._add_plate("floor", [(x0, y0, 0), (x1, y0, 0), (x1, y1, 0), (x0, y1, 0)],
                        (0, 0, 1), (1, 1, 1))
        p.changeVisualShape(self._bodies["floor"], -1, textureUniqueId=texture, **self._kw)
        faces = [((x1, y1), (x1, y0), (-1, 0, 0)), ((x0, y0), (x0, y1), (1, 0, 0)),
                 ((x0, y1), (x1, y1), (0, -1, 0)), ((x1, y0), (x0, y0), (0, 1, 0))]
        for number, (a, b, normal) in enumerate(faces):
            self._add_plate(f"wall_{number}", [(*a, 0), (*b, 0), (*b, top), (*a, top)], normal,
                            room.wall_rgb)

    def _build_objects(self, layout: Layout) -> None:
        """Boxes and cup: dynamic, asleep until touched."""
        boxes, cup = self._scenario.boxes, self._scenario.cup
        for number, (x, y, yaw) in enumerate(layout.boxes):
            self._add_box(f"box_{number}", boxes.size_m, (x, y, boxes.size_m[2] / 2), boxes.rgb,
                          boxes.mass_kg, boxes.friction, yaw)
        self._add_cylinder("cup", cup.diameter_m / 2, cup.height_m, (*layout.cup, cup.height_m / 2),
                           cup.rgb, cup.mass_kg, cup.friction)
        for name in self._objects():
            p.changeDynamics(self._bodies[name], -1, activationState=p.ACTIVATION_STATE_SLEEP
                             | p.ACTIVATION_STATE_ENABLE_SLEEPING, **self._kw)

    def _build_robot(self, layout: Layout) -> None:
        """A disc one centimetre over the floor: its wheels are not modelled."""
        x, y, yaw = layout.start
        spec = self._robot
        self._add_cylinder("robot", spec.radius_m, spec.height_m, (x, y, self._ride_height()),
                           (0.15, 0.25, 0.45), spec.mass_kg, 0.0, yaw)
        robot = self._bodies["robot"]
        p.changeDynamics(robot, -1, linearDamping=0.0, angularDamping=0.0,
                         activationState=p.ACTIVATION_STATE_DISABLE_SLEEPING, **self._kw)
        p.setCollisionFilterPair(robot, self._bodies["floor"], -1, -1, 0, **self._kw)

    def _ride_height(self) -> float:
        return self._robot.height_m / 2 + 0.01

    def _drive(self) -> None:
        """Impose the commanded velocity: an ideal base, upright at its ride height."""
        robot = self._bodies["robot"]
        x, y, yaw = self.pose("robot")
        upright = p.getQuaternionFromEuler((0, 0, yaw))
        p.resetBasePositionAndOrientation(robot, (x, y, self._ride_height()), upright, **self._kw)
        vx, vy, wz = self._velocity
        cos, sin = math.cos(yaw), math.sin(yaw)
        lift = 9.81 * SUBSTEP_S  # cancels gravity over this substep
        p.resetBaseVelocity(robot, (cos * vx - sin * vy, sin * vx + cos * vy, lift), (0, 0, wz),
                            **self._kw)

    def _read_contacts(self) -> None:
        """Note the first time each obstacle is touched."""
        for point in p.getContactPoints(self._bodies["robot"], **self._kw):
            name = self._name(point[2])
            if point[8] <= 0.0 and name not in self._touched:
                self._touched[name] = self._clock_s

    def _name(self, body: int) -> str:
        return next(name for name, number in self._bodies.items() if number == body)

    def _objects(self) -> list[str]:
        return [name for name in self._bodies if name.startswith("box_") or name == "cup"]

    def _obstacles(self) -> list[str]:
        return [name for name in self._bodies if name not in ("robot", "floor")]

    def _add_plate(self, name: str, face: list[tuple[float, float, float]],
                   normal: tuple[int, int, int], rgb: tuple[float, ...]) -> None:
        """An unmovable slab behind a rectangle; PyBullet draws only the rectangle."""
        corners = np.array(face, float)
        middle = corners.mean(axis=0) - np.array(normal) * PLATE_M / 2  # the slab's centre
        half = np.ptp(corners, axis=0) / 2 + np.abs(normal) * PLATE_M / 2
        collision = p.createCollisionShape(p.GEOM_BOX, halfExtents=half.tolist(), **self._kw)
        visual = p.createVisualShape(
            p.GEOM_MESH, vertices=(corners - middle).tolist(), indices=[0, 1, 2, 0, 2, 3],
            uvs=[[0, 0], [1, 0], [1, 1], [0, 1]], normals=[list(normal)] * 4, rgbaColor=(*rgb, 1),
            **self._kw,
        )
        self._add(name, collision, visual, tuple(middle), 0.0, self._scenario.room.floor_friction,
                  0.0)

    def _add_box(self, name: str, size: tuple[float, ...], position: tuple[float, ...],
                 rgb: tuple[float, ...], mass_kg: float, friction: float, yaw: float = 0.0) -> None:
        half = [s / 2 for s in size]
        collision = p.createCollisionShape(p.GEOM_BOX, halfExtents=half, **self._kw)
        visual = p.createVisualShape(p.GEOM_BOX, halfExtents=half, rgbaColor=(*rgb, 1), **self._kw)
        self._add(name, collision, visual, position, mass_kg, friction, yaw)

    def _add_cylinder(self, name: str, radius: float, height: float, position: tuple[float, ...],
                      rgb: tuple[float, ...], mass_kg: float, friction: float,
                      yaw: float = 0.0) -> None:
        collision = p.createCollisionShape(
            p.GEOM_CYLINDER, radius=radius, height=height, **self._kw
        )
        visual = p.createVisualShape(p.GEOM_CYLINDER, radius=radius, length=height,
                                     rgbaColor=(*rgb, 1), **self._kw)
        self._add(name, collision, visual, position, mass_kg, friction, yaw)

    def _add(self, name: str, collision: int, visual: int, position: tuple[float, ...],
             mass_kg: float, friction: float, yaw: float) -> None:
        body = p.createMultiBody(mass_kg, collision, visual, position,
                                 p.getQuaternionFromEuler((0, 0, yaw)), **self._kw)
        p.changeDynamics(body, -1, lateralFriction=friction, **self._kw)
        self._bodies[name] = body

    def _camera_view(self) -> tuple[float, ...]:
        x, y, yaw = self.pose("robot")
        camera = self._robot.camera
        eye = np.array([x, y, camera.height_m])
        down = math.sin(camera.tilt_rad)
        forward = np.array([math.cos(yaw), math.sin(yaw), -down])
        return p.computeViewMatrix(eye, eye + forward, (0, 0, 1))

    def _project(self) -> tuple[float, ...]:
        camera = self._robot.camera
        vertical = 2 * math.atan(math.tan(camera.horizontal_fov_rad / 2) / camera.aspect)
        return p.computeProjectionMatrixFOV(
            math.degrees(vertical), camera.aspect, camera.near_m, camera.far_m
        )

    def _render(self, view: tuple[float, ...], projection: tuple[float, ...], height: int,
                width: int) -> tuple[np.ndarray, np.ndarray]:
        _, _, rgba, _, mask = p.getCameraImage(
            width, height, view, projection, lightDirection=LIGHT_DIRECTION, shadow=0,
            renderer=p.ER_TINY_RENDERER, **self._kw,
        )
        return np.ascontiguousarray(rgba[:, :, :3]), mask
