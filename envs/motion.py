"""The ideal base, as arithmetic: how it moves where nothing can be touched. Needs only math."""

from __future__ import annotations

import math

from envs.interface import SUBSTEPS_PER_TICK, TICK_S

SUBSTEP_S = TICK_S / SUBSTEPS_PER_TICK
Triple = tuple[float, float, float]


def world_velocity(velocity: Triple, yaw_rad: float) -> Triple:
    """A body-frame velocity (vx m/s, vy m/s, wz rad/s) in the world frame."""
    vx, vy, wz = velocity
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    return (cos * vx - sin * vy, sin * vx + cos * vy, wz)


def glide(pose: Triple, velocity: Triple) -> tuple[Triple, Triple]:
    """One tick at a body-frame velocity, in the substeps that PyBullet would take.

    Returns:
        The new pose (x m, y m, yaw rad) and the last substep's velocity in the world frame.
    """
    x, y, yaw = pose
    moved = world_velocity(velocity, yaw)
    if not velocity[2]:
        step_x, step_y = moved[0] * SUBSTEP_S, moved[1] * SUBSTEP_S
        for _ in range(SUBSTEPS_PER_TICK):  # one by one: a sum of the same bits
            x, y = x + step_x, y + step_y
        return (x, y, yaw), moved
    for _ in range(SUBSTEPS_PER_TICK):
        moved = world_velocity(velocity, yaw)
        x, y = x + moved[0] * SUBSTEP_S, y + moved[1] * SUBSTEP_S
        yaw = math.remainder(yaw + moved[2] * SUBSTEP_S, math.tau)
    return (x, y, yaw), moved
