"""Shadows: the half-spaces behind a body, and the lines in which they end on a plane."""

from __future__ import annotations

import math

import numpy as np

from envs.raycast.compiled import jit
from envs.raycast.lines import NOWHERE, rows_of
from envs.raycast.shapes import (
    COS,
    CYLINDER,
    FACES,
    NEIGHBOURS,
    RING,
    SIN,
    SPHERE,
    across,
    ring_outline,
)


@jit
def shadow_volume(shape, position, rotation, size, light, points, edges, planes, first):
    """Half-spaces of all points that the body keeps from the light.

    `p[0] x + p[1] y + p[2] z <= p[3]` inside. Light: unit vector towards it. Writes planes [., 4]
    from `first` on and returns where they end.
    """
    n = first
    if shape == SPHERE:
        bx, by, bz, cx, cy, cz = across(light[0], light[1], light[2])
        for k in range(RING):
            n = _space(position, COS[k] * bx + SIN[k] * cx, COS[k] * by + SIN[k] * cy,
                       COS[k] * bz + SIN[k] * cz, 0.5 * size[0], planes, n)
        return _space(position, light[0], light[1], light[2], 0.0, planes, n)
    local = np.empty(3)
    for axis in range(3):
        local[axis] = (rotation[0, axis] * light[0] + rotation[1, axis] * light[1]
                       + rotation[2, axis] * light[2])
    if shape == CYLINDER:
        count = ring_outline(position, rotation, size, local[0], local[1], 0.0, local[2] < 0.0,
                              local[2] > 0.0, edges)
        n = _space(position, light[0], light[1], light[2], 0.0, planes, n)
    else:
        count = _box_outline(local, edges)
        for axis in range(3):
            sign = 1.0 if local[axis] > 0.0 else -1.0
            n = _space(position, sign * rotation[0, axis], sign * rotation[1, axis],
                       sign * rotation[2, axis], 0.5 * size[axis], planes, n)
    for k in range(count):
        n = _side(points[edges[k, 0]], points[edges[k, 1]], light, position, planes, n)
    return n


@jit
def _box_outline(local, edges):
    """The edges between faces that look towards a direction and faces that do not."""
    n = np.int64(0)
    for face in range(6):
        if local[face // 2] * (2 * (face % 2) - 1) <= 0.0:
            continue
        for k in range(4):
            other = NEIGHBOURS[face, k]
            if local[other // 2] * (2 * (other % 2) - 1) <= 0.0:
                edges[n, 0], edges[n, 1] = FACES[face, k], FACES[face, (k + 1) % 4]
                n += 1
    return n


@jit
def _space(position, x, y, z, reach, planes, n):
    """The half-space that ends `reach` beyond a point in a unit direction."""
    planes[n, 0], planes[n, 1], planes[n, 2] = x, y, z
    planes[n, 3] = reach + x * position[0] + y * position[1] + z * position[2]
    return n + 1


@jit
def _side(a, b, light, inside, planes, n):
    """The plane of an edge and the light's direction, with the point `inside` on its inner side."""
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    mx, my, mz = (y * light[2] - z * light[1], z * light[0] - x * light[2],
                  x * light[1] - y * light[0])
    norm = math.sqrt(mx * mx + my * my + mz * mz)
    if norm < 1e-9:
        return n
    if mx * (inside[0] - a[0]) + my * (inside[1] - a[1]) + mz * (inside[2] - a[2]) > 0.0:
        norm = -norm
    return _space(a, mx / norm, my / norm, mz / norm, 0.0, planes, n)


@jit
def reach_of(size):
    """The radius of the ball round a body's centre that holds it."""
    return 0.5 * math.sqrt(size[0] ** 2 + size[1] ** 2 + size[2] ** 2)


@jit
def can_shade(position, radius, target, reach, light):
    """Whether the shadow of a ball can meet a ball of radius `reach` round `target`."""
    along = away = 0.0
    for j in range(3):
        step = position[j] - target[j]
        along += step * light[j]
        away += step * step
    return along > -radius - reach and away - along * along < (radius + reach) ** 2


@jit
def shadows_on(shadows, camera, light, normal, facing, middle, reach, owner, plane, lines, starts,
               top, bottom):
    """Lines of all shadows on a plane, behind those that `lines` holds.

    Args:
        shadows: Hulls [B, 2 RING, 3], how many corners each has [B], half-spaces [., 4] and where
            each body's begin [B + 1].
        camera: Of `lines.camera_rays`.
        light: [5], see `render`.
        normal: [3] of the plane; `facing` is its product with the light, `middle` a point of it.
        facing: See `normal`.
        middle: See `normal`.
        reach: The radius of its body; negative: any shadow can fall on it.
        owner: That body, which casts no shadow on itself.
        plane: See `paint.fill_textured`.
        lines: Filled from starts[0] on.
        starts: [B + 1], filled.
        top: First row of the face; `bottom` is the row after its last.
        bottom: See `top`.

    Returns:
        How many shadows, their first row and the row after their last.
    """
    points, corners, planes, ends = shadows
    casters, first, last, fallen = np.int64(0), bottom, top, np.empty((2 * RING, 3))
    for k in range(len(corners)):
        if k == owner or not _can_shade_face(points[k], corners[k], middle, reach, light):
            continue
        ahead = _let_fall(points[k], corners[k], normal, middle, light, facing, fallen)
        high, low = rows_of(camera, fallen, corners[k], bottom)
        if max(high, top) >= low or not ahead:
            continue
        n = starts[casters]
        for p in range(ends[k], ends[k + 1]):
            n = _shadow_line(camera, planes[p], plane, lines, n)
        casters += 1
        starts[casters] = n
        first, last = min(first, max(high, top)), max(last, low)
    return casters, first, last


@jit
def _let_fall(points, count, normal, middle, light, facing, fallen):
    """Where a hull's shadow falls on a plane, fallen [., 3]; whether any of it is before it."""
    ahead = False
    for c in range(count):
        height = 0.0
        for j in range(3):
            height += normal[j] * (points[c, j] - middle[j])
        ahead |= height > 1e-6
        for j in range(3):
            fallen[c, j] = points[c, j] - light[j] * max(0.0, height) / facing
    return ahead


@jit
def _can_shade_face(points, count, middle, reach, light):
    """As `can_shade`, by the corners of the body's hull: the first and the last are opposite."""
    if reach < 0.0:
        return True
    x, y, z = (0.5 * (points[0, 0] + points[count - 1, 0]),
               0.5 * (points[0, 1] + points[count - 1, 1]),
               0.5 * (points[0, 2] + points[count - 1, 2]))
    radius = math.sqrt((points[0, 0] - x) ** 2 + (points[0, 1] - y) ** 2
                       + (points[0, 2] - z) ** 2)
    return can_shade((x, y, z), radius, middle, reach, light)


@jit
def _shadow_line(camera, space, plane, lines, n):
    """Where the boundary of a half-space meets a plane: a line of the picture."""
    beyond = space[3]
    for j in range(3):
        beyond -= space[j] * camera[j]
    for part in range(3):
        value = beyond * plane[part]
        for j in range(3):
            value -= space[j] * camera[3 + 3 * part + j]
        lines[n, part] = value
    norm = math.sqrt(lines[n, 1] ** 2 + lines[n, 2] ** 2)
    if norm < 1e-12:
        if lines[n, 0] >= 0.0:
            return n
        lines[n, 0], norm = NOWHERE, 1.0
    for part in range(3):
        lines[n, part] /= norm
    return n + 1
