"""A regression is found in ratios: each least time beside that of a kernel of the same minute.

The kernel is timed before every case, and its least time of the whole run counts; a case's number
is its least time divided by that, so that another or a busier machine moves both. A case that is
more than a fifth above the committed baseline fails the run. `BENCH_BASELINE=write` writes it anew.
"""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

BASELINE = Path(__file__).with_name("baseline.json")
MOST = 1.2  # times the baseline
KERNEL_TRIES, SIDE = 5, 256
LEAST_S = 1e-4  # what is shorter is not gated: a clock's own time counts in it
kernel_s = []


def kernel() -> float:
    """The shortest of a few: matrices, memory and an interpreter's loop, about a millisecond."""
    matrix, numbers = np.ones((SIDE, SIDE), np.float32), np.ones(2**18, np.float32)
    best = float("inf")
    for _ in range(KERNEL_TRIES):
        start = time.perf_counter()
        matrix @ matrix
        numbers.sum()
        sum(range(5000))
        best = min(best, time.perf_counter() - start)
    return best


@pytest.fixture(autouse=True)
def calibrated():
    """The kernel is timed around every case."""
    kernel_s.append(kernel())
    yield
    kernel_s.append(kernel())


def name_of(benchmark) -> str:
    return benchmark.fullname.removeprefix("tests/bench/")


def ratios(benchmarks, calibration_s: float) -> dict[str, float]:
    """Every case's least time in kernels of the same run; what is too short is left out."""
    return {name_of(each): each.stats.min / calibration_s for each in benchmarks
            if each.stats.data and each.stats.min >= LEAST_S}


def regressions(found: dict[str, float], baseline: dict[str, float]) -> list[str]:
    """Cases that take more than a fifth longer than in the baseline."""
    return [name for name, ratio in found.items()
            if name in baseline and ratio > MOST * baseline[name]]


def _found(config) -> dict[str, float]:
    session = getattr(config, "_benchmarksession", None)
    if session is None or session.disabled or not kernel_s:
        return {}
    return ratios(session.benchmarks, min(kernel_s))


def _baseline() -> dict[str, float]:
    return json.loads(BASELINE.read_text()) if BASELINE.is_file() else {}


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fail the run for a regression, or write the baseline."""
    found = _found(session.config)
    if os.environ.get("BENCH_BASELINE") == "write":
        if found:
            whole = _baseline() | {name: round(ratio, 3) for name, ratio in found.items()}
            BASELINE.write_text(json.dumps(dict(sorted(whole.items())), indent=1) + "\n")
    elif regressions(found, _baseline()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    """The table at the end."""
    found, baseline = _found(config), _baseline()
    if not found:
        return
    slow = regressions(found, baseline)
    terminalreporter.section("against the baseline, in kernels of the same run")
    terminalreporter.write_line(f"one kernel: {1e3 * min(kernel_s):.3f} ms")
    for name, ratio in sorted(found.items()):
        before = baseline.get(name)
        said = "new" if before is None else f"{ratio / before:5.2f} times the baseline"
        mark = "  REGRESSION" if name in slow else ""
        terminalreporter.write_line(f"{ratio:12.2f}  {said:27}  {name}{mark}")
