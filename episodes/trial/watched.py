"""Does hostile work in a process of its own and says what became of each case.

A case that kills the process, or hangs it, costs a new process and is counted.
"""

from __future__ import annotations

import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HANG_S = 2.0  # processor time of one case
DEAD_S = 30.0  # wall-clock time of one case, after which its process is killed
FAILED = 1  # the child's exit code after an exception
STATUS = Path("/proc/self/status")
RESET_PEAK = "5"  # written to clear_refs: the peak of memory begins anew


@dataclass(frozen=True)
class Case:
    """What became of one case."""

    number: int
    result: str  # what the work returned, or "crashed", "hung"
    seconds: float = 0.0  # of processor time
    megabytes: float = 0.0  # that memory grew at its peak


def watched(work: Callable[[int], str], numbers: Sequence[int]) -> Iterator[Case]:
    """Do `work(number)` for every number in a forked process and yield what became of each.

    Args:
        work: Returns one word; an exception that it lets through is a crash.
        numbers: Of the cases.
    """
    left = list(numbers)
    while left:
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            _work(work, left, writer)
        os.close(writer)
        done = 0
        for case in _listen(reader, child):
            done += 1
            yield case
        _, status = os.waitpid(child, 0)
        if done < len(left):
            hung = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
            yield Case(left[done], "hung" if hung else "crashed")
            done += 1
        left = left[done:]


def _work(work: Callable[[int], str], numbers: list[int], writer: int) -> None:
    """What the child does; it never returns, and an exception kills it."""
    try:
        for number in numbers:
            before_mb = _reset_peak()
            start = time.process_time()
            result = work(number)
            spent_s = time.process_time() - start
            line = json.dumps([number, result, spent_s, _status_mb("VmHWM") - before_mb])
            os.write(writer, f"{line}\n".encode())
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(FAILED)


def _listen(reader: int, child: int) -> Iterator[Case]:
    """The cases that a child tells of; it is killed where it says nothing for too long."""
    rest = b""
    with os.fdopen(reader, "rb", buffering=0) as told:
        while True:
            if not select.select([told], [], [], DEAD_S)[0]:
                os.kill(child, signal.SIGKILL)
                return
            piece = told.read(1 << 16)
            if not piece:
                return
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                case = Case(*json.loads(line))
                yield Case(case.number, "hung", case.seconds) if case.seconds > HANG_S else case


def _reset_peak() -> float:
    """Begin to measure the peak of memory anew; what is used now, in MB."""
    Path("/proc/self/clear_refs").write_text(RESET_PEAK)
    return _status_mb("VmRSS")


def _status_mb(name: str) -> float:
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(name))
    return int(line.split()[1]) / 1024


def summed(cases: Iterator[Case]) -> dict[str, Any]:
    """How often each result came, and the worst of time and memory."""
    found: dict[str, Any] = {"cases": 0, "seconds": 0.0, "megabytes": 0.0, "results": {}}
    for case in cases:
        found["cases"] += 1
        found["results"][case.result] = found["results"].get(case.result, 0) + 1
        found["seconds"] = max(found["seconds"], case.seconds)
        found["megabytes"] = max(found["megabytes"], case.megabytes)
    return found
