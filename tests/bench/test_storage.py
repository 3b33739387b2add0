"""Episode files against the raw disk and against what h5py does when nobody chooses.

`tox -e bench` prints the ratios under each test's name. All sizes are bytes of pixels: 18 frames
of 720p, of the simulator and with a camera's noise on top. Everything that writes syncs.
"""

import os

import h5py
import numpy as np
import pytest

import envs
import scenarios
from episodes.hdf5 import read_episode, read_told
from episodes.hdf5_writer import write_episode
from tests.bench.ratios import alternating, report
from tests.episodes.records import FORWARD, record

pytestmark = pytest.mark.bench
FRAMES = 18
SIGMA = 4.0  # of the noise, in grey levels
KINDS = ("simulated", "noisy")
TIMES_RAW_DISK = 1.5  # of simulated frames
TIMES_AUTO_GZIP = {"simulated": 20.0, "noisy": 7.0}
RANDOM_FRAME = 10.0  # times as fast as with h5py's own chunks


@pytest.fixture(scope="module")
def pictures():
    """[18, 720, 1280, 3] uint8 by kind."""
    env = envs.make(scenarios.load("2box_hori_left"), image_size=(720, 1280)).unwrapped
    env.reset(seed=0)
    seen = np.array([env.step(np.array(FORWARD, np.float32))[0]["rgb"] for _ in range(FRAMES)])
    env.close()
    noise = np.random.default_rng(0).normal(0, SIGMA, seen.shape)
    return {"simulated": seen, "noisy": np.clip(seen + noise, 0, 255).astype(np.uint8)}


def written_raw(pixels, path):
    """One file of nothing but pixels, on the disk."""
    with path.open("wb") as file:
        file.write(pixels.data)
        file.flush()
        os.fsync(file.fileno())


def written_by_default(pixels, path):
    """What h5py does with `compression="gzip"`, on the disk."""
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=pixels, compression="gzip")
    with path.open("rb") as file:
        os.fsync(file.fileno())


def made(pixels, moves=FRAMES - 3):
    """A record of so many pictures: one start frame, and one a decision."""
    return record(moves=moves, stops=2, rgb=pixels)


@pytest.mark.benchmark(group="writing an episode of 720p")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("storage", ["zstd", "gzip", "jpeg"])
def test_writing(benchmark, pictures, tmp_path, kind, storage):
    pixels, path = pictures[kind], tmp_path / "episode.h5"
    episode = made(pixels)
    raw_s, ours_s = alternating(lambda: written_raw(pixels, tmp_path / "raw"),
                                lambda: write_episode(path, episode, storage=storage), 10, 3)
    benchmark.pedantic(write_episode, args=(path, episode), kwargs={"storage": storage}, rounds=3)
    report(benchmark, "pixels per byte of file", pixels.nbytes / path.stat().st_size)
    report(benchmark, "pixels a second, MB", pixels.nbytes / ours_s / 1e6)
    report(benchmark, f"times the raw disk's rate, {kind} frames as {storage}", raw_s / ours_s,
           TIMES_RAW_DISK if (kind, storage) == ("simulated", "zstd") else None)


@pytest.mark.benchmark(group="against h5py's own chunks and gzip")
@pytest.mark.parametrize("kind", KINDS)
def test_against_auto_chunked_gzip(benchmark, pictures, tmp_path, kind):
    pixels, path, usual = pictures[kind], tmp_path / "episode.h5", tmp_path / "usual.h5"
    episode = made(pixels)
    slow_s, fast_s = alternating(lambda: written_by_default(pixels, usual),
                                 lambda: write_episode(path, episode), 4, 15)
    told = read_told(path)[1]
    with h5py.File(usual) as file:
        images = file["images"]
        usual_s, ours_s = alternating(lambda: images[11], lambda: told.read(path, [11]), 3, 5)
    benchmark.pedantic(told.read, args=(path, [11]), rounds=5)
    report(benchmark, f"times as fast at a random frame, {kind}", usual_s / ours_s,
           RANDOM_FRAME if kind == "simulated" else None)
    report(benchmark, f"times as fast in writing, {kind}", slow_s / fast_s, TIMES_AUTO_GZIP[kind])


@pytest.mark.benchmark(group="reading an episode of 720p")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("storage", ["zstd", "gzip", "jpeg"])
def test_reading(benchmark, pictures, tmp_path, kind, storage):
    path = write_episode(tmp_path / "episode.h5", made(pictures[kind]), storage=storage)
    benchmark.pedantic(read_episode, args=(path,), rounds=3, warmup_rounds=1)
    report(benchmark, f"MB of pixels a second, {kind} frames as {storage}",
           pictures[kind].nbytes / benchmark.stats.stats.min / 1e6)
