"""The geometric planner: shortest way round the boxes on the commanded side. Needs numpy alone.

A visibility graph over the boxes, grown by the robot's radius and a clearance. The side is held by
one barrier a box: a ray from its centre towards the wrong side that no path may cross. A robot that
already passed on the wrong side has the ray behind it and simply drives to the cup.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import replace

import numpy as np

from envs.interface import BoxTruth, Truth, full_command, world_to_body

CORNER_POINTS = 3  # vertices that replace one rounded corner
STOP_MARGIN_M = 0.02  # inside the goal circle by this much before the expert stops
BARRIER_M = 10.0
KEYS_RAD = tuple(math.radians(45.0 * k) for k in range(8))  # w q a z s c d e


def path(truth: Truth, clearance_m: float | None = None) -> np.ndarray:
    """Way points [P, 2] m in the world frame from the robot to the cup's centre.

    Args:
        truth: The world as it stands.
        clearance_m: From the robot's rim to a box; the truth's own when not given. Where the robot
            already stands closer, as much as it has.

    Raises:
        ValueError: if no path exists.
    """
    start = np.array(truth.robot[:2])
    goal = np.array(truth.cup)
    wanted = truth.clearance_m if clearance_m is None else clearance_m
    tries = [(wanted, truth.lead_m), (wanted, 0.0), (wanted / 2, 0.0), (0.01, 0.0), (-0.05, 0.0)]
    for margin, lead_m in [*tries, (-truth.robot_radius_m, 0.0)]:
        route = _shortest(start, goal, truth, truth.robot_radius_m + margin, lead_m)
        if route is not None:
            return route
    raise ValueError("No path from the robot to the cup: the boxes close every way.")


def geodesic_m(truth: Truth) -> float:
    """Length of the shortest collision-free way from the robot to the goal circle.

    Raises:
        ValueError: if no path exists with the robot's bare footprint.
    """
    start, goal = np.array(truth.robot[:2]), np.array(truth.cup)
    route = _shortest(start, goal, truth, truth.robot_radius_m, 0.0)
    if route is None:
        raise ValueError("No path from the robot to the goal circle.")
    length = float(np.linalg.norm(np.diff(route, axis=0), axis=1).sum())
    return max(0.0, length - truth.goal_radius_m)


def command(truth: Truth) -> np.ndarray:
    """The expert's next command [3] float32: along the route, or zero inside the goal circle."""
    if in_goal(truth):
        return np.zeros(3, np.float32)
    heading = point_along(path(truth), truth.step_m) - np.array(truth.robot[:2])
    return full_command(world_to_body(heading, truth.robot[2]))


def key_command(truth: Truth) -> np.ndarray:
    """The expert's next command [3] with eight directions only, as keys would give it."""
    if in_goal(truth):
        return np.zeros(3, np.float32)
    best, best_cost = np.zeros(3, np.float32), math.inf
    x, y, yaw = truth.robot
    for angle in KEYS_RAD:
        step = truth.step_m * np.array([math.cos(yaw + angle), math.sin(yaw + angle)])
        if not _free(np.array([x, y]), np.array([x, y]) + step, truth, 0.5 * truth.clearance_m):
            continue
        ahead = replace(truth, robot=(x + step[0], y + step[1], yaw))
        route = path(ahead)
        cost = float(np.linalg.norm(np.diff(route, axis=0), axis=1).sum())
        if cost < best_cost:
            body = np.round([math.cos(angle), math.sin(angle)], 9)
            best, best_cost = full_command(np.sign(body)), cost
    return best


def in_goal(truth: Truth) -> bool:
    """Whether the robot's centre is inside the goal circle, by the margin at which one stops."""
    gap = math.dist(truth.robot[:2], truth.cup)
    return gap <= truth.goal_radius_m - STOP_MARGIN_M


def point_along(route: np.ndarray, distance_m: float) -> np.ndarray:
    """The point [2] at a distance along a polyline [P, 2], or its end."""
    for a, b in zip(route[:-1], route[1:]):
        length = float(np.linalg.norm(b - a))
        if length >= distance_m > 0:
            return a + (b - a) * (distance_m / length)
        distance_m -= length
    return route[-1]


def corners(box: BoxTruth, grow_m: float) -> np.ndarray:
    """Vertices [V, 2] m, counter-clockwise, of a box grown by a disc (circumscribed polygon)."""
    cos, sin = math.cos(box.yaw_rad), math.sin(box.yaw_rad)
    half = np.array([box.length_m / 2, box.width_m / 2])
    slice_rad = (math.pi / 2) / CORNER_POINTS
    reach = grow_m / math.cos(slice_rad / 2)  # vertices lie outside so that edges touch the disc
    points = []
    for quadrant, signs in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        for k in range(CORNER_POINTS):
            angle = quadrant * math.pi / 2 + (k + 0.5) * slice_rad
            points.append(half * signs + reach * np.array([math.cos(angle), math.sin(angle)]))
    local = np.array(points)
    turned = local @ np.array([[cos, sin], [-sin, cos]])
    return turned + (box.x_m, box.y_m)


def _shortest(
    start: np.ndarray, goal: np.ndarray, truth: Truth, grow_m: float, lead_m: float
) -> np.ndarray | None:
    """Dijkstra over the visibility graph, or None where no way exists."""
    shapes = [_lead(box, corners(box, grow_m), lead_m) for box in truth.boxes]
    if any(_inside(point, shape) for shape in shapes for point in (start, goal)):
        return None
    nodes = np.vstack([start, goal, *shapes])
    outer = [_scaled(shape, 1.0 - 1e-6) for shape in shapes]
    barriers = _barriers(truth)
    distance = np.full(len(nodes), math.inf)
    distance[0], before = 0.0, np.full(len(nodes), -1)
    queue, done = [(0.0, 0)], np.zeros(len(nodes), bool)
    while queue:
        _, here = heapq.heappop(queue)
        if done[here]:
            continue
        done[here] = True
        if here == 1:
            return nodes[_trace(before, 1)]
        seen = _visible(nodes[here], nodes, outer, barriers) & ~done
        reach = distance[here] + np.linalg.norm(nodes - nodes[here], axis=1)
        for there in np.flatnonzero(seen & (reach < distance)):
            distance[there], before[there] = reach[there], here
            heapq.heappush(queue, (float(reach[there]), int(there)))
    return None


def _lead(box: BoxTruth, shape: np.ndarray, lead_m: float) -> np.ndarray:
    """Vertices moved away from the box along x: the robot swings out earlier, returns later."""
    if lead_m == 0.0:
        return shape
    moved = shape.copy()
    moved[:, 0] += np.sign(shape[:, 0] - box.x_m) * lead_m
    return moved


def _scaled(shape: np.ndarray, factor: float) -> np.ndarray:
    centre = shape.mean(axis=0)
    return centre + (shape - centre) * factor


def _barriers(truth: Truth) -> np.ndarray:
    """Segments [B, 2, 2] from each box's centre towards the wrong side."""
    wrong = -1.0 if truth.pass_side == "left" else 1.0
    return np.array([[(box.x_m, box.y_m), (box.x_m, box.y_m + wrong * BARRIER_M)]
                     for box in truth.boxes]).reshape(-1, 2, 2)


def _visible(
    origin: np.ndarray, nodes: np.ndarray, shapes: list[np.ndarray], barriers: np.ndarray
) -> np.ndarray:
    """Which nodes [N] bool can be reached in a straight line that meets no shape and no barrier."""
    walls = [barriers] + [np.stack([shape, np.roll(shape, -1, axis=0)], axis=1) for shape in shapes]
    segments = np.vstack(walls)  # [S, 2, 2]
    a, b = segments[:, 0], segments[:, 1]
    move = nodes - origin  # [N, 2]
    edge = b - a  # [S, 2]
    cross = move[:, None, 0] * edge[None, :, 1] - move[:, None, 1] * edge[None, :, 0]  # [N, S]
    away = a - origin  # [S, 2]
    t_top = away[:, 0] * edge[:, 1] - away[:, 1] * edge[:, 0]  # [S]
    u_top = away[None, :, 0] * move[:, None, 1] - away[None, :, 1] * move[:, None, 0]  # [N, S]
    safe = np.where(np.abs(cross) < 1e-12, np.inf, cross)
    t, u = t_top[None] / safe, u_top / safe
    hit = (t > 1e-9) & (t < 1 - 1e-9) & (u > -1e-9) & (u < 1 + 1e-9) & np.isfinite(safe)
    return ~hit.any(axis=1)


def _inside(point: np.ndarray, shape: np.ndarray) -> bool:
    """Whether a point [2] lies inside a convex counter-clockwise polygon [V, 2]."""
    edge = np.roll(shape, -1, axis=0) - shape
    to_point = point - shape
    return bool(np.all(edge[:, 0] * to_point[:, 1] - edge[:, 1] * to_point[:, 0] > 1e-9))


def _free(a: np.ndarray, b: np.ndarray, truth: Truth, clearance_m: float) -> bool:
    """Whether a straight move stays clear of the boxes and on the commanded side."""
    shapes = [_scaled(corners(box, truth.robot_radius_m + clearance_m), 1.0 - 1e-6)
              for box in truth.boxes]
    if any(_inside(b, shape) for shape in shapes):
        return False
    return bool(_visible(a, b[None], shapes, _barriers(truth))[0])


def _trace(before: np.ndarray, node: int) -> list[int]:
    """Node numbers from the start to `node`."""
    route = [node]
    while before[route[-1]] >= 0:
        route.append(int(before[route[-1]]))
    return route[::-1]
