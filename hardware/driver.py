"""The process that drives: camera and wheels, one tick of 0.02 s, every velocity out of `Gate`.

It shares no thread with the policy. It hears orders, shows pictures and its state on boards, gives
the watchdog a sign of life in every tick, and stops the wheels when any of the others is gone.
"""

from __future__ import annotations

import json
import signal
import struct
import time
from collections import deque
from types import FrameType
from typing import Any

import numpy as np

from envs.realtime import DRIVES, ask_for_priority, ticks
from hardware.board import Board
from hardware.link import Link, inherited
from hardware.profile import load_profile
from hardware.safety import TICK_S, Command, Gate, RefusedError
from hardware.transport import Frame, LinkLostError, Place, Transport

PICTURE = struct.Struct("<QdII")  # number, arrival (s, monotonic clock), height, width
MOST_PIXELS = 1280 * 720  # of a picture: what the board for pictures holds
KEPT_LATE = 1000  # ticks whose lateness is kept
GLANCE_ROWS = 8  # every eighth row tells whether a picture is another one: noise is everywhere


class Driver:
    """Everything that happens in a tick."""

    def __init__(self, transport: Transport, gate: Gate, orders: Link, watchdog: Link,
                 pictures: Board, state: Board) -> None:
        """All parts are open."""
        self._transport, self._gate, self._orders = transport, gate, orders
        self._watchdog, self._pictures, self._state = watchdog, pictures, state
        self._beat, self._shown, self._lost = 0, -1, ""
        self._glance: np.ndarray | None = None  # some rows of the last picture
        self._late: deque[float] = deque(maxlen=KEPT_LATE)
        self.ending = False  # nobody gives orders any more

    def tick(self, late_s: float) -> bool:
        """Hear, decide, drive, show; false when all is over."""
        self._late.append(late_s)
        beats, orders = self._watchdog.heard(), self._orders.heard()
        frame = self._transport.frame()
        now_s = time.monotonic()  # taken last: nothing that came in is from the future
        self._look(frame)
        self._hear(beats, orders, now_s)
        if self._transport.emergency:
            self._gate.stop(self._transport.emergency)
        velocity = self._gate.tick(now_s)
        if self._gate.speaks:
            try:
                self._transport.send(velocity)
            except LinkLostError as lost:
                self._lose(str(lost))
        self._watchdog.send(beat=self._beat)
        self._beat += 1
        self._show(now_s)
        return not (self.ending and not self._gate.speaks)

    def end(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Stop, and then leave; also a signal's handler."""
        self._gate.disarm()
        self.ending = True

    def _hear(self, beats: list[dict[str, Any]], orders: list[dict[str, Any]],
              now_s: float) -> None:
        if beats:
            self._gate.saw_watchdog(now_s)
        for order in orders:
            try:
                self._obey(order, now_s)
            except RefusedError as refused:
                self._orders.send(number=order.get("number"), reason=refused.reason,
                                  refused=str(refused))
            else:
                self._orders.send(number=order.get("number"), reason="")
        if self._orders.lost and not self.ending:
            self.end()

    def _obey(self, order: dict[str, Any], now_s: float) -> None:
        gate = self._gate
        match order["do"]:
            case "command":
                gate.offer(Command(order["source"], order["number"], order["decided_s"],
                                   order["velocity"], order["confidence"], order["seen_s"]),
                           now_s)
            case "arm":
                if self._lost:
                    raise RefusedError("link", self._lost)
                gate.arm(now_s)
            case "disarm":
                gate.disarm()
            case "stop":
                gate.stop(order["why"])
            case "release":
                gate.release()
            case "mode":
                gate.set_mode(order["mode"])

    def _look(self, frame: Frame | None) -> None:
        """Show a new picture; one that comes again, or shows nothing, is not a live camera."""
        if frame is None or frame.number <= self._shown:
            return
        self._shown = frame.number
        height, width = frame.rgb.shape[:2]
        if height * width > MOST_PIXELS:
            self._lose(f"The camera's pictures are too large: {width} x {height}, expected at most "
                       "1280 x 720; let it, or its node, give smaller ones.")
            return
        if not frame.is_black:
            self._gate.saw_frame(frame.number, frame.arrived_s, self._is_repeat(frame))
        self._pictures.write(*picture_of(frame))

    def _lose(self, why: str) -> None:
        """The robot cannot be driven any more."""
        self._lost = self._lost or why
        self._gate.disarm()

    def _is_repeat(self, frame: Frame) -> bool:
        """Whether a camera, whose pictures never equal each other, shows the last one again."""
        before, self._glance = self._glance, frame.rgb[::GLANCE_ROWS]
        return (self._transport.source == "real" and before is not None
                and np.array_equal(before, self._glance))

    def _show(self, now_s: float) -> None:
        gate, measured = self._gate, self._transport.velocity()
        state = {
            "at_s": now_s, "armed": gate.armed, "why": self._lost or gate.why, "mode": gate.mode,
            "live": gate.is_live(now_s), "velocity": gate.velocity, "lost": self._lost,
            "measured": None if measured is None else measured.tolist(),
            "driven": {source: [held.number, held.scale, *held.velocity]
                       for source, held in gate.driven.items()},
            "refused": dict(gate.refused), "late_s": float(np.percentile(self._late, 99)),
        }
        self._state.write(json.dumps(state).encode())


def picture_of(frame: Frame) -> tuple[bytes, memoryview]:
    """A picture as a board takes it."""
    rgb = np.ascontiguousarray(frame.rgb)
    return PICTURE.pack(frame.number, frame.arrived_s, *rgb.shape[:2]), rgb.reshape(-1).data


def frame_of(message: bytes) -> Frame:
    """A picture as a board gave it."""
    number, arrived_s, height, width = PICTURE.unpack_from(message)
    rgb = np.frombuffer(message, np.uint8, offset=PICTURE.size).reshape(height, width, 3)
    return Frame(number, arrived_s, rgb)


def main(place: str, mode: str, orders: str, watchdog: str, pictures: str, state: str) -> None:
    """Drive until whoever gives orders is gone.

    Args:
        place: The robot's `Place` as JSON.
        mode: As in `Gate.set_mode`.
        orders: Number of the inherited end on which orders come.
        watchdog: The same for the watchdog's.
        pictures: Number and size of the board for pictures, as `file:bytes`.
        state: The same for the board of the state.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # those are for who gives orders
    ask_for_priority(DRIVES)
    where, link = Place(**json.loads(place)), inherited(int(orders))
    try:
        transport = where.open()
        gate = Gate(load_profile(where.profile).limits, mode)
    except ValueError as error:
        link.send(failed=str(error))
        return
    boards = [Board(*map(int, each.split(":"))) for each in (pictures, state)]
    watchdog_link = inherited(int(watchdog))
    driver = Driver(transport, gate, link, watchdog_link, *boards)
    signal.signal(signal.SIGTERM, driver.end)
    driver.tick(0.0)
    link.send(source=transport.source)
    for late_s in ticks(TICK_S):
        if not driver.tick(late_s):
            break
    watchdog_link.close()  # leaving is not falling silent
    transport.close()
