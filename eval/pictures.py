"""An episode to look at: a top-down picture, and a video beside what the policy saw.

Colours are Okabe and Ito's, which colour-blind people can tell apart; nothing is said by colour
alone. The map shows the world from above: forward is up, left is left.
"""

from __future__ import annotations

import io
import math
import tempfile
import textwrap
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle
from PIL import Image

from envs.interface import TICK_S
from episodes.atomic import write_atomically
from episodes.record import Record
from eval import metrics

BLUE, GREEN, ORANGE, RED, GREY = "#0072B2", "#009E73", "#E69F00", "#D55E00", "#606060"
SIZE = (960, 540)  # width, height of a video in pixels
DPI = 75
VIEW = (18, 96, 576, 324)  # where the policy's picture stands: left, top, width, height; 16:9
MAP = (0.665, 0.08, 0.32, 0.85)  # left, bottom, width, height, as shares of the video
TICKS_PER_FRAME = 2  # 10 pictures a second, at the world's own speed
FPS = round(1 / (TICK_S * TICKS_PER_FRAME))
VERDICT_S = 1.5
CODEC = {"crf": "22", "preset": "veryfast"}
ARROW_M = 0.35
FIRST_MISSING_LETTER = 0x2E80  # matplotlib's font has no Chinese, Japanese or Korean


def film(record: Record, stem: Path) -> None:
    """Write `<stem>.png`, the way from above, and `<stem>.mp4`, the episode as it went.

    Raises:
        ValueError: if the record kept no pictures.
    """
    write_atomically(stem.with_suffix(".png"), trajectory(record))
    write_atomically(stem.with_suffix(".mp4"), _encode(frames(record)))


def trajectory(record: Record) -> bytes:
    """The whole way from above, as a PNG."""
    figure = Figure(figsize=(5.2, 6.6), dpi=100, layout="constrained")
    axes = figure.add_subplot()
    _draw_world(axes, record)
    axes.plot(*_across(record.path), color=BLUE, linewidth=2.2, label="way", zorder=4)
    for pose in record.poses[1:-1]:
        axes.add_patch(Circle(_spot(pose), record.rules["robot_radius_m"], fill=False,
                              edgecolor=BLUE, alpha=0.25, linewidth=0.8))
    axes.plot(*_across(record.path[0]), "o", color=BLUE, markersize=7, label="start")
    axes.add_patch(Circle(_spot(record.path[-1]), record.rules["robot_radius_m"],
                          facecolor=BLUE, alpha=0.45, label="robot at the end"))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, fontsize=8, frameon=False)
    won, text = verdict(record)
    axes.set_title(f"{record.scenario}, {record.policy}\n{textwrap.fill(text, 60)}", fontsize=10,
                   color=GREEN if won else RED, parse_math=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def verdict(record: Record) -> tuple[bool, str]:
    """Whether the episode was won, and why not."""
    if record.ended_by == "policy_error":
        return False, f"ERROR OF THE POLICY: {record.error}"
    if metrics.success(record):
        return True, f"SUCCESS: at the goal, passed on the {record.pass_side}, nothing touched"
    reasons = [f"touched {name} at {second:.1f} s" for name, second in record.touched.items()]
    side = metrics.side_followed(record)
    if side is None:
        reasons.append("did not pass every box")
    elif side != record.pass_side:
        reasons.append(f"passed on the wrong side ({side})")
    if not metrics.at_goal(record, "reach"):
        reasons.append("never at the goal")
    elif not metrics.at_goal(record, metrics.DEFAULT_MODE):
        reasons.append("did not stand still at the goal")
    return False, f"FAILED ({record.ended_by}): {', '.join(reasons)}"


def frames(record: Record) -> Iterator[np.ndarray]:
    """The video's pictures [540, 960, 3] uint8, in the world's own time.

    Raises:
        ValueError: if the record kept no pictures.
    """
    if record.rgb is None:
        raise ValueError(f"{record.scenario}, seed {record.seed}: no pictures were kept.")
    stage = _Stage(record, record.rgb)
    last = len(record.path) - 1
    for tick in range(0, last, TICKS_PER_FRAME):
        yield stage.draw(tick, min(tick // stage.ticks, record.decisions - 1))
    final = stage.draw(last, record.decisions, verdict(record))
    for _ in range(round(VERDICT_S * FPS)):
        yield final


class _Stage:
    """The canvas of a video: what stands still is drawn once, the rest over it."""

    def __init__(self, record: Record, rgb: np.ndarray) -> None:
        self.ticks = max(1, round(record.rules["decision_s"] / TICK_S))
        self._record, self._rgb = record, rgb
        self._stretched: tuple[int, np.ndarray] = (-1, np.empty(0))
        self._figure = Figure(figsize=(SIZE[0] / DPI, SIZE[1] / DPI), dpi=DPI, facecolor="#FAFAFA")
        self._canvas = FigureCanvasAgg(self._figure)
        axes = self._figure.add_axes(MAP)
        _draw_world(axes, record)
        axes.set_title(f"from above; to pass on the {record.pass_side}", fontsize=11, color=GREY)
        self._draw_words()
        radius_m = record.rules["robot_radius_m"]
        self._path, = axes.plot([], [], color=BLUE, linewidth=2.5, zorder=4)
        self._robot = Circle((0, 0), radius_m, facecolor="#9CC9E8", edgecolor=BLUE, linewidth=1.8,
                             zorder=5)
        axes.add_patch(self._robot)
        self._nose, = axes.plot([], [], color=BLUE, linewidth=3, zorder=6)
        self._arrow = axes.quiver(0, 0, 0, 0, color=RED, angles="xy", scale_units="xy", scale=1,
                                  width=0.016, zorder=7)
        left = VIEW[0] / SIZE[0]
        self._now = self._figure.text(left, 0.145, "", fontsize=15, family="monospace")
        self._said = self._figure.text(left, 0.1, "", fontsize=14, weight="bold", va="top",
                                       parse_math=False)
        self._moving = (self._path, self._robot, self._nose, self._arrow, self._now, self._said)
        for artist in self._moving:
            artist.set_animated(True)
        self._canvas.draw()
        self._still = self._canvas.copy_from_bbox(self._figure.bbox)

    def _draw_words(self) -> None:
        record, left = self._record, VIEW[0] / SIZE[0]
        self._figure.text(left, 0.95, f"{record.scenario}, {record.policy}", fontsize=17,
                          weight="bold", va="top", parse_math=False)
        self._figure.text(left, 0.897, _words(record.instruction), fontsize=13, va="top",
                          color="#303030", parse_math=False)
        self._figure.text(left, 0.19, "what the policy sees", fontsize=10, color=GREY)

    def draw(self, tick: int, decision: int,
             said: tuple[bool, str] | None = None) -> np.ndarray:
        """One picture: the robot at `tick`, deciding for the time of `decision`."""
        record = self._record
        pose = record.path[tick]
        centre = _spot(pose)
        self._path.set_data(*_across(record.path[:tick + 1]))
        self._robot.center = centre
        ahead = record.rules["robot_radius_m"] * np.array([math.cos(pose[2]), math.sin(pose[2])])
        self._nose.set_data(*_across(np.array([pose[:2], pose[:2] + ahead])))
        self._set_command(centre, pose[2], decision, tick)
        if said:
            self._said.set_text(textwrap.fill(said[1], 62))
            self._said.set_color(GREEN if said[0] else RED)
        self._canvas.restore_region(self._still)
        for artist in self._moving:
            self._figure.draw_artist(artist)
        picture = np.asarray(self._canvas.buffer_rgba())[..., :3].copy()
        left, top, width, height = VIEW
        picture[top:top + height, left:left + width] = self._seen(decision)
        return picture

    def _seen(self, decision: int) -> np.ndarray:
        """The policy's square picture, stretched to the 16:9 that the camera saw."""
        if decision != self._stretched[0]:
            picture = Image.fromarray(self._rgb[decision]).resize(VIEW[2:])
            self._stretched = (decision, np.asarray(picture))
        return self._stretched[1]

    def _set_command(self, centre: tuple[float, float], yaw: float, decision: int,
                     tick: int) -> None:
        """The arrow in the map and the numbers below the picture."""
        sent = self._record.sent
        command = sent[decision] if decision < len(sent) else np.zeros(3)
        cos, sin = math.cos(yaw), math.sin(yaw)
        world = np.array([cos * command[0] - sin * command[1], sin * command[0] + cos * command[1]])
        length = float(np.linalg.norm(world))
        moves = np.abs(command).max() > self._record.rules["dead_band"]  # else the robot stands
        shown = _across(world / length * ARROW_M) if moves and length > 0.0 else np.zeros(2)
        self._arrow.set_offsets(centre)
        self._arrow.set_UVC(*shown)
        x, y, turn = np.round(command, 2) + 0.0  # never -0.00
        self._now.set_text(f"{tick * TICK_S:4.1f} s  decision {min(decision + 1, len(sent)):2d}/"
                           f"{len(sent)}  x {x:+.2f}  y {y:+.2f}  turn {turn:+.2f}")


def _draw_world(axes: Axes, record: Record) -> None:
    """Boxes, cup and goal circle as they stood at the start, and room for all that is driven."""
    for x, y, yaw, length, width in record.boxes[0]:
        side, up = _spot(np.array([x, y]))
        box = Rectangle((side - width / 2, up - length / 2), width, length,
                        angle=math.degrees(yaw), rotation_point="center", facecolor=ORANGE,
                        edgecolor="#7A5200", linewidth=1.5, hatch="//", zorder=2)
        axes.add_patch(box)
    cup = _spot(record.cup[0])
    axes.add_patch(Circle(cup, record.rules["goal_radius_m"], facecolor=GREEN, alpha=0.13))
    axes.add_patch(Circle(cup, record.rules["goal_radius_m"], fill=False, edgecolor=GREEN,
                          linestyle="--", linewidth=1.8))
    axes.plot(*cup, "*", color=RED, markersize=15, markeredgecolor="white", zorder=3)
    axes.annotate("cup", cup, xytext=(9, 6), textcoords="offset points", fontsize=10)
    points = np.vstack([record.path[:, :2], record.boxes[0, :, :2], record.cup[0][None],
                        [[-0.3, -0.95], [3.1, 0.95]]])
    low, high = points.min(axis=0) - 0.1, points.max(axis=0) + 0.1
    axes.set_aspect("equal")
    axes.set_xlim(-high[1], -low[1])
    axes.set_ylim(low[0], high[0])
    axes.set_xlabel("y, m (left is positive)")
    axes.set_ylabel("x, m (forward)")
    axes.xaxis.set_major_formatter(lambda side, _: f"{0.0 - side:g}")
    axes.grid(color="#DDDDDD", linewidth=0.7)
    axes.set_axisbelow(True)


def _across(points: np.ndarray) -> np.ndarray:
    """World points [..., >= 2] (x forward, y left) as rows: to the right, and up on the paper."""
    return np.array([-points[..., 1], points[..., 0]])


def _spot(point: np.ndarray) -> tuple[float, float]:
    """One world point as (to the right, up) on the paper."""
    return (-float(point[1]), float(point[0]))


def _words(instruction: str) -> str:
    """The instruction on at most two lines."""
    if not instruction:
        return "(no instruction)"
    if any(ord(letter) >= FIRST_MISSING_LETTER for letter in instruction):
        return "(instruction in letters that this font lacks: see episodes.jsonl)"
    lines = textwrap.wrap(f'"{instruction}"', 88)
    return "\n".join(lines[:2]) + (" ..." if len(lines) > 2 else "")


def _encode(pictures: Iterator[np.ndarray]) -> bytes:
    """An mp4 that browsers play at once: H.264, yuv420p, the index in front."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video.mp4"
        with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
            stream = container.add_stream("h264", rate=Fraction(FPS), options=CODEC)
            stream.width, stream.height = SIZE
            stream.pix_fmt = "yuv420p"
            for picture in pictures:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path.read_bytes()
