"""The round sides of cylinders and spheres: one quadratic a pixel, shaded by the true normal."""

from __future__ import annotations

import math

import numpy as np

from envs.raycast.compiled import jit
from envs.raycast.lines import coverage, span
from envs.raycast.paint import WHOLE, blend, texel
from envs.raycast.shapes import SPHERE

SOFT_M = 0.002  # half width of a shadow's edge on a round side


@jit
def local_rays(camera, position, rotation, rays):
    """The camera in the body's frame: rays [12], eye, ray of pixel (0, 0), steps."""
    for part in range(4):
        for k in range(3):
            total = 0.0
            for j in range(3):
                value = camera[3 * part + j]
                if part == 0:
                    value -= position[j]
                total += rotation[j, k] * value
            rays[3 * part + k] = total


@jit
def hit(shape, size, rays, u, v):
    """Depth and place (x, y, z) on the side, in the body's frame; beyond the outline, beside it."""
    x = rays[3] + rays[6] * u + rays[9] * v
    y = rays[4] + rays[7] * u + rays[10] * v
    z = rays[5] + rays[8] * u + rays[11] * v
    round_z = z if shape == SPHERE else 0.0
    eye_z = rays[2] if shape == SPHERE else 0.0
    a = x * x + y * y + round_z * round_z
    b = rays[0] * x + rays[1] * y + eye_z * round_z
    c = rays[0] ** 2 + rays[1] ** 2 + eye_z ** 2 - 0.25 * size[0] ** 2
    depth = (-b - math.sqrt(max(0.0, b * b - a * c))) / a
    return depth, rays[0] + depth * x, rays[1] + depth * y, rays[2] + depth * z


@jit
def fill_round(picture, lines, count, top, bottom, shape, position, rotation, size, rays, surface,
               light, ambient, diffuse, texels, levels, planes, near, casters):
    """Paint the side.

    Args:
        picture: [H, W, 3] uint8.
        lines: The outline, with its count, in rows [top, bottom).
        count: See `lines`.
        top: See `lines`.
        bottom: See `lines`.
        shape: CYLINDER or SPHERE, with position, rotation and size.
        position: See `shape`.
        rotation: See `shape`.
        size: See `shape`.
        rays: Of `local_rays`.
        surface: See the module.
        light: [3] unit vector towards it, in the body's frame.
        ambient: Strength from everywhere.
        diffuse: Strength from the light.
        texels: As in `fill_textured`.
        levels: As in `fill_textured`.
        planes: Half-spaces in the dark, of several shadows.
        near: [casters, 2] where each shadow's half-spaces begin and end.
        casters: How many shadows fall near.
    """
    for v in range(top, bottom):
        low, high = span(lines, 0, count, v, picture.shape[1], -0.5)
        for u in range(low, high):
            _, x, y, z = hit(shape, size, rays, u, v)
            strength = ambient
            across_z = z if shape == SPHERE else 0.0
            facing = ((x * light[0] + y * light[1] + across_z * light[2])
                      / math.sqrt(x * x + y * y + across_z * across_z))
            if facing > 0.0:
                strength += diffuse * facing * (
                    1.0 - _shadow(position, rotation, x, y, z, planes, near, casters))
            red, green, blue = _skin(surface, texels, levels, x, y, z, 0.5 * size[0])
            blend(picture, v, u, coverage(lines, 0, count, u, v), min(255.0, red * strength),
                  min(255.0, green * strength), min(255.0, blue * strength))


@jit
def _skin(surface, texels, levels, x, y, z, radius):
    """The colour at a place of a round side, in full light."""
    texture = int(surface[3])
    if texture < 0:
        return surface[0], surface[1], surface[2]
    bits = levels[texture, 1, 1]
    scale = surface[4] * (WHOLE << bits)
    value = texel(texels, np.uint64(levels[texture, 1, 0]), bits,
                  int(math.atan2(y, x) * radius * scale), int(-z * scale))
    return (surface[0] * float(value & np.uint64(255)) / 255.0,
            surface[1] * float(value >> np.uint64(16) & np.uint64(255)) / 255.0,
            surface[2] * float(value >> np.uint64(32) & np.uint64(255)) / 255.0)


@jit
def _shadow(position, rotation, x, y, z, planes, near, casters):
    """How much of the light is kept from a point of the body's frame, 0 to 1."""
    most = 0.0
    for k in range(casters):
        inside = 1.0
        for j in range(near[k, 0], near[k, 1]):
            reach = planes[j, 3]
            for i in range(3):
                reach -= planes[j, i] * (position[i] + rotation[i, 0] * x + rotation[i, 1] * y
                                         + rotation[i, 2] * z)
            inside = min(inside, 0.5 + 0.5 * reach / SOFT_M)
            if inside <= 0.0:
                break
        most = max(most, inside)
    return most


@jit
def mark_round(ids, depth, lines, count, top, bottom, number, shape, size, rays):
    """As `paint.mark_plane`, for a round side."""
    width = ids.shape[1]
    if not width:
        return
    for v in range(top, bottom):
        low, high = span(lines, 0, count, v, width, 0.0)
        for u in range(low, high):
            away = hit(shape, size, rays, u, v)[0]
            if 0.0 < away < np.inf:
                ids[v, u] = number
                depth[v, u] = away
