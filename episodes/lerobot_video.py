"""The mp4 files of a LeRobot data set: many episodes in one, as AV1.

Every picture is packed alone and at crf 20. LeRobot itself packs every second one as a difference
at crf 30; at a few pictures a second that may lose most of a difference. docs/lerobot.md says how
much either changes.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from envs.realtime import be_ordinary
from episodes.lerobot_layout import CAMERA, MB, VIDEO, Limits, Place

ENCODER, PIXELS = "libsvtav1", "yuv420p"
OPTIONS = {"g": 1, "crf": 20, "preset": 12}
ALONE = {"svtav1-params": "lp=1"}  # with more threads SVT-AV1 4.1 may wait for itself forever
SMALLEST = 64  # pixels, of height and width, that the encoder takes
FILL_PIXELS = 65_536  # pixels that a decoder may add to fill up blocks
CODECS = ("av1", "h264", "hevc", "vp9", "mpeg4")  # that are decoded here


class Videos:
    """Files of bounded size; an episode never stands in two of them."""

    def __init__(self, folder: Path, fps: int, size: tuple[int, int], limits: Limits) -> None:
        """`folder`: the data set's; `size`: height and width.

        Raises:
            ValueError: for pictures that the encoder does not take.
        """
        if min(size) < SMALLEST or size[0] % 2 or size[1] % 2:
            raise ValueError(f"Pictures are {size[0]} x {size[1]}, expected even numbers of at "
                             f"least {SMALLEST} for a video; write them as images instead.")
        self._folder, self._fps, self._size, self._limits = folder, fps, size, limits
        self._place: Place | None = None
        self._container: Any = None
        self._stream: Any
        self._frames = 0  # given to the encoder, of this file
        self._packets = self._bytes = 0  # come out of it

    def add(self, images: np.ndarray) -> dict[str, int | float]:
        """Write an episode [T, H, W, 3]; returns what its row says of the video."""
        import av

        self._make_room(len(images))
        assert self._place is not None  # `_make_room` chose one
        start = self._frames
        for image in images:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = self._frames, Fraction(1, self._fps)
            self._mux(self._stream.encode(frame))
            self._frames += 1
        prefix = f"videos/{CAMERA}"
        return {**self._place.columns(prefix), f"{prefix}/from_timestamp": start / self._fps,
                f"{prefix}/to_timestamp": self._frames / self._fps}

    def close(self) -> None:
        """Finish the file that is open."""
        if self._container is not None:
            self._mux(self._stream.encode())
            self._container.close()
            self._container = None

    def _make_room(self, frames: int) -> None:
        """Begin another file where this one would become too large.

        The encoder is up to 45 pictures behind, so the size is what came out, scaled to what went
        in; a file may be larger than asked by these.
        """
        most = self._limits.video_files_size_in_mb * MB
        if self._container is not None:
            each = self._bytes / max(1, self._packets)
            if each * (self._frames + frames) <= most:
                return
            self.close()
        self._place = (Place() if self._place is None
                       else self._place.next(self._limits.chunks_size))
        self._open(self._folder / self._place.path(VIDEO))

    def _open(self, path: Path) -> None:
        import av

        os.environ.setdefault("SVT_LOG", "1")  # the encoder talks unless told: errors only
        path.parent.mkdir(parents=True, exist_ok=True)
        self._frames = self._packets = self._bytes = 0
        self._container = av.open(str(path), "w", format="mp4")
        self._stream = self._container.add_stream(
            ENCODER, rate=self._fps,
            options={name: str(value) for name, value in (OPTIONS | ALONE).items()})
        self._stream.height, self._stream.width = self._size
        self._stream.pix_fmt = PIXELS
        self._stream.codec_context.open()
        be_ordinary()  # run by root, the encoder puts itself before all else, and us with it

    def _mux(self, packets: list[Any]) -> None:
        for packet in packets:
            self._packets += 1
            self._bytes += packet.size
            self._container.mux(packet)


def described(fps: int) -> dict[str, Any]:
    """What `info.json` says of the videos."""
    return {"video.codec": "av1", "video.pix_fmt": PIXELS, "video.fps": fps, "video.channels": 3,
            "has_audio": False, "is_depth_map": False,
            **{f"video.{name}": value for name, value in OPTIONS.items()}}


def decoded(path: Path, size: tuple[int, int]) -> Generator[tuple[float, np.ndarray]]:
    """The pictures [H, W, 3] RGB of a video, each with its second, one at a time.

    Args:
        path: An mp4 file that anybody may have made; nothing but this file is opened.
        size: Height and width that it must have.

    Raises:
        ValueError: if it is damaged, or something else than such a video.
    """
    import av

    try:
        with av.open(str(path.resolve()), format="mp4",
                     options={"protocol_whitelist": "file", "enable_drefs": "0"}) as container:
            if len(container.streams.video) != 1:
                raise ValueError(f"{path}: has {len(container.streams.video)} video streams, "
                                 f"expected one.")
            stream = container.streams.video[0]
            if stream.codec_context is None or stream.time_base is None:
                raise ValueError(f"{path}: is packed in an unknown way or has no clock, expected "
                                 f"one of {', '.join(CODECS)}.")
            codec = stream.codec.canonical_name
            stream.codec_context.options = {"max_pixels": str(FILL_PIXELS + 2 * size[0] * size[1])}
            if (stream.height, stream.width) != size or codec not in CODECS:
                raise ValueError(f"{path}: is {codec} of {stream.height} x {stream.width}, "
                                 f"expected {size[0]} x {size[1]} as {', '.join(CODECS)}.")
            for frame in container.decode(stream):
                if (frame.height, frame.width) != size or frame.pts is None:
                    raise ValueError(f"{path}: has a picture of {frame.height} x {frame.width} or "
                                     f"without a time, expected {size[0]} x {size[1]}.")
                yield float(frame.pts * stream.time_base), frame.to_ndarray(format="rgb24")
    except (av.FFmpegError, OSError) as error:
        raise ValueError(f"{path}: damaged or no video ({error}).") from error
