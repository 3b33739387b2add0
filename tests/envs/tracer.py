"""The same pictures one ray at a time, in the plainest way: the judge of the fast camera."""

from collections.abc import Sequence

import numpy as np

from envs.camera import View
from tests.envs.studio import BODY, BOX, FLOOR, SKY, SPHERE, WALL, Body, Shot, Studio

FAR = np.inf


def trace(studio: Studio, bodies: Sequence[Body], view: View, size: tuple[int, int]) -> Shot:
    """Identity, depth and colour at every pixel's centre; plain colours alone."""
    height, width = size
    across = (2 * (np.arange(width) + 0.5) / width - 1) * view.tangents[1]
    down = (2 * (np.arange(height) + 0.5) / height - 1) * view.tangents[0]
    rays = (view.forward + across[None, :, None] * view.right
            + down[:, None, None] * view.down).reshape(-1, 3)
    eyes = np.broadcast_to(view.eye, rays.shape)
    depth = np.full(len(rays), FAR)
    ids, normals = np.full(len(rays), SKY), np.zeros_like(rays)
    for number, t, normal in [*_room(studio, eyes, rays),
                              *((BODY + k, *hit(body, eyes, rays)) for k, body in
                                enumerate(bodies))]:
        nearer = t < depth
        depth[nearer], ids[nearer], normals[nearer] = t[nearer], number, normal[nearer]
    places = eyes + np.where(np.isfinite(depth), depth, 0.0)[:, None] * rays
    facing = np.maximum(0.0, normals @ studio.lamp)
    for k, body in enumerate(bodies):
        behind = np.isfinite(hit(body, places, np.broadcast_to(studio.lamp, places.shape))[0])
        facing[behind & (ids != BODY + k)] = 0.0  # a convex body shades itself by its normals
    skins = np.array([studio.sky, studio.floor, *[studio.wall] * 4, *(b.rgb for b in bodies)])
    light = np.where(ids == SKY, 1.0, studio.ambient + studio.diffuse * facing)
    rgb = np.minimum(255.0, 255.0 * skins[ids + 1] * light[:, None])
    return Shot(np.round(rgb).astype(np.uint8).reshape(height, width, 3),
                ids.reshape(size), depth.reshape(size))


def hit(body: Body, eyes: np.ndarray, rays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where rays [N, 3] first enter a body (infinite: never), and its normals there."""
    eye, ray = ((part - shift) @ body.rotation for part, shift in
                ((eyes, np.array(body.position)), (rays, np.zeros(3))))
    half = np.array(body.size) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        if body.shape == SPHERE:
            t, _, normal = _round(eye, ray, half[0], 3)
        elif body.shape == BOX:
            t, _, normal = _slabs(eye, ray, half, (0, 1, 2))
        else:
            low, high, normal = _round(eye, ray, half[0], 2)
            t, end, cap = _slabs(eye, ray, half, (2,))
            normal = np.where((t > low)[:, None], cap, normal)
            t = np.maximum(t, low)
            t[~(t < np.minimum(high, end))] = FAR
    t[~(t > 1e-9)] = FAR
    return t, normal @ body.rotation.T


def _slabs(eye, ray, half, axes):
    """Entry, exit and normal between pairs of planes."""
    low, high, normal = np.full(len(eye), -FAR), np.full(len(eye), FAR), np.zeros_like(eye)
    for axis in axes:
        one, two = (-half[axis] - eye[:, axis]) / ray[:, axis], (half[axis] - eye[:, axis]) / ray[
            :, axis]
        nearer = np.minimum(one, two) > low
        low, high = np.maximum(low, np.minimum(one, two)), np.minimum(high, np.maximum(one, two))
        normal[nearer] = 0.0
        normal[nearer, axis] = -np.sign(ray[nearer, axis])
    if len(axes) == 3:
        low[~(low < high)] = FAR
    return low, high, normal


def _round(eye, ray, radius, dimensions):
    """Entry, exit and normal of a ball (3) or of a cylinder without ends (2)."""
    e, d = eye[:, :dimensions], ray[:, :dimensions]
    a, b, c = (d * d).sum(1), (e * d).sum(1), (e * e).sum(1) - radius ** 2
    root = np.sqrt(b * b - a * c)
    low, high = (-b - root) / a, (-b + root) / a
    missed = ~(b * b - a * c > 0.0)
    low[missed], high[missed] = FAR, -FAR
    normal = np.zeros_like(eye)
    normal[:, :dimensions] = (e + np.where(missed, 0.0, low)[:, None] * d) / radius
    return low, high, normal


def _room(studio, eyes, rays):
    """Floor and walls, seen from inside alone: number, depth, normals."""
    (x0, x1), (y0, y1) = studio.x_m, studio.y_m
    sides = [(0, x1, -1.0), (1, y0, 1.0), (0, x0, 1.0), (1, y1, -1.0), (2, 0.0, 1.0)]
    low, high = np.array([x0, y0, 0.0]), np.array([x1, y1, studio.wall_m])
    for k, (axis, place, sign) in enumerate(sides):
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (place - eyes[:, axis]) / rays[:, axis]
        at = eyes + np.where(np.isfinite(t), t, 0.0)[:, None] * rays
        others = [each for each in range(3) if each != axis]
        within = ((at >= low - 1e-12) & (at <= high + 1e-12))[:, others].all(1)
        if axis == 2:
            within = ((at >= low) & (at <= high))[:, :2].all(1)
        t = np.where(within & (t > 0) & (rays[:, axis] * sign < 0), t, FAR)
        normal = np.zeros_like(rays)
        normal[:, axis] = sign
        yield (FLOOR if axis == 2 else WALL + k), t, normal
