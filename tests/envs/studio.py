"""Bodies anywhere before the fast camera: no physics, no gravity, any light."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from envs.camera import View
from envs.look import texture_path
from envs.raycast.lines import camera_rays
from envs.raycast.render import BODY, FLOOR, SKY, WALL, render, room_faces
from envs.raycast.shapes import BOX, CYLINDER, SPHERE
from envs.raycast.textures import load_textures

__all__ = ["BODY", "BOX", "CYLINDER", "FLOOR", "SKY", "SPHERE", "WALL", "Body", "Shot", "Studio",
           "box", "cylinder", "pixel_of", "sphere", "turned", "view"]
ABOVE = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Body:
    """A box (edges), a cylinder (diameter twice, height) or a sphere (diameter three times)."""

    shape: int
    position: tuple[float, float, float]
    size: tuple[float, float, float]
    rotation: Any = field(default_factory=lambda: np.eye(3))  # [3, 3] body to world
    rgb: tuple[float, float, float] = (1.0, 1.0, 1.0)
    texture: str | None = None
    texture_m: float = 1.0


class Shot(NamedTuple):
    """A picture, and what stands where in it."""

    rgb: np.ndarray  # [H, W, 3] uint8
    ids: np.ndarray  # [H, W]
    depth: np.ndarray  # [H, W] m

    @property
    def grey(self) -> np.ndarray:
        """Mean of the channels, [H, W] float."""
        return self.rgb.mean(axis=2)


@dataclass(frozen=True)
class Studio:
    """A black room with a white floor under a black sky, and a lamp of no ambient light."""

    x_m: tuple[float, float] = (-10.0, 10.0)
    y_m: tuple[float, float] = (-10.0, 10.0)
    wall_m: float = 1.0
    floor: tuple[float, float, float] = (1.0, 1.0, 1.0)
    wall: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sky: tuple[float, float, float] = (0.0, 0.0, 0.0)
    floor_texture: str | None = None
    floor_m: float = 1.0
    toward: tuple[float, float, float] = ABOVE  # the lamp, of any length
    ambient: float = 0.0
    diffuse: float = 1.0

    @property
    def lamp(self) -> np.ndarray:
        """Unit vector towards the lamp."""
        return np.array(self.toward, float) / np.linalg.norm(self.toward)

    def shoot(self, bodies: Sequence[Body], view: View, size: tuple[int, int]) -> Shot:
        """What the fast camera sees."""
        rgb = np.empty((*size, 3), np.uint8)
        ids, depth = np.empty(size, np.int32), np.empty(size, np.float32)
        skins = [(self.floor, self.floor_texture, self.floor_m), (self.wall, None, 1.0),
                 *((body.rgb, body.texture, body.texture_m) for body in bodies)]
        names = sorted({name for _, name, _ in skins if name})
        texels, levels = load_textures(tuple(texture_path(name) for name in names))
        surfaces = np.array([[*(255.0 * np.array(colour)), names.index(name) if name else -1, 1 / m]
                             for colour, name, m in skins])
        rays = camera_rays(view.eye, view.forward, view.right, view.down, size, view.tangents)
        render(rgb, ids, depth, rays, room_faces(self.x_m, self.y_m, self.wall_m),
               np.array([body.shape for body in bodies], np.int64),
               np.array([body.position for body in bodies], float).reshape(-1, 3),
               np.array([body.rotation for body in bodies], float).reshape(-1, 3, 3),
               np.array([body.size for body in bodies], float).reshape(-1, 3), surfaces,
               255.0 * np.array(self.sky), np.array([*self.lamp, self.ambient, self.diffuse]),
               texels, levels)
        return Shot(rgb, ids, depth)


def box(position: Any, size: Any, rotation: Any = None, **skin: Any) -> Body:
    """A box by its centre and edges."""
    return Body(BOX, position, size, np.eye(3) if rotation is None else rotation, **skin)


def cylinder(position: Any, diameter: float, height: float, rotation: Any = None,
             **skin: Any) -> Body:
    """A cylinder by its centre."""
    return Body(CYLINDER, position, (diameter, diameter, height),
                np.eye(3) if rotation is None else rotation, **skin)


def sphere(position: Any, diameter: float, **skin: Any) -> Body:
    """A sphere by its centre."""
    return Body(SPHERE, position, (diameter,) * 3, **skin)


def turned(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """Rotation [3, 3] about z, then the new y, then the new x, in radians."""
    (cz, sz), (cy, sy), (cx, sx) = ((math.cos(a), math.sin(a)) for a in (yaw, pitch, roll))
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    return about_z @ about_y @ about_x


def view(eye: Any, target: Any, tangents: tuple[float, float] = (9 / 16, 1.0)) -> View:
    """From a place towards another."""
    eye, ahead = np.array(eye, float), np.array(target, float) - np.array(eye, float)
    return View(eye, ahead / np.linalg.norm(ahead), tangents)


def pixel_of(point: Any, seen: View, size: tuple[int, int]) -> tuple[float, float]:
    """Row and column at which a point of the world is seen; 0 is the first pixel's centre."""
    away = np.array(point, float) - seen.eye
    depth = away @ seen.forward
    high, wide = (2 * tangent / count for tangent, count in zip(seen.tangents, size))
    return (float(away @ seen.down / depth / high + (size[0] - 1) / 2),
            float(away @ seen.right / depth / wide + (size[1] - 1) / 2))
