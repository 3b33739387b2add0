"""The process that stops the wheels when the one that drives them does not: `Watch` decides.

It has a connection of its own to the robot, no other work, and drives nowhere: all that it can say
is zero. Whoever stays silent is ended, so that it does not come back and drive on.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time

from envs.realtime import WATCHES, ask_for_priority, ticks
from hardware.link import Link, inherited
from hardware.safety import REPEATS, TICK_S, Watch
from hardware.transport import Place, Transport


def main(place: str, beats: str, driver: str) -> None:
    """Watch until the driver is gone, then stop the wheels and confirm it by repetition.

    Args:
        place: The robot's `Place` as JSON.
        beats: Number of the inherited end on which signs of life come, and are given back.
        driver: Number of the inherited handle of the driver's process.
    """
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it ends when there is nothing to watch any more
    ask_for_priority(WATCHES)
    link = inherited(int(beats))
    try:
        transport = Place(**json.loads(place)).open(looks=False)
    except ValueError as error:
        sys.exit(f"watchdog: {error}")
    watch(link, transport, int(driver))
    transport.close()


def watch(link: Link, transport: Transport, driver: int) -> None:
    """Give signs of life back as long as they come; then end who gave them, and stop the wheels."""
    rules, told = Watch(), 0
    for _ in ticks(TICK_S):
        now_s = time.monotonic()
        for message in link.heard():
            rules.heard(message["beat"], now_s)
            link.send(beat=message["beat"])
        if link.lost:
            rules.lost()
        if rules.tick(now_s):
            if rules.why and told == 0 and not link.lost:
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(driver, signal.SIGKILL)
            transport.stop()
            told += bool(rules.why)
            if told > REPEATS:
                return
