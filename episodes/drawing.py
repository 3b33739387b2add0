"""Pictures of an episode with what was commanded on them; pillow alone draws.

An arrow in the lower middle points where the command goes: up is forward, left is left, its length
is the command's. A ring stands for a stop, an arc for turning. What is said by colour is also said
in words.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from episodes.examine import class_of
from episodes.hdf5 import Episode

ORANGE, BLACK, WHITE, GREY = (230, 159, 0), (0, 0, 0), (255, 255, 255), (96, 96, 96)
LINE = (200, 200, 200)  # round a picture: skies are white
LIMIT = 1.15  # of a command's component: so long is the longest arrow along an axis
TILE = (320, 180)  # width, height of a picture on a sheet; the whole view is 16:9
COLUMNS, GAP, CAPTION = 4, 8, 20  # pixels
FILM = (640, 360)
FRAME_S = 0.4  # of a film, where a file says no times
CODEC = {"crf": "22", "preset": "veryfast"}


def sheet(episode: Episode) -> Image.Image:
    """All frames of an episode on one picture, each with its command and event."""
    tiles = list(_tiles(episode, TILE))
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    width, height = TILE[0] + GAP, TILE[1] + CAPTION + GAP
    whole = Image.new("RGB", (columns * width + GAP, rows * height + GAP), WHITE)
    draw = ImageDraw.Draw(whole)
    for number, tile in enumerate(tiles):
        left, top = GAP + number % columns * width, GAP + number // columns * height
        whole.paste(tile, (left, top))
        draw.rectangle([left - 1, top - 1, left + TILE[0], top + TILE[1]], None, LINE)
        draw.text((left, top + TILE[1] + 3), caption(episode, number), GREY, _font(13))
    return whole


def caption(episode: Episode, frame: int) -> str:
    """A frame's number, event and command in words."""
    command = episode.commands[frame]
    event = episode.events[frame]
    if event == "episode_start":
        return f"{frame}  {event}"
    return f"{frame}  {class_of(command)}  " + " ".join(f"{value:+.2f}" for value in command)


def gif(episode: Episode) -> bytes:
    """An animation, at the episode's own speed where its file says one."""
    frames = list(_tiles(episode, FILM))
    written = io.BytesIO()
    frames[0].save(written, "GIF", save_all=True, append_images=frames[1:], loop=0,
                   duration=[round(1000 * each) for each in frame_times_s(episode)])
    return written.getvalue()


def mp4(episode: Episode, path: Path) -> None:
    """The same as a film.

    Raises:
        ValueError: if `av` is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ValueError(f"{path}: films need av, install mobile-vla-bench[report]; or write a "
                         f".gif.") from error
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(round(1 / FRAME_S * 10), 10),
                                           options=CODEC)
        stream.width, stream.height, stream.pix_fmt = *FILM, "yuv420p"
        for tile in _tiles(episode, FILM):
            container.mux(stream.encode(av.VideoFrame.from_image(tile)))
        container.mux(stream.encode())


def frame_times_s(episode: Episode) -> list[float]:
    """How long each frame is shown, in seconds."""
    if episode.time_s is None:
        return [FRAME_S] * len(episode.images)
    steps = np.diff(episode.time_s)
    steps = np.append(steps, steps[-1] if len(steps) else FRAME_S)
    return [float(step) if 0 < step <= 10 else FRAME_S for step in steps]


def _tiles(episode: Episode, size: tuple[int, int]) -> Iterator[Image.Image]:
    for picture, command, event in zip(episode.images, episode.commands, episode.events):
        tile = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
        if event != "episode_start":
            _draw_command(ImageDraw.Draw(tile), command, size)
        yield tile


def _draw_command(draw: ImageDraw.ImageDraw, command: np.ndarray, size: tuple[int, int]) -> None:
    middle = np.array([size[0] / 2, size[1] * 0.8])
    reach = size[1] * 0.3
    across = np.array([-command[1], -command[0]]) / LIMIT * reach  # left is left, forward is up
    if np.abs(command).max() < 1e-3:
        _ring(draw, middle, size[1] * 0.05)
        return
    if np.hypot(*across) > 1:
        _arrow(draw, middle, middle + across, size[1] / 45)
    if abs(command[2]) > 1e-3:
        box = [*(middle - reach * 0.8), *(middle + reach * 0.8)]
        turned = math.degrees(float(command[2]) / LIMIT)
        draw.arc(box, -90 - max(turned, 0), -90 + max(-turned, 0), ORANGE, round(size[1] / 45))


def _ring(draw: ImageDraw.ImageDraw, middle: np.ndarray, radius: float) -> None:
    for color, width, extra in ((BLACK, 5, 1), (ORANGE, 3, 0)):
        draw.ellipse([*(middle - radius - extra), *(middle + radius + extra)], None, color, width)


def _arrow(draw: ImageDraw.ImageDraw, start: np.ndarray, end: np.ndarray, width: float) -> None:
    along = (end - start) / np.hypot(*(end - start))
    beside = np.array([-along[1], along[0]])
    neck = end - along * width * 2.5
    for color, more in ((BLACK, 1.5), (ORANGE, 0.0)):
        draw.line([*start, *neck], color, round(width + 2 * more))
        head: Sequence[tuple[float, ...]] = [tuple(end + along * more * 2),
                                             tuple(neck + beside * (1.6 * width + more)),
                                             tuple(neck - beside * (1.6 * width + more))]
        draw.polygon(head, color)


def _font(pixels: int) -> Any:
    return ImageFont.load_default(size=pixels)
