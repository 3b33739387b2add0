"""A folder of 100,000 episodes: how long its index takes, and opening it.

By processor time: what else runs on the machine is nobody's fault here. The table says the rest.
"""

import os
import time

import numpy as np
import pytest

from episodes.dataset import Dataset
from episodes.folder_index import open_index
from episodes.hdf5_writer import write_episode
from tests.bench.ratios import report
from tests.episodes.records import record

pytestmark = pytest.mark.bench
EPISODES = 100_000
LINKS = 10_000  # names of one file: file systems allow no more than some ten thousand
INDEXED_S, OPENED_S = 60.0, 1.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Names of few files: reading a header costs the same."""
    folder = tmp_path_factory.mktemp("many")
    for first in range(0, EPISODES, LINKS):
        one = write_episode(folder / f"episode_{first:06d}.h5",
                            record(moves=15, instruction=f"Go {first}"))
        for number in range(first + 1, first + LINKS):
            os.link(one, folder / f"episode_{number:06d}.h5")
    return folder


@pytest.mark.benchmark(group="a folder of 100,000 episodes")
def test_indexing_and_opening(benchmark, folder):
    start = time.process_time()
    assert len(open_index(folder, rebuild=True)) == EPISODES
    indexed_s = time.process_time() - start
    assert len(benchmark.pedantic(Dataset, args=(folder,), rounds=3)) == 17 * EPISODES
    start = time.process_time()
    Dataset(folder)
    opened_s = time.process_time() - start
    report(benchmark, "times the processor's seconds are within 60, indexing",
           INDEXED_S / indexed_s, 1.0)
    report(benchmark, "times the processor's seconds are within 1, opening",
           OPENED_S / opened_s, 1.0)


@pytest.mark.benchmark(group="one decision by chance")
def test_random_access(benchmark, folder):
    dataset, rng = Dataset(folder), np.random.default_rng(0)
    benchmark.pedantic(lambda: dataset[int(rng.integers(len(dataset)))], rounds=300)
