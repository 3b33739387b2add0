"""One flat face: its outline, its skin and the shadows on it."""

from __future__ import annotations

from envs.raycast.compiled import jit
from envs.raycast.lines import along_edge, rows_of
from envs.raycast.paint import darken, fill_plain, fill_textured, mark_plane, tone
from envs.raycast.shadows import shadows_on

NORMAL, S_AXIS, T_AXIS, ORIGIN = 0, 1, 2, 3  # rows of a face's frame


@jit
def paint_face(world, shadows, scratch, own, corners, surface, number, owner, reach):
    """Paint one convex flat face, that of `scratch`, with the shadows on it.

    Args:
        world: Picture, ids, depth, camera, light, texels, levels.
        shadows: Hulls of all bodies and their shadow volumes.
        scratch: Lines, a row's shade, starts, tones, plane; the face's corners, how far each edge
            reaches under its neighbour, and its frame.
        own: How many lines there are already, which the face must not leave.
        corners: How many.
        surface: See `paint`.
        number: Identity.
        owner: The body it belongs to, or -1.
        reach: The radius of that body; negative for the room, on which any shadow can fall.
    """
    camera, light = world[3], world[4]
    lines, starts, plane, face, grow, frame = (scratch[0], scratch[2], scratch[4], scratch[5],
                                               scratch[6], scratch[7])
    ahead = facing = 0.0
    middle = (0.0, 0.0, 0.0)
    for j in range(3):
        ahead += frame[NORMAL, j] * (face[0, j] - camera[j])
        facing += frame[NORMAL, j] * light[j]
    top, bottom = rows_of(camera, face, corners, world[0].shape[0])
    if ahead >= -1e-9 or top >= bottom:
        return
    for c in range(corners):
        middle = (middle[0] + face[c, 0] / corners, middle[1] + face[c, 1] / corners,
                  middle[2] + face[c, 2] / corners)
    for c in range(corners):
        own = along_edge(camera, face[c], face[(c + 1) % corners], middle, grow[c], lines, own)
    _plane(camera, frame, ahead, surface[4], plane)
    _skin(world, scratch, own, top, bottom, surface, max(0.0, facing), number)
    if facing > 0.0 and light[4] > 0.0:
        starts[0] = own
        casters, top, bottom = shadows_on(shadows, camera, light, frame[NORMAL], facing, middle,
                                          reach, owner, plane, lines, starts, top, bottom)
        darken(world[0], lines, starts, casters, own, top, bottom,
               light[3] / (light[3] + light[4] * facing), scratch[1])


@jit
def _skin(world, scratch, own, top, bottom, surface, facing, number):
    """Colour or texture of a face in full light, and its identity and depth."""
    picture, ids, depth, camera, light, texels, levels = world
    lines, table, plane = scratch[0], scratch[3], scratch[4]
    strength, texture = light[3] + light[4] * facing, int(surface[3])
    if texture < 0:
        fill_plain(picture, lines, own, top, bottom, surface, strength)
    else:
        tone(surface, strength, table)
        fill_textured(picture, lines, own, top, bottom, table, texture, texels, levels, plane)
    mark_plane(ids, depth, lines, own, top, bottom, number, plane)


@jit
def _plane(camera, frame, ahead, density, plane):
    """The linear functions of `paint.fill_textured`: inverse depth and texture coordinates."""
    for part in range(12):
        plane[part] = 0.0
    for j in range(3):
        for part in range(3):
            ray = camera[3 + 3 * part + j]
            plane[part] += frame[NORMAL, j] * ray / ahead
            plane[3 + part] += frame[S_AXIS, j] * ray * density
            plane[6 + part] += frame[T_AXIS, j] * ray * density
        below = (camera[j] - frame[ORIGIN, j]) * density
        plane[9] += frame[S_AXIS, j] * below
        plane[10] += frame[T_AXIS, j] * below
