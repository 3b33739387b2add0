"""An episode file that grows picture by picture."""

import errno
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from episodes import stream as stream_module
from episodes.atomic import leftovers
from episodes.hdf5 import read_episode
from episodes.seal import verify
from episodes.stream import EpisodeStream, pack

ROOT = Path(__file__).parent.parent.parent
NAME = "episode_20260801_101500_2box_hori_left_core_far.h5"
FACTS = {"scenario": "2box_hori_left", "source": "real", "pattern": "core", "distance": "far",
         "instruction": "컵까지 가세요", "policy": "hybrid", "part": 0}
SIZE = (18, 32)


def picture(number, size=SIZE):
    return np.random.default_rng(number).integers(0, 256, (*size, 3), np.uint8)


def begun(tmp_path, frames=0, size=SIZE):
    found = EpisodeStream(tmp_path / NAME, size, FACTS)
    for number in range(frames):
        found.append(pack(picture(number, size)), np.float32([0.1 * number, 0.0, 0.0]),
                     number / 30)
    return found


def test_what_was_appended_is_read_like_any_other_episode(tmp_path):
    path = begun(tmp_path, 12).finish({"ended_by": "goal", "mode": "vla"})
    episode = read_episode(path)
    assert (episode.images == np.array([picture(number) for number in range(12)])).all()
    assert episode.commands[:, 0] == pytest.approx(0.1 * np.arange(12))
    assert episode.time_s == pytest.approx(np.arange(12) / 30, abs=1e-6)
    assert episode.events == ("episode_start", *11 * ["start_action"])
    assert (episode.instruction, episode.source) == (FACTS["instruction"], "real")
    assert (episode.pattern, episode.distance) == ("core", "far")
    assert episode.decision_count == 11
    assert verify(path)[1]["frames"] == 12
    assert sorted(tmp_path.iterdir()) == [path]


def test_nobody_sees_it_before_it_is_finished_and_discarding_leaves_nothing(tmp_path):
    found = begun(tmp_path, 3)
    assert not list(tmp_path.glob("episode_*"))
    found.discard()
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match="no picture"):
        begun(tmp_path).finish({})


def test_it_is_full_before_readers_would_refuse_it(tmp_path, monkeypatch):
    monkeypatch.setattr(stream_module, "MAX_PIXEL_BYTES", 10 * 18 * 32 * 3)
    found = begun(tmp_path)
    while not found.full:
        found.append(pack(picture(0)), np.zeros(3), len(found) / 30)
    assert len(found) == 10
    assert len(read_episode(found.finish({})).images) == 10


def test_pictures_of_which_packing_leaves_nothing_are_readable_too(tmp_path):
    """Readers refuse files that claim to unpack to a thousand times their size."""
    black, size = np.zeros((720, 1280, 3), np.uint8), (720, 1280)
    found = EpisodeStream(tmp_path / NAME, size, FACTS)
    while not found.full:
        found.append(pack(black), np.zeros(3), len(found) / 30)
    assert len(found) >= 20
    assert read_episode(found.finish({})).images.shape == (len(found), *size, 3)


def test_when_the_disk_is_full_what_was_recorded_is_finished(tmp_path, monkeypatch):
    found = begun(tmp_path, 5)

    def refuses(*words):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(found, "_images", Refusing(found._images, refuses))
        with pytest.raises(OSError, match="No space"):
            found.append(pack(picture(5)), np.zeros(3), 5 / 30)
    assert len(read_episode(found.finish({"ended_by": "safety_stop"})).images) == 5
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_met_before_hdf5_meets_it(tmp_path, monkeypatch):
    found = begun(tmp_path, 5)
    packed = pack(picture(5))
    left = SimpleNamespace(f_bavail=stream_module.ROOM_BYTES + len(packed) - 1, f_frsize=1)
    with monkeypatch.context() as full:
        full.setattr("os.statvfs", lambda _: left)
        with pytest.raises(OSError, match="No space left on device"):
            found.append(packed, np.zeros(3), 5 / 30)
        left.f_bavail += 1
        found.append(packed, np.zeros(3), 5 / 30)
    assert len(read_episode(found.finish({})).images) == 6


REFUSED = """
import resource, sys
sys.path.insert(0, {root!r})
from pathlib import Path
import numpy as np
from episodes.hdf5 import read_episode
from tests.episodes.test_stream import begun, pack, picture
found = begun(Path({folder!r}), 0, (224, 224))
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
try:
    for number in range(100):
        found.append(pack(picture(number, (224, 224))), np.zeros(3), number / 30)
except OSError as error:
    print("refused")
try:
    print(len(read_episode(found.finish({{}})).images) == len(found))
except (OSError, ValueError) as error:
    print("not finished")
"""


@pytest.mark.parametrize("limit", [300_000, 1_000_000, 2_345_678, 5_000_000])
def test_what_only_hdf5_is_refused_is_whole_or_not_there(tmp_path, limit):
    script = REFUSED.format(root=str(ROOT), folder=str(tmp_path), limit=limit)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout.split("\n")[0], done.returncode) == ("refused", 0), done.stderr
    assert done.stdout.split("\n")[1] in ("True", "not finished")
    assert not leftovers(tmp_path)
    for path in tmp_path.iterdir():
        read_episode(path)


class Refusing:
    """A data set that takes no chunk any more."""

    def __init__(self, within, refuses):
        self._within, self.write_direct_chunk = within, refuses

    def __getattr__(self, name):
        return getattr(self._within, name)


DIES = """
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from tests.episodes.test_stream import begun
begun(Path({folder!r}), 30)
os.kill(os.getpid(), {number})
"""


def test_a_recorder_that_is_killed_leaves_no_half_episode(tmp_path):
    code = DIES.format(root=str(ROOT), folder=str(tmp_path), number=int(signal.SIGKILL))
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == -signal.SIGKILL
    assert not list(tmp_path.glob("episode_*"))
    assert len(leftovers(tmp_path)) == len(list(tmp_path.iterdir())) == 2
