"""`TinyCamera`: PyBullet's own TinyRenderer, the reference that `FastCamera` is compared with."""

from __future__ import annotations

from typing import Any

import numpy as np

from envs.camera import Look, View
from envs.interface import RobotSpec
from envs.look import Appearance, texture_path

LIGHT_DIRECTION = (-1.0, 2.0, 3.5)


class TinyCamera:
    """Looks at one world, always the same way: it knows only the nominal appearance."""

    def __init__(self, client: Any, bodies: dict[str, int], robot: RobotSpec,
                 shadows: bool = False) -> None:
        """`client` answers PyBullet's calls; `bodies` are its numbers by name."""
        self._p, self._bodies, self._shadows = client, bodies, shadows
        self._near_m, self._far_m = robot.camera.near_m, robot.camera.far_m
        self.identity = f"tiny-{client.getAPIVersion()}"
        client.changeVisualShape(bodies["floor"], -1,
                                 textureUniqueId=client.loadTexture(str(texture_path("floor"))))

    def dress(self, appearance: Appearance, seed: int) -> None:
        """Nothing changes: it draws only the nominal look, see `envs.camera.check_look`."""

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
                    ids.astype(np.int32), dict(self._bodies))
