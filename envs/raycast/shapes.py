"""Boxes, cylinders and spheres as faces, outlines and shadow volumes.

Poses: `position [3]` m and `rotation [3, 3]` body to world, `size [3]` m: a box's edges; a
cylinder's diameter twice and its height along its own z; a sphere's diameter.
"""

from __future__ import annotations

import math

import numpy as np

from envs.raycast.compiled import jit
from envs.raycast.lines import along_edge, through_eye

BOX, CYLINDER, SPHERE = 0, 1, 2
RING = 32  # corners of a cylinder's rim, tangents of a sphere
CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
FACES = np.array([[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4],
                  [1, 3, 7, 5]])  # corners of each face in turn
NEIGHBOURS = np.array([[int(np.flatnonzero([f != g and {a, b} <= set(other)
                                            for g, other in enumerate(FACES.tolist())])[0])
                        for a, b in zip(face, face[1:] + face[:1])]
                       for f, face in enumerate(FACES.tolist())])  # beyond each edge of each face
TEXTURE_AXES = np.array([[1, 2], [1, 2], [0, 2], [0, 2], [0, 1], [0, 1]])  # of each face
TEXTURE_SIGNS = np.array([[-1, -1], [1, -1], [1, -1], [-1, -1], [-1, -1], [1, -1]])  # right, down
ANGLES = 2 * np.pi * np.arange(RING) / RING
COS, SIN = np.cos(ANGLES), np.sin(ANGLES)


@jit
def to_world(position, rotation, x, y, z, out):
    """A point of the body's frame in the world."""
    for k in range(3):
        out[k] = position[k] + rotation[k, 0] * x + rotation[k, 1] * y + rotation[k, 2] * z


@jit
def hull(shape, position, rotation, size, points):
    """Corners whose hull holds the body; writes points [<= 2 RING, 3] and returns how many.

    A box's own, a cylinder's two rims (the lower one first), the cube round a sphere.
    """
    if shape != CYLINDER:
        for k in range(8):
            to_world(position, rotation, CORNERS[k, 0] * size[0], CORNERS[k, 1] * size[1],
                     CORNERS[k, 2] * size[2], points[k])
        return 8
    for k in range(RING):
        x, y, z = 0.5 * size[0] * COS[k], 0.5 * size[0] * SIN[k], 0.5 * size[2]
        to_world(position, rotation, x, y, -z, points[k])
        to_world(position, rotation, x, y, z, points[RING + k])
    return 2 * RING


@jit
def faces_eye(position, rotation, size, axis, sign, eye):
    """Whether the eye lies in front of the plane at one end of the body's axis."""
    ahead = 0.0
    for k in range(3):
        ahead += rotation[k, axis] * (eye[k] - position[k])
    return sign * ahead > 0.5 * size[axis]


@jit
def ring_outline(position, rotation, size, x, y, z, bottom, top, edges):
    """The outline of a cylinder for one who looks from (x, y, z) in its own frame.

    Args:
        position: Its centre in the world, with its rotation and size.
        rotation: As above.
        size: As above.
        x: Of the direction or the place looked from; `bottom` and `top` say which cap it sees.
        y: As x.
        z: Radius that the place must lie beyond for a side to be seen; 0 for a direction.
        bottom: Whether the lower cap is seen.
        top: Whether the upper cap is seen.
        edges: Filled with pairs of indices into the points of `hull`.

    Returns:
        How many edges.
    """
    n = np.int64(0)
    half = math.cos(math.pi / RING)
    for k in range(RING):
        after = (k + 1) % RING
        middle = math.pi * (2 * k + 1) / RING
        seen = math.cos(middle) * x + math.sin(middle) * y > z * half
        middle += 2 * math.pi / RING
        next_seen = math.cos(middle) * x + math.sin(middle) * y > z * half
        if seen != next_seen:
            edges[n, 0], edges[n, 1] = after, RING + after
            n += 1
        if seen != bottom:
            edges[n, 0], edges[n, 1] = k, after
            n += 1
        if seen != top:
            edges[n, 0], edges[n, 1] = RING + k, RING + after
            n += 1
    return n


@jit
def cylinder_outline(camera, position, rotation, size, points, edges, lines):
    """Lines [<= 2 RING + 2, 3] of a cylinder's outline in the picture; returns how many."""
    eye = camera[:3]
    x = y = 0.0
    for k in range(3):
        x += rotation[k, 0] * (eye[k] - position[k])
        y += rotation[k, 1] * (eye[k] - position[k])
    bottom = faces_eye(position, rotation, size, 2, -1.0, eye)
    top = faces_eye(position, rotation, size, 2, 1.0, eye)
    count = ring_outline(position, rotation, size, x, y, 0.5 * size[0], bottom, top, edges)
    n = np.int64(0)
    for k in range(count):
        n = along_edge(camera, points[edges[k, 0]], points[edges[k, 1]], position, 0.0, lines, n)
    return n


@jit
def sphere_outline(camera, position, size, lines):
    """Lines [<= RING, 3] that touch a sphere's outline; none where the eye is inside it."""
    ax, ay, az = (position[0] - camera[0], position[1] - camera[1], position[2] - camera[2])
    distance = math.sqrt(ax * ax + ay * ay + az * az)
    sin = 0.5 * size[0] / distance
    if sin >= 1.0:
        return 0
    cos = math.sqrt(1.0 - sin * sin)
    ax, ay, az = ax / distance, ay / distance, az / distance
    bx, by, bz, cx, cy, cz = across(ax, ay, az)
    n = np.int64(0)
    for k in range(RING):
        wx, wy, wz = COS[k] * bx + SIN[k] * cx, COS[k] * by + SIN[k] * cy, COS[k] * bz + SIN[k] * cz
        n = through_eye(camera, sin * ax - cos * wx, sin * ay - cos * wy, sin * az - cos * wz,
                        0.0, lines, n)
    return n


@jit
def across(x, y, z):
    """Two unit vectors perpendicular to a unit vector and to each other."""
    if abs(z) < 0.9:
        bx, by, bz = -y, x, 0.0
    else:
        bx, by, bz = 0.0, -z, y
    norm = math.sqrt(bx * bx + by * by + bz * bz)
    bx, by, bz = bx / norm, by / norm, bz / norm
    return bx, by, bz, y * bz - z * by, z * bx - x * bz, x * by - y * bx
