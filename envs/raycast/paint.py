"""Filling regions: plain and textured planes, round sides, shadows; identity and depth.

A canvas has `picture [H, W, 3]` uint8, and on request `ids [H, W]` int32 with `depth [H, W]`
float32 (both empty otherwise). A surface is a row of float64: red, green, blue (0 to 255, lit by
one), texture number (-1: none), repetitions per metre.
"""

from __future__ import annotations

import math

import numpy as np

from envs.raycast.compiled import jit
from envs.raycast.lines import coverage, span

LANES = np.uint64(0x00FF00FF00FF00FF)  # bytes spread over 16 bits each: one product lights all
WHOLE = 256  # fixed-point one
HALF = 128  # a texel's centre
FINE = 65536  # parts of a 256th of a texel in which a row counts its steps
FARTHEST = 1e-9  # inverse metres
LEVEL = 1e-9  # relative change of the inverse depth along a row that counts as none


@jit
def blend(picture, v, u, alpha, red, green, blue):
    """Mix a colour into one pixel."""
    picture[v, u, 0] = int(picture[v, u, 0] * (1.0 - alpha) + red * alpha + 0.5)
    picture[v, u, 1] = int(picture[v, u, 1] * (1.0 - alpha) + green * alpha + 0.5)
    picture[v, u, 2] = int(picture[v, u, 2] * (1.0 - alpha) + blue * alpha + 0.5)


@jit
def fill_sky(picture, ids, depth, sky, number):
    """One colour everywhere, infinitely far away."""
    tile = np.empty((picture.shape[1], 3), np.uint8)
    _repeat(tile, sky[0], sky[1], sky[2])
    for v in range(picture.shape[0]):
        _copy(picture[v], tile, 0, picture.shape[1])
    for v in range(ids.shape[0]):
        for u in range(ids.shape[1]):
            ids[v, u] = number
            depth[v, u] = np.inf


@jit
def _repeat(tile, red, green, blue):
    """One colour along a row [W, 3]."""
    r, g, b = np.uint8(red + 0.5), np.uint8(green + 0.5), np.uint8(blue + 0.5)
    for u in range(len(tile)):
        tile[u, 0], tile[u, 1], tile[u, 2] = r, g, b


@jit
def _copy(row, tile, first, last):
    """A piece of a row of one colour, byte by byte, as machines like it."""
    to, of = row.reshape(-1), tile.reshape(-1)
    for k in range(3 * first, 3 * last):
        to[k] = of[k]


@jit
def _columns(lines, count, v, width):
    """A row's columns [low, high) that a region touches, and [inner, outer) of full coverage."""
    low, high = span(lines, 0, count, v, width, -0.5)
    if low == high:
        return low, low, high, high
    inner, outer = span(lines, 0, count, v, width, 0.5)
    if inner == outer:
        return low, high, high, high
    return low, inner, outer, high


@jit
def fill_plain(picture, lines, count, top, bottom, surface, light):
    """One colour everywhere; light: the surface's strength."""
    red, green, blue = (min(255.0, surface[0] * light), min(255.0, surface[1] * light),
                        min(255.0, surface[2] * light))
    width = picture.shape[1]
    tile = np.empty((width, 3), np.uint8)
    _repeat(tile, red, green, blue)
    for v in range(top, bottom):
        low, inner, outer, high = _columns(lines, count, v, width)
        if low == high:
            continue
        for u in range(low, inner):
            blend(picture, v, u, coverage(lines, 0, count, u, v), red, green, blue)
        _copy(picture[v], tile, inner, outer)
        for u in range(outer, high):
            blend(picture, v, u, coverage(lines, 0, count, u, v), red, green, blue)


@jit
def tone(surface, light, table):
    """What each byte of a texture becomes under this light: table [3, 256]."""
    for channel in range(3):
        for value in range(256):
            table[channel, value] = np.uint8(
                min(255.0, value / 255.0 * surface[channel] * light + 0.5))


@jit
def texel(texels, offset, bits, x, y):
    """Bilinear look-up at (x, y) in 256ths of a texel of a square level of 2^bits; lanes."""
    shift = np.uint64(bits)
    mask = (np.uint64(1) << shift) - np.uint64(1)
    fx, fy = np.uint64(x & 255), np.uint64(y & 255)
    x0, y0 = np.uint64(x >> 8), np.uint64(y >> 8)
    x1, y1 = (x0 + np.uint64(1)) & mask, (((y0 + np.uint64(1)) & mask) << shift) + offset
    x0, y0 = x0 & mask, ((y0 & mask) << shift) + offset
    gx, gy = np.uint64(WHOLE) - fx, np.uint64(WHOLE) - fy
    upper = (texels[y0 + x0] * gx + texels[y0 + x1] * fx) >> np.uint64(8) & LANES
    lower = (texels[y1 + x0] * gx + texels[y1 + x1] * fx) >> np.uint64(8) & LANES
    return (upper * gy + lower * fy) >> np.uint64(8) & LANES


@jit
def _toned(value, table):
    """A texel under the light: red, green, blue."""
    return (table[0, value & np.uint64(255)], table[1, value >> np.uint64(16) & np.uint64(255)],
            table[2, value >> np.uint64(32) & np.uint64(255)])


@jit
def level_of(levels, texture, footprint):
    """The level whose texels are about as large as a pixel; footprint in repetitions."""
    finest = levels[texture, 0, 1]
    level = math.log2(max(1e-9, footprint) * (1 << finest)) + 0.25
    return int(min(float(finest), max(0.0, level)))


@jit
def fill_textured(picture, lines, count, top, bottom, table, texture, texels, levels, plane):
    """A texture on a plane.

    Args:
        picture: [H, W, 3] uint8.
        lines: The region, with its count, in rows [top, bottom).
        count: See `lines`.
        top: See `lines`.
        bottom: See `lines`.
        table: Tones [3, 256] uint8 of the lit surface.
        texture: Its number.
        texels: All textures' levels one behind the other [N] uint64.
        levels: Their [offset, bits] [T, L, 2].
        plane: [12] linear functions of 1, u, v: inverse depth, then the texture's two
            coordinates over depth, each of three; then the coordinates below the eye and 0.
    """
    width = picture.shape[1]
    for v in range(top, bottom):
        low, inner, outer, high = _columns(lines, count, v, width)
        if low == high:
            continue
        level = level_of(levels, texture, footprint(plane, 0.5 * (low + high), v))
        offset, bits = np.uint64(levels[texture, level, 0]), levels[texture, level, 1]
        scale = float(WHOLE << bits)
        if abs(plane[1]) * width < LEVEL * abs(plane[0] + plane[2] * v):
            _fill_level(picture[v], inner, outer, v, table, texels, offset, bits, scale, plane)
        else:
            for u in range(inner, outer):
                x, y = _place(plane, u, v, scale)
                value = texel(texels, offset, bits, x, y)
                picture[v, u, 0], picture[v, u, 1], picture[v, u, 2] = _toned(value, table)
        for u in range(low, inner):
            _blend_texel(picture, lines, count, u, v, table, texels, offset, bits, scale, plane)
        for u in range(outer, high):
            _blend_texel(picture, lines, count, u, v, table, texels, offset, bits, scale, plane)


@jit
def _place(plane, u, v, scale):
    """Texture coordinates of pixel (u, v) in 256ths of a texel."""
    depth = scale / (plane[0] + plane[1] * u + plane[2] * v)
    return (int(math.floor((plane[3] + plane[4] * u + plane[5] * v) * depth + plane[9] * scale))
            - HALF,
            int(math.floor((plane[6] + plane[7] * u + plane[8] * v) * depth + plane[10] * scale))
            - HALF)


@jit
def _blend_texel(picture, lines, count, u, v, table, texels, offset, bits, scale, plane):
    """A pixel on the edge of a textured plane."""
    x, y = _place(plane, u, v, scale)
    red, green, blue = _toned(texel(texels, offset, bits, x, y), table)
    blend(picture, v, u, coverage(lines, 0, count, u, v), red, green, blue)


@jit
def _fill_level(row, inner, outer, v, table, texels, offset, bits, scale, plane):
    """A row on which the depth is constant, as the floor's are: coordinates grow by equal steps."""
    depth = scale / (plane[0] + plane[2] * v) * FINE
    x = int(math.floor((plane[3] + plane[5] * v) * depth + plane[9] * scale * FINE)) - HALF * FINE
    y = int(math.floor((plane[6] + plane[8] * v) * depth + plane[10] * scale * FINE)) - HALF * FINE
    dx, dy = int(math.floor(plane[4] * depth + 0.5)), int(math.floor(plane[7] * depth + 0.5))
    x, y = x + dx * inner, y + dy * inner
    for u in range(inner, outer):
        value = texel(texels, offset, bits, x >> 16, y >> 16)
        row[u, 0], row[u, 1], row[u, 2] = _toned(value, table)
        x += dx
        y += dy


@jit
def footprint(plane, u, v):
    """Repetitions of the texture under one pixel: the mean of its width and its length."""
    i = plane[0] + plane[1] * u + plane[2] * v
    s = (plane[3] + plane[4] * u + plane[5] * v) / i
    t = (plane[6] + plane[7] * u + plane[8] * v) / i
    su, tu = (plane[4] - s * plane[1]) / i, (plane[7] - t * plane[1]) / i
    sv, tv = (plane[5] - s * plane[2]) / i, (plane[8] - t * plane[2]) / i
    return math.sqrt(math.sqrt((su * su + tu * tu) * (sv * sv + tv * tv)))


@jit
def darken(picture, lines, starts, casters, own, top, bottom, share, shade):
    """Take the direct light from where any of several shadows falls.

    Args:
        picture: [H, W, 3] uint8.
        lines: Of all shadows, behind those of the face itself.
        starts: [casters + 1] where each shadow's lines begin.
        casters: How many shadows.
        own: How many lines the face itself has; they stand first.
        top: First row.
        bottom: Row after the last.
        share: What is left of the light inside a shadow.
        shade: [W] float32 zeros; zeros again afterwards.
    """
    width = picture.shape[1]
    for v in range(top, bottom):
        first, last = width, 0
        face_low, face_high = span(lines, 0, own, v, width, -0.5)
        if face_low == face_high:
            continue
        for k in range(casters):
            low, high = span(lines, starts[k], starts[k + 1], v, width, -0.5)
            low, high = max(low, face_low), min(high, face_high)
            if low >= high:
                continue
            first, last = min(first, low), max(last, high)
            inner, outer = span(lines, starts[k], starts[k + 1], v, width, 0.5)
            for u in range(low, high):
                shadow = 1.0
                if not inner <= u < outer:
                    shadow = coverage(lines, starts[k], starts[k + 1], u, v)
                shade[u] = max(shade[u], np.float32(shadow))
        for u in range(first, last):
            if shade[u] > 0.0:
                part = shade[u] * coverage(lines, 0, own, u, v)
                left = int(WHOLE * (1.0 - part * (1.0 - share)) + 0.5)
                picture[v, u, 0] = picture[v, u, 0] * left >> 8
                picture[v, u, 1] = picture[v, u, 1] * left >> 8
                picture[v, u, 2] = picture[v, u, 2] * left >> 8
                shade[u] = 0.0


@jit
def mark_plane(ids, depth, lines, count, top, bottom, number, plane):
    """Write who is seen at the pixels' centres, and how far away along the optical axis."""
    width = ids.shape[1]
    if not width:
        return
    for v in range(top, bottom):
        low, high = span(lines, 0, count, v, width, 0.0)
        for u in range(low, high):
            inverse = plane[0] + plane[1] * u + plane[2] * v
            if inverse > FARTHEST:  # a seam may reach beyond the plane's own horizon
                ids[v, u] = number
                depth[v, u] = 1.0 / inverse
