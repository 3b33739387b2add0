"""`FastCamera`: the default camera, without a graphics driver and repeatable bit for bit."""

from __future__ import annotations

import functools
import logging
import math

import numpy as np

from envs.camera import Look, Scene, View, camera_version
from envs.interface import RobotSpec
from envs.look import Appearance, Distractor, Light, Surface, texture_path
from envs.raycast.compiled import CACHE_FOLDER
from envs.raycast.lines import camera_rays
from envs.raycast.render import BODY, FLOOR, WALL, render, room_faces
from envs.raycast.sensor import sense
from envs.raycast.shapes import BOX, CYLINDER, SPHERE
from envs.raycast.textures import load_textures
from scenarios import Scenario

SHAPES = {"box": BOX, "cylinder": CYLINDER, "sphere": SPHERE}
ROBOT = Surface((0.15, 0.25, 0.45), None, 1.0)
NO_IDS, NO_DEPTH = np.zeros((0, 0), np.int32), np.zeros((0, 0), np.float32)

logger = logging.getLogger(__name__)


class FastCamera:
    """Looks at one world; see `envs.raycast` for how."""

    identity = camera_version("fast")

    def __init__(self, scene: Scene, scenario: Scenario, robot: RobotSpec) -> None:
        """Nothing is seen before `dress`. The first camera of a process compiles the kernels."""
        compile_all()
        self._scene, self._scenario, self._aspect = scene, scenario, robot.camera.aspect
        boxes, cup = scenario.boxes, scenario.cup
        self._moving = [*(f"box_{k}" for k in range(boxes.count)), "cup", "robot"]
        self._moving_shapes = [BOX] * boxes.count + [CYLINDER] * 2
        self._moving_sizes = [boxes.size_m] * boxes.count + [
            (cup.diameter_m, cup.diameter_m, cup.height_m),
            (2 * robot.radius_m, 2 * robot.radius_m, robot.height_m)]
        room = scenario.room
        self._room = room_faces(room.x_m, room.y_m, room.wall_height_m)

    def dress(self, appearance: Appearance, seed: int) -> None:
        """Say how the next episode looks; `seed` is that of the sensor's noise."""
        self._lens, self._seed = appearance.lens, seed
        things = appearance.distractors
        surfaces = [appearance.floor, appearance.wall,
                    *[appearance.box] * self._scenario.boxes.count, appearance.cup, ROBOT,
                    *(thing.surface for thing in things)]
        names = sorted({each.texture for each in surfaces if each.texture})
        self._texels, self._levels = load_textures(tuple(texture_path(name) for name in names))
        tint = 255.0 * appearance.lens.exposure * np.array(appearance.light.rgb)
        self._surfaces = np.array([
            [*(tint * each.rgb), names.index(each.texture) if each.texture else -1,
             1.0 / each.texture_m] for each in surfaces])
        sky = 255.0 * appearance.lens.exposure * np.array(appearance.sky_rgb)
        self._sky = np.minimum(255.0, sky)
        self._light = _lamp(appearance.light)
        self._shapes = np.array(self._moving_shapes + [SHAPES[each.shape] for each in things])
        self._sizes = np.array(self._moving_sizes + [each.size_m for each in things], float)
        self._places = np.zeros((len(self._shapes), 3))
        self._turns = np.zeros((len(self._shapes), 3, 3))
        for number, thing in enumerate(things, start=len(self._moving)):
            self._places[number], self._turns[number] = thing.position, _upright(thing)

    def picture(self, view: View, size: tuple[int, int], moment: int = 0) -> np.ndarray:
        """What is seen, [H, W, 3] uint8 RGB; the sensor's noise is new at every `moment`."""
        picture = np.empty((*size, 3), np.uint8)
        self._render(view, picture, NO_IDS, NO_DEPTH)
        sense(picture, self._lens.blur_px, self._aspect, self._lens.noise, self._seed, moment)
        return picture

    def look(self, view: View, size: tuple[int, int]) -> Look:
        """What is seen with depth and identities, for labels; without the sensor's faults."""
        picture = np.empty((*size, 3), np.uint8)
        ids, depth = np.empty(size, np.int32), np.empty(size, np.float32)
        self._render(view, picture, ids, depth)
        names = {"floor": FLOOR, **{f"wall_{k}": WALL + k for k in range(4)},
                 **{name: BODY + k for k, name in enumerate(self._moving)},
                 **{f"distractor_{k}": BODY + len(self._moving) + k
                    for k in range(len(self._shapes) - len(self._moving))}}
        return Look(picture, depth, ids, names)

    def _render(self, view: View, picture: np.ndarray, ids: np.ndarray,
                depth: np.ndarray) -> None:
        moving = len(self._moving)
        self._places[:moving], self._turns[:moving] = self._scene.frames(self._moving)
        rays = camera_rays(view.eye, view.forward, view.right, view.down, picture.shape[:2],
                           view.tangents)
        render(picture, ids, depth, rays, self._room, self._shapes, self._places, self._turns,
               self._sizes, self._surfaces, self._sky, self._light, self._texels, self._levels)


@functools.cache
def compile_all() -> None:
    """Compile every kernel now, or read it back, so that no first picture has to wait for it."""
    if not any(CACHE_FOLDER.rglob("*.nbi")):
        logger.info("The camera is compiled once for this installation: about 20 s.")
    picture = np.zeros((2, 2, 3), np.uint8)
    texels, levels = load_textures(())
    ahead, right, down = np.eye(3)
    rays = camera_rays(np.zeros(3), ahead, right, down, (2, 2), (1.0, 1.0))
    nothing = np.zeros((0, 3))
    render(picture, NO_IDS, NO_DEPTH, rays, room_faces((-1.0, 1.0), (-1.0, 1.0), 1.0),
           np.zeros(0, np.int64), nothing, np.zeros((0, 3, 3)), nothing,
           np.full((2, 5), -1.0), np.zeros(3), np.array([0.0, 0.0, 1.0, 1.0, 1.0]), texels, levels)
    sense(picture, 1.0, 1.0, 1.0, 0, 0)


def _lamp(light: Light) -> np.ndarray:
    """The light as the kernel reads it [5]: unit vector towards it, ambient, diffuse."""
    direction = np.array(light.direction, float)
    return np.array([*(direction / np.linalg.norm(direction)), light.ambient, light.diffuse])


def _upright(thing: Distractor) -> np.ndarray:
    """The rotation [3, 3] of a thing that stands on the floor."""
    cos, sin = math.cos(thing.yaw_rad), math.sin(thing.yaw_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
