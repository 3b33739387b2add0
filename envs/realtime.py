"""Real time: moments at a fixed rate, and a processor when they come. Standard library only."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator

SPIN_S = 0.001  # before a deadline the clock is watched instead of slept: sleeping ends late
DRIVES, WATCHES = 20, 30  # of 1 to 99: the higher first, then ordinary


def ticks(period_s: float, clock: Callable[[], float] = time.monotonic,
          sleep: Callable[[float], None] = time.sleep) -> Iterator[float]:
    """Yield by how many seconds each moment came late; moments that were missed are left out.

    Deadlines are absolute: being late once shifts nothing.

    Args:
        period_s: Between two deadlines.
        clock: Seconds that never go back.
        sleep: Waits for so many seconds, or a little longer.
    """
    due_s = clock()
    while True:
        while (left_s := due_s - clock()) > 0.0:
            if left_s > SPIN_S:
                sleep(left_s - SPIN_S)
        yield -left_s
        due_s += period_s * max(1, int((clock() - due_s) // period_s))


def ask_for_priority(priority: int) -> bool:
    """Go before ordinary processes, where the system allows it; threads started later do, too."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))
    except (AttributeError, OSError):  # no Linux, or no right to
        return False
    return True


def be_ordinary() -> None:
    """Give back what any thread of this process asked for, inherited or was given by a library."""
    if hasattr(os, "sched_setscheduler"):
        for thread in os.listdir("/proc/self/task"):
            with contextlib.suppress(ProcessLookupError):  # ended meanwhile
                os.sched_setscheduler(int(thread), os.SCHED_OTHER, os.sched_param(0))
