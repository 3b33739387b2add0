"""Which of several bodies is painted first: the farther one, by a plane that separates them."""

from __future__ import annotations

from envs.raycast.compiled import jit

SLACK_M = 1e-4  # bodies that touch overlap by rounding


@jit
def painting_order(camera, positions, rotations, sizes, count, order):
    """Fill order [count] so that whatever can hide another body comes after it."""
    placed = 0
    used = 0
    while placed < count:
        best, farthest = -1, -1.0
        for a in range(count):
            if used >> a & 1:
                continue
            blocked = False
            for b in range(count):
                if b != a and not used >> b & 1 and not blocked:
                    blocked = _hides(camera, positions, rotations, sizes, a, b)
            away = _distance(camera, positions[a]) - 1e6 * blocked
            if best < 0 or away > farthest:
                best, farthest = a, away
        order[placed] = best
        used |= 1 << best
        placed += 1


@jit
def _hides(camera, positions, rotations, sizes, a, b):
    """Whether body a can hide body b: the eye and a lie on one side of a plane, b on the other."""
    verdict = _split(camera, positions, rotations, sizes, a, b)
    if verdict != 0:
        return verdict < 0  # a is nearer
    verdict = _split(camera, positions, rotations, sizes, b, a)
    if verdict != 0:
        return verdict > 0
    return _distance(camera, positions[a]) < _distance(camera, positions[b])


@jit
def _split(camera, positions, rotations, sizes, a, b):
    """1 if a plane of a's faces shows b nearer than a, -1 if farther, 0 if no face separates."""
    found = 0
    for axis in range(3):
        between = eye = reach = 0.0
        for k in range(3):
            n = rotations[a, k, axis]
            between += n * (positions[b, k] - positions[a, k])
            eye += n * (camera[k] - positions[a, k])
            reach += 0.0
        for other in range(3):
            along = 0.0
            for k in range(3):
                along += rotations[a, k, axis] * rotations[b, k, other]
            reach += abs(along) * 0.5 * sizes[b, other]
        half = 0.5 * sizes[a, axis]
        if abs(between) - reach < half - SLACK_M:
            continue
        sign = 1.0 if between > 0.0 else -1.0
        if sign * eye > half:  # the eye is on b's side: b is nearer
            return 1
        found = -1
    return found


@jit
def _distance(camera, position):
    total = 0.0
    for k in range(3):
        total += (position[k] - camera[k]) ** 2
    return total
