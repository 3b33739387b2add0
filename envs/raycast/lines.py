"""Lines in the picture: signed distances in pixels, spans of a row, coverage.

A region is the intersection of half-planes, `lines [K, 3]`: `l[0] + l[1] u + l[2] v` is the
distance of the centre of pixel (u, v) to the line in pixels, positive inside.
"""

from __future__ import annotations

import math

import numpy as np

from envs.raycast.compiled import jit

FLAT = 1e-9  # a gradient this small: the line is parallel to the row
NOWHERE = -1e9  # a distance that no pixel overcomes
NEAR = 1e-3  # m in front of the eye; what is nearer has no place in the picture




@jit
def through_eye(camera, mx, my, mz, grow, lines, k):
    """The line in which the plane through the eye with normal m (inside positive) is seen.

    Writes line k, moved outwards by `grow` pixels, and returns how many lines there are then.
    """
    a0 = mx * camera[3] + my * camera[4] + mz * camera[5]
    a1 = mx * camera[6] + my * camera[7] + mz * camera[8]
    a2 = mx * camera[9] + my * camera[10] + mz * camera[11]
    norm = math.sqrt(a1 * a1 + a2 * a2)
    if norm < 1e-12 * abs(a0) or norm == 0.0:  # seen edge on from far away: all or nothing
        if a0 >= 0.0:
            return k
        lines[k, 0], lines[k, 1], lines[k, 2] = NOWHERE, 0.0, 0.0
        return k + 1
    lines[k, 0] = a0 / norm + grow
    lines[k, 1] = a1 / norm
    lines[k, 2] = a2 / norm
    return k + 1


@jit
def along_edge(camera, a, b, inside, grow, lines, k):
    """The line of the edge a-b; the point `inside` lies on its positive side; as `through_eye`."""
    ax, ay, az = a[0] - camera[0], a[1] - camera[1], a[2] - camera[2]
    bx, by, bz = b[0] - camera[0], b[1] - camera[1], b[2] - camera[2]
    mx, my, mz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    side = (mx * (inside[0] - camera[0]) + my * (inside[1] - camera[1])
            + mz * (inside[2] - camera[2]))
    if side < 0.0:
        mx, my, mz = -mx, -my, -mz
    return through_eye(camera, mx, my, mz, grow, lines, k)


@jit
def span(lines, first, last, v, width, margin):
    """Columns [low, high) of row v in which every distance is at least `margin`."""
    low, high = 0.0, float(width)
    for k in range(first, last):
        c = lines[k, 0] + lines[k, 2] * v - margin
        slope = lines[k, 1]
        if slope > FLAT:
            u = -c / slope
            if u > low:
                low = u
        elif slope < -FLAT:
            u = -c / slope
            if u < high - 1.0:
                high = math.floor(u) + 1.0
        elif c < 0.0:
            return 0, 0
    if low >= high:
        return 0, 0
    return int(math.ceil(low)), int(high)


@jit
def coverage(lines, first, last, u, v):
    """The share of pixel (u, v) inside the region, 0 to 1.

    Exact for one straight edge and for two parallel ones, near it in a corner: beside the nearest
    line, that one counts which takes most, by how much it runs against it.
    """
    least, nearest = 0.5, first
    for k in range(first, last):
        distance = lines[k, 0] + lines[k, 1] * u + lines[k, 2] * v
        if distance < least:
            least, nearest = distance, k
    if least <= -0.5 or least == 0.5:
        return 0.5 + max(-0.5, least)
    taken = 0.0
    for k in range(first, last):
        against = 0.5 - 0.5 * (lines[k, 1] * lines[nearest, 1] + lines[k, 2] * lines[nearest, 2])
        distance = lines[k, 0] + lines[k, 1] * u + lines[k, 2] * v
        taken = max(taken, against * (0.5 - distance))
    return max(0.0, 0.5 + least - taken)


@jit
def rows_of(camera, points, count, height):
    """Rows [top, bottom) that points [count, 3] and all between them can cover."""
    scale = camera[9] ** 2 + camera[10] ** 2 + camera[11] ** 2
    shift = camera[3] * camera[9] + camera[4] * camera[10] + camera[5] * camera[11]
    top, bottom, behind = 1e9, -1e9, 0
    for k in range(count):
        x, y, z = points[k, 0] - camera[0], points[k, 1] - camera[1], points[k, 2] - camera[2]
        depth = x * camera[12] + y * camera[13] + z * camera[14]
        if depth < NEAR:
            behind += 1
            continue
        v = ((x * camera[9] + y * camera[10] + z * camera[11]) / depth - shift) / scale
        top, bottom = min(top, v), max(bottom, v)
    if behind == count:
        return 0, 0
    if behind:
        return 0, height
    return int(max(0.0, math.floor(top))), int(min(float(height), math.ceil(bottom) + 1.0))


def camera_rays(eye: np.ndarray, forward: np.ndarray, right: np.ndarray, down: np.ndarray,
                size: tuple[int, int], tangents: tuple[float, float]) -> np.ndarray:
    """The camera as the kernels read it, [15]: eye, ray of pixel (0, 0), its steps, forward.

    Args:
        eye: Its place in the world, m.
        forward: Unit vector; a ray's length along it is 1, so that `t` is depth in metres.
        right: Unit vector of growing columns.
        down: Unit vector of growing rows.
        size: Height and width in pixels.
        tangents: Of half the field of view, vertical and horizontal.
    """
    height, width = size
    du = right * (2.0 * tangents[1] / width)
    dv = down * (2.0 * tangents[0] / height)
    first = forward - right * tangents[1] - down * tangents[0] + 0.5 * (du + dv)
    return np.concatenate([eye, first, du, dv, forward]).astype(np.float64)
