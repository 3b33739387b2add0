"""The camera: does it live, how fast, how large, in which colours, which way up."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from hardware.examination import Finding
from hardware.pilot import Pilot
from hardware.safety import FRAME_AGE_S

LOOKED_S = 3.0
POLL_S = 0.002
LEAST_HZ = 10.0  # the gate takes a picture that is 0.2 s old for the last of a dead camera
WIDE, WIDE_SLACK = 16 / 9, 0.03
LEAST_WIDTH = 224
BRIGHT, PURE = 60, 1.6  # of a colour that stands out: its own channel, and times the others
LEAST_SHARE = 2e-4  # of the picture: the cup at 2.5 m has four times as much
SHOW = "Put the red cup on the floor, 1 to 2.5 m in front of the robot, and examine again."


@dataclass(frozen=True)
class Seen:
    """What came in a while."""

    times_s: list[float]
    pictures: list[np.ndarray]  # the first and the last


def watch(pilot: Pilot, seconds: float = LOOKED_S) -> Seen:
    """Look for a while, and miss nothing."""
    times_s: list[float] = []
    pictures: list[np.ndarray] = []
    number, until_s = -1, time.monotonic() + seconds
    while time.monotonic() < until_s:
        frame = pilot.frame()
        if frame is not None and frame.number > number:
            number = frame.number
            times_s.append(frame.arrived_s)
            pictures = [*pictures[:1], frame.rgb]
        time.sleep(POLL_S)
    return Seen(times_s, pictures)


def examine(seen: Seen, wanted: tuple[int, int]) -> list[Finding]:
    """All that pictures tell.

    Args:
        seen: By `watch`.
        wanted: Height and width that the policy wants.
    """
    if not seen.pictures:
        return [Finding("camera", False, "No picture came: look at plug, topic and lens.", {})]
    picture = seen.pictures[-1]
    return [_rate(seen.times_s), _size(picture, wanted), *_colours(picture)]


def _rate(times_s: list[float]) -> Finding:
    gaps = np.diff(times_s)
    rate_hz = 1.0 / gaps.mean() if len(gaps) else 0.0
    worst_s = float(gaps.max(initial=0.0)) if len(gaps) else LOOKED_S
    good = rate_hz >= LEAST_HZ and worst_s < FRAME_AGE_S
    return Finding("camera rate", good, f"{rate_hz:.1f} pictures a second, at most "
                   f"{worst_s:.3f} s apart; expected {LEAST_HZ:g} or more, less than "
                   f"{FRAME_AGE_S:g} s apart.", {"rate_hz": float(rate_hz), "gap_s": worst_s})


def _size(picture: np.ndarray, wanted: tuple[int, int]) -> Finding:
    height, width = picture.shape[:2]
    fits = (height, width) == wanted or (
        width >= LEAST_WIDTH and abs(width / height / WIDE - 1.0) <= WIDE_SLACK)
    return Finding("camera size", fits, f"{width} x {height}; expected 16:9 and at least "
                   f"{LEAST_WIDTH} wide, or {wanted[1]} x {wanted[0]} already squeezed.",
                   {"width": width, "height": height})


def _colours(picture: np.ndarray) -> list[Finding]:
    """A red thing on the floor tells the order of the colours and which way is up."""
    red, blue = _standing_out(picture, 0), _standing_out(picture, 2)
    shares = {"red": float(red.mean()), "blue": float(blue.mean())}
    if max(shares.values()) < LEAST_SHARE:
        words = f"Nothing red is seen. {SHOW}"
        return [Finding("colour order", False, words, shares),
                Finding("orientation", False, words, {})]
    swapped = shares["blue"] > shares["red"]
    order = Finding("colour order", not swapped, (
        "Blue stands out where red is expected: the camera's colours are swapped (rgb8 and bgr8), "
        f"or the cup is missing. {SHOW}" if swapped else "Red is red."), shares)
    rows = np.nonzero(blue if swapped else red)[0]
    height = float(rows.mean() / len(picture))
    upright = height > 0.5
    return [order, Finding("orientation", upright, (
        "What stands on the floor is in the lower half." if upright else
        "What stands on the floor is in the upper half: the picture is upside down (180 degrees)."),
        {"height_in_picture": height})]


def _standing_out(picture: np.ndarray, channel: int) -> np.ndarray:
    """Where one colour is strong and the others are not [H, W]."""
    parts = picture.astype(np.float32)
    own = parts[:, :, channel]
    others = np.delete(parts, channel, axis=2).max(axis=2)
    return (own > BRIGHT) & (own > PURE * others)
