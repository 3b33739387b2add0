"""Pictures out of ROS 2 messages, whichever library brought them: rclpy, cyclonedds, a bag."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

MOST_PIXELS = 7680 * 4320  # 8K
ENCODINGS = {"rgb8": slice(None), "bgr8": slice(None, None, -1)}  # order of the channels


def picture_of(message: Any) -> np.ndarray:
    """A picture [H, W, 3] uint8 RGB of a `sensor_msgs` Image or CompressedImage.

    Raises:
        ValueError: for an encoding that is not known, or data that do not fit.
    """
    if not hasattr(message, "encoding"):
        return _unpacked(message)
    channels = ENCODINGS.get(message.encoding)
    if channels is None:
        raise ValueError(f"Pictures come as {message.encoding!r}, expected rgb8 or bgr8.")
    row, height = int(message.width) * 3, int(message.height)
    if message.step < row or len(message.data) < message.step * height or 0 in (row, height):
        raise ValueError(f"A picture of {message.width} x {height} with rows of {message.step} "
                         f"bytes came as {len(message.data)} bytes.")
    rows = np.frombuffer(message.data, np.uint8, message.step * height).reshape(height, -1)
    return np.ascontiguousarray(rows[:, :row].reshape(height, -1, 3)[..., channels])


def _unpacked(message: Any) -> np.ndarray:
    from PIL import Image as Pillow

    try:
        picture = Pillow.open(io.BytesIO(message.data), formats=("JPEG", "PNG"))
        if picture.width * picture.height > MOST_PIXELS:
            raise ValueError(f"A compressed picture of {picture.width} x {picture.height}, "
                             f"expected at most {MOST_PIXELS} pixels.")
        return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, Pillow.DecompressionBombError) as error:
        raise ValueError(f"A compressed picture ({message.format!r}) cannot be read: {error}."
                         ) from error
