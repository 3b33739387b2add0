"""What follows a run: comparing large ones, and the page to look at, as whole commands.

Both compute in one process, so processor time is what they take where nobody else computes.
"""

import random
import resource
import subprocess
import sys

import pytest

from eval.run import run
from scenarios import names
from tests.bench.ratios import report
from tests.eval.stored import finished

pytestmark = pytest.mark.bench
COMPARE_S, PAGE_S, PAGE_BYTES = 5.0, 30.0, 25e6  # at most


def processor_s(module, *arguments):
    """Processor seconds of the command as a user types it, its start included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-m", module, *map(str, arguments)], check=True,
                   capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def chance(share):
    """Wins this share of the episodes."""
    return lambda scenario, index: random.Random(f"{share}{scenario}{index}").random() < share


@pytest.mark.benchmark(group="judging")
def test_two_runs_of_10000_episodes_are_compared_within_five_seconds(benchmark, tmp_path):
    runs = [finished(tmp_path, chance(share), 1250, name=name, scenarios=names(), report=False)
            for name, share in (("a", 0.7), ("b", 0.72))]
    folders = [each.folder for each in runs]
    spent = benchmark.pedantic(processor_s, args=("eval.compare", *folders), rounds=3)
    report(benchmark, "comparing 2 x 10,000 episodes, s", spent)
    report(benchmark, f"times as fast as {COMPARE_S:g} s", COMPARE_S / spent, 1.0)


@pytest.mark.benchmark(group="judging")
def test_a_page_of_400_episodes_with_16_films_takes_half_a_minute_and_25_mb(benchmark, tmp_path):
    driven = run(policy="expert", episodes=50, videos=16, out=str(tmp_path))
    assert len(list((driven.folder / "videos").glob("*.mp4"))) == 16
    spent = benchmark.pedantic(processor_s, args=("eval.report", driven.folder), rounds=1)
    size = (driven.folder / "report.html").stat().st_size
    report(benchmark, "page of 400 episodes and 16 films, s", spent)
    report(benchmark, "page of 400 episodes and 16 films, MB", size / 1e6)
    report(benchmark, f"times as fast as {PAGE_S:g} s", PAGE_S / spent, 1.0)
    report(benchmark, "times as small as 25 MB", PAGE_BYTES / size, 1.0)
