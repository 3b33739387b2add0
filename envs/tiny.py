"""`TinyCamera`: PyBullet's own TinyRenderer, the reference that `FastCamera` is compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from envs.camera import Look, View
from envs.interface import RobotSpec
from envs.look import Appearance, texture_path

if TYPE_CHECKING:
    from envs.simulator import Simulator

LIGHT_DIRECTION = (-1.0, 2.0, 3.5)


class TinyCamera:
    """Looks at one world, always the same way: it knows only the nominal appearance."""

    def __init__(self, simulator: Simulator, robot: RobotSpec, shadows: bool = False) -> None:
        """Nothing is seen before `dress`."""
        self._simulator, self._p, self._shadows = simulator, simulator.client, shadows
        self._near_m, self._far_m = robot.camera.near_m, robot.camera.far_m
        self.identity = f"tiny-{self._p.getAPIVersion()}"
        self._laid_in = 0  # which of the simulator's worlds has a floor by now

    def dress(self, appearance: Appearance, seed: int) -> None:
        """Lay the floor; only the nominal look is drawn, see `envs.camera.check_look`."""
        if self._laid_in != self._simulator.worlds:
            texture = self._p.loadTexture(str(texture_path("floor")))
            self._p.changeVisualShape(self._simulator.numbers["floor"], -1, textureUniqueId=texture)
            self._laid_in = self._simulator.worlds

    def picture(self, view: View, size: tuple[int, int], moment: int = 0) -> np.ndarray:
        """What is seen, [H, W, 3] uint8 RGB."""
        return self.look(view, size).rgb

    def look(self, view: View, size: tuple[int, int]) -> Look:
        """What is seen with depth and identities; `names` holds PyBullet's numbers."""
        high, wide = (self._near_m * tangent for tangent in view.tangents)
        _, _, rgba, buffer, ids = self._p.getCameraImage(
            size[1], size[0],
            self._p.computeViewMatrix(view.eye, view.eye + view.forward, (0, 0, 1)),
            self._p.computeProjectionMatrix(-wide, wide, -high, high, self._near_m, self._far_m),
            lightDirection=LIGHT_DIRECTION, shadow=int(self._shadows),
            renderer=self._p.ER_TINY_RENDERER)
        depth = self._far_m * self._near_m / (self._far_m - (self._far_m - self._near_m) * buffer)
        depth[ids < 0] = np.inf
        return Look(np.ascontiguousarray(rgba[:, :, :3]), depth.astype(np.float32),
                    ids.astype(np.int32), dict(self._simulator.numbers))
