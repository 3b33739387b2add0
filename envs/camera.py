"""Cameras: one small interface, by which a world is looked at. Needs numpy alone.

`fast` computes the picture by geometry (`envs/raycast`), `tiny` is PyBullet's own TinyRenderer, the
reference. Results of different cameras are never one rate: `Camera.identity` is part of a result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from envs.interface import CameraSpec, RobotSpec
from envs.look import Appearance, Lens
from scenarios import Scenario, did_you_mean

if TYPE_CHECKING:
    from envs.simulator import Simulator

RENDERERS = ("fast", "tiny")
FAST_VERSION = 1  # another look of the same scene is another version
OVERVIEW_FOV_RAD = math.radians(55.0)  # vertical


class View(NamedTuple):
    """Where a camera is and what it takes in; no camera here is ever rolled."""

    eye: np.ndarray  # [3] m, world frame
    forward: np.ndarray  # [3] unit vector
    tangents: tuple[float, float]  # of half the field of view: vertical, horizontal

    @property
    def right(self) -> np.ndarray:
        """Unit vector [3] of growing columns, level."""
        x, y, _ = self.forward
        return np.array([y, -x, 0.0]) / math.hypot(x, y)

    @property
    def down(self) -> np.ndarray:
        """Unit vector [3] of growing rows."""
        x, y, z = self.forward
        right_x, right_y, _ = self.right
        return np.array([-z * right_y, z * right_x, x * right_y - y * right_x])


class Look(NamedTuple):
    """A picture and what stands where in it, at the pixels' centres."""

    rgb: np.ndarray  # [H, W, 3] uint8
    depth_m: np.ndarray  # [H, W] float32, along the optical axis; infinite where nothing is
    ids: np.ndarray  # [H, W] int32, -1 where nothing is
    names: dict[str, int]  # body -> its number in ids


class Scene(Protocol):
    """What a camera must know of a world: which bodies, and where they are now."""

    def frames(self, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Centres [B, 3] in metres and rotations [B, 3, 3], body to world, of bodies by name."""


class Camera(Protocol):
    """Looks at one world."""

    identity: str  # name and version: results of two are never mixed

    def dress(self, appearance: Appearance, seed: int) -> None:
        """Say how the next episode looks; `seed` is that of the sensor's noise."""

    def picture(self, view: View, size: tuple[int, int], moment: int = 0) -> np.ndarray:
        """What is seen, [H, W, 3] uint8 RGB; the sensor's noise is new at every `moment`."""

    def look(self, view: View, size: tuple[int, int]) -> Look:
        """What is seen with depth and identities, for labels; without the sensor's faults."""


def camera_view(pose: tuple[float, float, float], camera: CameraSpec, lens: Lens) -> View:
    """What the robot's camera takes in at a pose (x m, y m, yaw rad)."""
    x, y, yaw = pose
    tilt = camera.tilt_rad + lens.tilt_offset_rad
    level = math.cos(tilt)
    forward = np.array([level * math.cos(yaw), level * math.sin(yaw), -math.sin(tilt)])
    wide = math.tan(camera.horizontal_fov_rad * lens.fov_scale / 2)
    return View(np.array([x, y, camera.height_m + lens.height_offset_m]), forward,
                (wide / camera.aspect, wide))


def overview(size: tuple[int, int]) -> View:
    """The scene from behind and above the start."""
    eye, target = np.array([-1.4, 0.0, 2.4]), np.array([1.4, 0.0, 0.0])
    high = math.tan(OVERVIEW_FOV_RAD / 2)
    return View(eye, (target - eye) / np.linalg.norm(target - eye),
                (high, high * size[1] / size[0]))


def camera_version(renderer: str) -> str:
    """Whose pictures are alike: the fast camera has versions of its own, tiny those of PyBullet."""
    return f"fast-{FAST_VERSION}" if renderer == "fast" else renderer


def check_look(renderer: str, profile: str) -> None:
    """Refuse an unknown camera, and a profile that it cannot draw.

    Raises:
        ValueError: one sentence.
    """
    if renderer not in RENDERERS:
        raise ValueError(f"Unknown renderer {renderer!r}."
                         f"{did_you_mean(renderer, list(RENDERERS))} "
                         f"Expected one of {', '.join(RENDERERS)}.")
    if renderer == "tiny" and profile != "nominal":
        raise ValueError(f"The renderer tiny draws only the appearance nominal, got {profile!r}; "
                         f"use the renderer fast.")


def make_camera(renderer: str, simulator: Simulator, scenario: Scenario,
                robot: RobotSpec) -> Camera:
    """The camera of that name; only the chosen one is loaded."""
    if renderer == "tiny":
        from envs.tiny import TinyCamera

        return TinyCamera(simulator, robot)
    from envs.raycast.camera import FastCamera

    return FastCamera(simulator, scenario, robot)


def check_size(image_size: tuple[int, int]) -> None:
    """Refuse a picture without pixels."""
    if len(image_size) != 2 or not all(type(each) is int and each > 0 for each in image_size):
        raise ValueError(f"image_size must be height and width in whole pixels, got "
                         f"{image_size!r}.")
