"""The geometric planner: shortest way round the boxes on the commanded side. Needs numpy alone.

A visibility graph over the boxes, grown by the robot's radius and a clearance. The side is held by
one barrier a box: a ray from its centre towards the wrong side that no path may cross. A robot that
already passed on the wrong side has the ray behind it and simply drives to the cup.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import replace
from functools import lru_cache

import numpy as np

from envs.interface import BoxTruth, Truth, full_command, world_to_body

CORNER_POINTS = 3  # vertices that replace one rounded corner
STOP_MARGIN_M = 0.005  # inside the goal circle by this much before the expert stops
BARRIER_M = 10.0
GOAL = 0  # the goal's number among the nodes
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
    wanted = truth.clearance_m if clearance_m is None else clearance_m
    tries = [(wanted, truth.lead_m), (wanted, 0.0), (wanted / 2, 0.0), (0.01, 0.0), (-0.05, 0.0)]
    for margin, lead_m in [*tries, (-truth.robot_radius_m, 0.0)]:
        route = _shortest(start, truth, truth.robot_radius_m + margin, lead_m)
        if route is not None:
            return route
    raise ValueError("No path from the robot to the cup: the boxes close every way.")


@lru_cache(maxsize=64)
def geodesic_m(truth: Truth) -> float:
    """Length of the shortest collision-free way from the robot to the goal circle.

    Raises:
        ValueError: if no path exists with the robot's bare footprint.
    """
    start = np.array(truth.robot[:2])
    route = _shortest(start, truth, truth.robot_radius_m, 0.0)
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


def _shortest(start: np.ndarray, truth: Truth, grow_m: float, lead_m: float) -> np.ndarray | None:
    """Dijkstra over the visibility graph, or None where no way exists."""
    graph = _graph(truth.boxes, truth.pass_side, truth.cup, grow_m, lead_m)
    if graph.covers_goal or graph.covers(start):
        return None
    nodes = graph.nodes
    distance, before = [math.inf] * len(nodes), [-1] * len(nodes)
    queue: list[tuple[float, int]] = []
    done = [False] * len(nodes)
    ways, reached, here = graph.ways_from(start), 0.0, -1  # -1: the start, which is no node
    while here != GOAL:
        for there, length in ways:
            reach = reached + length
            if reach < distance[there] and not done[there]:
                distance[there], before[there] = reach, here
                heapq.heappush(queue, (reach, there))
        while queue and done[queue[0][1]]:
            heapq.heappop(queue)
        if not queue:
            return None
        reached, here = heapq.heappop(queue)
        done[here] = True
        if here != GOAL:
            ways = graph.ways(here)
    return np.vstack([start, nodes[_trace(before, GOAL)]])


class _Graph:
    """The goal and the corners of grown boxes as nodes [N, 2], and who sees whom."""

    def __init__(self, boxes: tuple[BoxTruth, ...], pass_side: str, goal: tuple[float, float],
                 grow_m: float, lead_m: float) -> None:
        shapes = [_lead(box, corners(box, grow_m), lead_m) for box in boxes]
        inner = [_scaled(shape, 1.0 - 1e-6) for shape in shapes]  # its own corners see each other
        self.nodes = np.vstack([np.array(goal), *shapes])
        self._sides, self._inner_sides = _sides(shapes), _sides(inner)
        self._segments = np.vstack([_barriers(boxes, pass_side), *self._inner_sides])
        self.covers_goal = self.covers(self.nodes[GOAL])
        self._ways: dict[int, list[tuple[int, float]]] = {}

    def covers(self, point: np.ndarray) -> bool:
        """Whether a point [2] lies inside a grown box."""
        return _inside(point, self._sides)

    def is_free(self, a: np.ndarray, b: np.ndarray) -> bool:
        """Whether one may drive straight from a to b."""
        return not _inside(b, self._inner_sides) and bool(_visible(a, b[None], self._segments)[0])

    def ways(self, node: int) -> list[tuple[int, float]]:
        """Nodes that are seen from a node, and how far (m) each is; found once."""
        if node not in self._ways:
            self._ways[node] = self.ways_from(self.nodes[node])
        return self._ways[node]

    def ways_from(self, origin: np.ndarray) -> list[tuple[int, float]]:
        """The same from any point [2]."""
        seen = np.flatnonzero(_visible(origin, self.nodes, self._segments))
        length = np.linalg.norm(self.nodes - origin, axis=1)
        return list(zip(seen.tolist(), length[seen].tolist()))


@lru_cache(maxsize=32)  # an episode's few: boxes and cup stand still until they are touched
def _graph(boxes: tuple[BoxTruth, ...], pass_side: str, goal: tuple[float, float], grow_m: float,
           lead_m: float) -> _Graph:
    return _Graph(boxes, pass_side, goal, grow_m, lead_m)


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


def _barriers(boxes: tuple[BoxTruth, ...], pass_side: str) -> np.ndarray:
    """Segments [B, 2, 2] from each box's centre towards the wrong side."""
    wrong = -1.0 if pass_side == "left" else 1.0
    return np.array([[(box.x_m, box.y_m), (box.x_m, box.y_m + wrong * BARRIER_M)]
                     for box in boxes]).reshape(-1, 2, 2)


def _sides(shapes: list[np.ndarray]) -> np.ndarray:
    """The sides [B, V, 2, 2] of grown boxes' corners [V, 2]: from each to the next."""
    sides = [np.stack([shape, np.roll(shape, -1, axis=0)], axis=1) for shape in shapes]
    return np.array(sides).reshape(-1, 4 * CORNER_POINTS, 2, 2)


def _visible(origin: np.ndarray, nodes: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Which nodes [N] bool can be reached in a straight line that meets no segment."""
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


def _inside(point: np.ndarray, sides: np.ndarray) -> bool:
    """Whether a point [2] lies inside one of some convex counter-clockwise polygons."""
    edge = sides[:, :, 1] - sides[:, :, 0]
    to_point = point - sides[:, :, 0]
    left_of = edge[..., 0] * to_point[..., 1] - edge[..., 1] * to_point[..., 0] > 1e-9
    return bool(left_of.all(axis=1).any())


def _free(a: np.ndarray, b: np.ndarray, truth: Truth, clearance_m: float) -> bool:
    """Whether a straight move stays clear of the boxes and on the commanded side."""
    grow_m = truth.robot_radius_m + clearance_m
    return _graph(truth.boxes, truth.pass_side, truth.cup, grow_m, 0.0).is_free(a, b)


def _trace(before: list[int], node: int) -> list[int]:
    """Node numbers from the first one seen from the start to `node`."""
    route = [node]
    while before[route[-1]] >= 0:
        route.append(before[route[-1]])
    return route[::-1]
