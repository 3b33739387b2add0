"""What a page is told: how things stand, many times a second, and the rest when it has changed."""

from __future__ import annotations

import io
import json
import struct
import time
from dataclasses import asdict
from typing import Any

from PIL import Image

from hardware.journal import Journal
from hardware.progress import progress
from hardware.safety import FRAME_AGE_S, LIFE_S, TICK_S
from hardware.transport import Frame, LinkLostError
from hardware.web.desk import Desk

LENGTH = struct.Struct("<I")  # of the JSON that stands before a picture
QUALITY = 80  # JPEG
MOST_DRIVES = 50  # in the page's list, the newest
SILENT_S = 1.0  # a page that says nothing for so long is gone
LIMITS = {"frame_ms": 1000 * FRAME_AGE_S, "decision_ms": 1000 * LIFE_S, "page_ms": 1000 * SILENT_S,
          "command_ms": 1000 * LIFE_S, "tick_ms": 1000 * TICK_S}


class View:
    """How a desk looks to its pages."""

    def __init__(self, desk: Desk, journal: Journal, facts: dict[str, Any]) -> None:
        """`facts`: what never changes: policy, weights, transport, scenarios, speeds."""
        self._desk, self.journal, self._facts = desk, journal, facts
        self.scenarios: list[str] = facts["scenarios"]  # that may be chosen
        self._packed: tuple[int, bytes] = (-1, b"")

    def about(self) -> dict[str, Any]:
        """What changes rarely."""
        desk, drives = self._desk, self.journal.drives()
        source = "" if desk.pilot is None else desk.pilot.source
        return {"version": desk.version, "wish": vars(desk.wish),
                "facts": {**self._facts, "source": source},
                "limits": LIMITS,
                "progress": [{**asdict(each), "kept": each.kept, "planned": each.planned}
                             for each in progress(drives)],
                "drives": [vars(each) for each in drives[:-MOST_DRIVES - 1:-1]]}

    def now(self, who: int) -> dict[str, Any]:
        """How things stand, as page `who` sees them."""
        desk, now_s = self._desk, time.monotonic()
        found = {"phase": desk.phase, "said": desk.said, "version": desk.version,
                 "yours": desk.drives(who), "mode": desk.mode, "throttle": desk.keys.throttle,
                 "decisions": desk.decisions, "steered": desk.steered, "plan": desk.plan,
                 "decision_ms": 1000 * desk.latency_s, "confidence": desk.confidence,
                 "command_ms": _age_ms(desk.decided_s, now_s)}
        if desk.pilot is None:
            return found
        try:
            state = desk.pilot.state()
        except LinkLostError as lost:
            return found | {"lost": str(lost), "why": str(lost), "armed": False}
        frame = desk.pilot.frame()
        return found | {
            "armed": state.armed, "why": state.why, "mode": state.mode, "live": state.live,
            "lost": state.lost, "velocity": state.velocity, "measured": state.measured,
            "refused": state.refused, "tick_ms": 1000 * state.late_s,
            "frame_ms": None if frame is None else _age_ms(frame.arrived_s, now_s)}

    def frame(self) -> Frame | None:
        """The latest picture, as it came."""
        return None if self._desk.pilot is None else self._desk.pilot.frame()

    def message(self, told: dict[str, Any], frame: Frame | None) -> bytes:
        """One message for a page: length of the JSON, JSON, JPEG; without a picture no JPEG."""
        text = json.dumps(told).encode()
        return LENGTH.pack(len(text)) + text + (b"" if frame is None else self._jpeg(frame))

    def _jpeg(self, frame: Frame) -> bytes:
        """A picture, packed once for all pages."""
        number, packed = self._packed
        if number != frame.number:
            written = io.BytesIO()
            Image.fromarray(frame.rgb).save(written, "JPEG", quality=QUALITY)
            packed = written.getvalue()
            self._packed = frame.number, packed
        return packed


def _age_ms(since_s: float, now_s: float) -> float | None:
    """None for what never was."""
    return 1000 * (now_s - since_s) if since_s > 0.0 else None
