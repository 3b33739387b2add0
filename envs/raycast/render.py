"""One picture: sky, walls, floor with its shadows, then bodies from far to near."""

from __future__ import annotations

import numpy as np

from envs.raycast.compiled import jit
from envs.raycast.faces import NORMAL, ORIGIN, S_AXIS, T_AXIS, paint_face
from envs.raycast.lines import along_edge, rows_of
from envs.raycast.order import painting_order
from envs.raycast.paint import fill_sky
from envs.raycast.rounds import fill_round, local_rays, mark_round
from envs.raycast.shadows import can_shade, reach_of, shadow_volume
from envs.raycast.shapes import (
    BOX,
    CYLINDER,
    FACES,
    NEIGHBOURS,
    RING,
    SPHERE,
    TEXTURE_AXES,
    TEXTURE_SIGNS,
    cylinder_outline,
    faces_eye,
    hull,
    sphere_outline,
)

MAX_LINES = 2 * RING + 4  # of one outline or one shadow
SEAM = 1.0  # pixels that a face reaches under its neighbour, which is painted over it
SKY, FLOOR, WALL, BODY = -1, 0, 1, 5  # identities; walls and bodies count on


@jit
def render(picture, ids, depth, camera, room, shapes, positions, rotations, sizes, surfaces, sky,
           light, texels, levels):
    """Paint a scene; ids and depth only where they are not empty.

    Args:
        picture: [H, W, 3] uint8, filled.
        ids: [H, W] int32: -1 sky, 0 floor, 1 to 4 walls, 5 + k body k; or [0, 0].
        depth: [H, W] float32, metres along the optical axis, infinite in the sky; or [0, 0].
        camera: Of `lines.camera_rays`.
        room: [5, 10, 3] of `room_faces`.
        shapes: [B] of `shapes`.
        positions: [B, 3] m.
        rotations: [B, 3, 3].
        sizes: [B, 3] m.
        surfaces: [2 + B, 5] of floor, walls and bodies, see `paint`.
        sky: [3] float64, 0 to 255.
        light: [5] unit vector towards it, ambient and diffuse strength.
        texels: See `paint.fill_textured`.
        levels: See `paint.fill_textured`.
    """
    count = len(shapes)
    pairs = np.empty((4 * RING, 2), np.int64)
    shadows = _shadows(shapes, positions, rotations, sizes, light, pairs)
    bodies = (positions, rotations, sizes)
    world = (picture, ids, depth, camera, light, texels, levels)
    scratch = (np.empty((RING + count * MAX_LINES, 3)), np.zeros(picture.shape[1], np.float32),
               np.empty(count + 1, np.int64), np.empty((3, 256), np.uint8), np.empty(12),
               np.empty((RING, 3)), np.empty(RING), np.empty((4, 3)))
    fill_sky(picture, ids, depth, sky, SKY)
    for k in range(5):
        _room_face(world, shadows, scratch, room[k], surfaces[int(k < 4)],
                   WALL + k if k < 4 else FLOOR)
    order = np.empty(count, np.int64)
    painting_order(camera, positions, rotations, sizes, count, order)
    for body in order:
        if shapes[body] == BOX:
            _box(world, shadows, scratch, body, bodies, surfaces[2 + body])
        else:
            _round(world, shadows, scratch, body, shapes[body], bodies, surfaces[2 + body], pairs)


@jit
def _shadows(shapes, positions, rotations, sizes, light, pairs):
    """Hulls of all bodies and their shadow volumes, see `shadows.shadows_on`."""
    count = len(shapes)
    points = np.empty((count, 2 * RING, 3))
    corners = np.empty(count, np.int64)
    planes = np.empty((count * MAX_LINES, 4))
    ends = np.zeros(count + 1, np.int64)
    for k in range(count):
        corners[k] = hull(shapes[k], positions[k], rotations[k], sizes[k], points[k])
        ends[k + 1] = shadow_volume(shapes[k], positions[k], rotations[k], sizes[k], light,
                                    points[k], pairs, planes, ends[k])
    return points, corners, planes, ends


def room_faces(x_m: tuple[float, float], y_m: tuple[float, float], height_m: float) -> np.ndarray:
    """Four walls seen from inside, then the floor over their feet, which is painted last.

    Returns:
        [5, 10, 3]: four corners, the frame (normal, the texture's two axes, its origin), and how
        far each edge reaches under its neighbour, in pixels (four numbers in the first two rows).
    """
    (x0, x1), (y0, y1) = x_m, y_m
    feet = np.array([[x1, y1, 0], [x1, y0, 0], [x0, y0, 0], [x0, y1, 0]], float)
    top = np.array([0.0, 0.0, height_m])
    faces = np.zeros((5, 10, 3))
    for k in range(4):
        a, b = feet[k], feet[(k + 1) % 4]
        along = (b - a) / np.linalg.norm(b - a)
        faces[k, :4] = a, b, b + top, a + top
        faces[k, 4:8] = np.cross((0.0, 0.0, 1.0), along) * -1.0, along, (0, 0, -1), a
        faces[k, 8:].flat[:4] = SEAM, SEAM * (k < 3), 0.0, SEAM * (k == 0)
    faces[4, :4] = feet[[2, 1, 0, 3]]
    faces[4, 4:8] = (0, 0, 1), (1, 0, 0), (0, 1, 0), feet[2]
    return faces


@jit
def _room_face(world, shadows, scratch, given, surface, number):
    face, grow, frame = scratch[5], scratch[6], scratch[7]
    for c in range(4):
        grow[c] = given[8 + c // 3, c % 3]
        for j in range(3):
            face[c, j] = given[c, j]
            frame[c, j] = given[4 + c, j]
    paint_face(world, shadows, scratch, np.int64(0), np.int64(4), surface, number, np.int64(-1),
               -1.0)


@jit
def _box(world, shadows, scratch, k, bodies, surface):
    """The faces that look at the eye."""
    positions, rotations, sizes = bodies
    camera, points, face, grow = world[3], shadows[0], scratch[5], scratch[6]
    seen = np.int64(0)
    for f in range(6):
        seen |= int(faces_eye(positions[k], rotations[k], sizes[k], f // 2, f % 2 * 2 - 1, camera)
                    ) << f
    for f in range(6):
        if not seen >> f & 1:
            continue
        for c in range(4):
            other = NEIGHBOURS[f, c]
            grow[c] = SEAM if seen >> other & 1 and other > f else 0.0
            for j in range(3):
                face[c, j] = points[k, FACES[f, c], j]
        _frame(scratch[7], positions[k], rotations[k], f // 2, f % 2 * 2 - 1, TEXTURE_AXES[f],
               TEXTURE_SIGNS[f])
        own = _outline_beyond(camera, points[k], positions[k], seen, f, scratch[0])
        paint_face(world, shadows, scratch, own, np.int64(4), surface, BODY + k, k,
                   reach_of(sizes[k]))


@jit
def _outline_beyond(camera, points, position, seen, face, lines):
    """The box's outline where other faces have it: no face reaches beyond it under a narrow one."""
    n = np.int64(0)
    for f in range(6):
        if f == face or not seen >> f & 1:
            continue
        for c in range(4):
            if not seen >> NEIGHBOURS[f, c] & 1:
                n = along_edge(camera, points[FACES[f, c]], points[FACES[f, (c + 1) % 4]], position,
                               0.0, lines, n)
    return n


@jit
def _frame(frame, position, rotation, axis, sign, axes, signs):
    """The frame of a body's face: normal along an axis, texture to the right and down."""
    for j in range(3):
        frame[NORMAL, j] = sign * rotation[j, axis]
        frame[S_AXIS, j] = signs[0] * rotation[j, axes[0]]
        frame[T_AXIS, j] = signs[1] * rotation[j, axes[1]]
        frame[ORIGIN, j] = position[j]


@jit
def _round(world, shadows, scratch, k, shape, bodies, surface, pairs):
    """A cylinder's side and the cap that is seen, or a sphere."""
    picture, ids, depth, camera, light, texels, levels = world
    points, corners, planes, ends = shadows
    positions, rotations, sizes = bodies
    lines, position, rotation, size = scratch[0], positions[k], rotations[k], sizes[k]
    if shape == SPHERE:
        count = sphere_outline(camera, position, size, lines)
    else:
        count = cylinder_outline(camera, position, rotation, size, points[k], pairs, lines)
    top, bottom = rows_of(camera, points[k], corners[k], picture.shape[0])
    if count == 0 or top >= bottom:
        return
    rays, toward = np.empty(12), np.zeros(3)
    local_rays(camera, position, rotation, rays)
    for axis in range(3):
        for j in range(3):
            toward[axis] += rotation[j, axis] * light[j]
    near = np.empty((len(corners), 2), np.int64)
    casters = _near_shadows(shadows, positions, sizes, k, light, near)
    fill_round(picture, lines, count, top, bottom, shape, position, rotation, size, rays, surface,
               toward, light[3], light[4], texels, levels, planes, near, casters)
    mark_round(ids, depth, lines, count, top, bottom, BODY + k, shape, size, rays)
    if shape == CYLINDER:
        for end in range(2):
            if faces_eye(position, rotation, size, 2, 2 * end - 1, camera):
                _cap(world, shadows, scratch, k, end, position, rotation, size, surface)


@jit
def _cap(world, shadows, scratch, k, end, position, rotation, size, surface):
    """The lower (0) or upper (1) end of a cylinder."""
    points, face, grow = shadows[0], scratch[5], scratch[6]
    for c in range(RING):
        grow[c] = 0.0
        for j in range(3):
            face[c, j] = points[k, end * RING + c, j]
    _frame(scratch[7], position, rotation, 2, 2 * end - 1, TEXTURE_AXES[4 + end],
           TEXTURE_SIGNS[4 + end])
    paint_face(world, shadows, scratch, np.int64(0), np.int64(RING), surface, BODY + k, k,
               reach_of(size))


@jit
def _near_shadows(shadows, positions, sizes, k, light, near):
    """Fill near [<= B, 2] with the ranges of half-spaces whose shadow can fall on body k."""
    ends = shadows[3]
    casters = np.int64(0)
    for other in range(len(ends) - 1):
        if other != k and can_shade(positions[other], reach_of(sizes[other]), positions[k],
                                    reach_of(sizes[k]), light):
            near[casters, 0], near[casters, 1] = ends[other], ends[other + 1]
            casters += 1
    return casters
