"""Recording at the camera's pace: every picture once, in order, with what was driven then."""

import contextlib
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from envs import load_robot
from episodes import stream
from episodes.hdf5 import read_episode
from hardware.board import Board, shared_file
from hardware.camera_tape import CameraTape, RecordingError
from hardware.driver import picture_of
from hardware.pilot import Pilot
from hardware.recorder import Recorder
from hardware.robot_env import wait_for_arming
from hardware.transport import Frame, Place
from tests.hardware.robots import robot, until

SIZE = (18, 32)
FACTS = {"source": "simulated", "pattern": "core", "distance": "far", "instruction": "go"}
SLOTS = 32


class Camera:
    """The driver's side of the boards: pictures, and how things stand."""

    def __init__(self, size=SIZE):
        self.size, self.number, self.now_s = size, 0, 1000.0
        bytes_ = int(np.prod((*size, 3))) + 64
        self._files = shared_file(bytes_, SLOTS), shared_file(4096)
        self._pictures = Board(self._files[0], bytes_, SLOTS)
        self._states = Board(self._files[1], 4096)
        self.recorder = Recorder(Board(self._files[0], bytes_, SLOTS), Board(self._files[1], 4096))
        for file in self._files:
            os.close(file)

    def show(self, velocity=(0.5, 0.0, 0.0), armed=True, rgb=None, skip=0):
        """A picture, and the tick that knows of it."""
        self.number, self.now_s = self.number + 1 + skip, self.now_s + 1 / 30
        if rgb is None:
            rgb = np.full((*self.size, 3), self.number % 256, np.uint8)
        self._pictures.write(*picture_of(Frame(self.number, self.now_s, rgb)))
        driven = {"operator": [3, 1.0, 0.1, 0.0, 0.0], "policy": [self.number, 1.0, *velocity]}
        self._states.write(json.dumps({"at_s": self.now_s + 0.01, "armed": armed, "driven": driven,
                                       "why": "" if any(velocity) else "no command"}).encode())

    def begin(self, folder):
        self.recorder.begin({"folder": str(folder), "scenario": "2box_hori_left",
                             "full": [0.5, 0.5, 1.0], "facts": FACTS})


@pytest.fixture
def camera():
    return Camera()


def shown(path):
    return read_episode(path).images[:, 0, 0, 0].tolist()


def test_every_picture_is_kept_once_from_arming_to_disarming(camera, tmp_path):
    camera.show()  # before it began
    camera.begin(tmp_path)
    for armed in [False] * 3 + [True] * 40 + [False] * 3:
        camera.show(armed=armed)
        camera.recorder.look()
    done = camera.recorder.end({"ended_by": "goal"})
    (path,) = done["files"]
    assert shown(path) == list(range(5, 45))
    assert (done["frames"], done["dropped"], done["failed"]) == (40, 0, "")
    assert Path(path).name.endswith("_2box_hori_left_core_far.h5")


def test_each_picture_has_the_command_that_was_in_force_when_it_came(camera, tmp_path):
    camera.begin(tmp_path)
    camera.number = 3
    for velocity in [(0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, -0.25, 0.0), (0.0, 0.0, 1.0)]:
        camera.show(velocity)
        camera.recorder.look()
    (path,) = camera.recorder.end({})["files"]
    episode = read_episode(path)
    assert episode.commands == pytest.approx(np.array(
        [[0, 0, 0], [1.15, 0, 0], [0, -0.575, 0], [0, 0, 1.15]]), abs=1e-6)
    assert episode.time_s == pytest.approx(np.arange(4) / 30, abs=1e-6)


def test_a_recorder_that_is_held_up_for_a_second_misses_nothing(camera, tmp_path):
    camera.begin(tmp_path)
    camera.show()
    camera.recorder.look()
    for _ in range(SLOTS - 2):
        camera.show()
    done = camera.recorder.end({})
    assert shown(*done["files"]) == list(range(1, SLOTS))
    assert done["dropped"] == 0


def test_pictures_that_nobody_got_are_counted_and_none_is_made_up(camera, tmp_path):
    camera.begin(tmp_path)
    camera.show()
    camera.recorder.look()
    camera.show(skip=2)  # the camera had counted two more
    for _ in range(2 * SLOTS):  # held up for too long
        camera.show()
    done = camera.recorder.end({})
    kept = shown(*done["files"])
    assert kept == sorted(set(kept))
    assert done["dropped"] == camera.number - len(kept)
    assert done["frames"] == len(kept)


def test_a_long_drive_goes_on_in_another_file(camera, tmp_path, monkeypatch):
    monkeypatch.setattr(stream, "MAX_PIXEL_BYTES", 10 * 18 * 32 * 3)
    camera.begin(tmp_path)
    for _ in range(25):
        camera.show()
        camera.recorder.look()
    files = camera.recorder.end({"ended_by": "time"})["files"]
    assert [len(shown(path)) for path in files] == [10, 10, 5]
    assert sum(map(shown, files), []) == list(range(1, 26))
    assert files == sorted(files)
    times_s = np.concatenate([read_episode(path).time_s for path in files])
    assert times_s == pytest.approx(np.arange(25) / 30, abs=1e-5)


def test_a_drive_that_was_never_armed_leaves_nothing(camera, tmp_path):
    camera.begin(tmp_path)
    camera.show(armed=False)
    camera.recorder.look()
    camera.begin(tmp_path)
    assert camera.recorder.end({})["files"] == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_while_driving(camera, tmp_path):
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    camera.begin(tmp_path / "taken")
    camera.show()
    camera.recorder.look()
    until(lambda: camera.recorder.failed)
    assert "recording ended" in camera.recorder.failed
    done = camera.recorder.end({})
    assert done["files"] == []
    assert "recording ended" in done["failed"]


def test_a_drive_is_taped_by_a_process_of_its_own(tmp_path):
    with robot("sim", tmp_path) as here, contextlib.closing(
            Pilot(here.place, "manual")) as pilot, contextlib.closing(
            CameraTape(pilot, load_robot())) as tape:
        pilot.wait_live(30.0)
        tape.begin(tmp_path / "kept", "1box_vert_left", FACTS)
        wait_for_arming(pilot)
        for _ in range(10):
            pilot.command([0.5, 0.0, 0.0], "operator")
            time.sleep(0.1)
        pilot.disarm()
        until(lambda: not pilot.state().armed)
        tape.check()
        done = tape.end(ended_by="safety_stop")
        (path,) = done.files
        episode = read_episode(path)
        assert done.frames == len(episode.images) > 10
        assert episode.images[0, 0, 0].tolist() == [90, 90, 90]
        assert episode.commands[:, 0].max() == pytest.approx(1.15)
        assert episode.source == "simulated"
        tape.process.kill()
        tape.process.wait()
        with pytest.raises(RecordingError, match="is gone"):
            tape.check()


def test_when_the_driving_process_dies_the_tape_is_finished(tmp_path):
    with robot("sim", tmp_path) as here, contextlib.closing(Pilot(here.place, "manual")) as pilot:
        tape = CameraTape(pilot, load_robot())
        pilot.wait_live(30.0)
        tape.begin(tmp_path / "kept", "1box_vert_left", FACTS)
        wait_for_arming(pilot)
        time.sleep(0.5)
        tape._link.close()  # as the end of the process does
        (path,) = until(lambda: list((tmp_path / "kept").glob("episode_*.h5")))
        assert len(read_episode(path).images) > 3
        tape.process.wait(30)


def film(tmp_path, seconds):
    """A recording in 720p whose pictures are as hard to pack as a camera's dark noise."""
    rng, found = np.random.default_rng(0), stream.EpisodeStream(
        tmp_path / "episode_20260801_101500.h5", (720, 1280), {"scenario": "", **FACTS})
    for number in range(8):
        rgb = rng.integers(90, 92, (720, 1280, 3), np.uint8)
        found.append(stream.pack(rgb), np.zeros(3), seconds * number / 7)
    return Place("replay", str(found.finish({})))


def own_mib(process):
    """Memory that a process shares with no other and no file."""
    status = Path(f"/proc/{process.pid}/status").read_text("utf-8")
    return int(status.split("RssAnon:")[1].split()[0]) / 1024


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [22.0, 600.0])
def test_720p_at_30_pictures_a_second_is_taped_whole_beside_the_ticks(tmp_path, seconds):
    """Through all processes, in real time: a replayed camera, first untaped."""
    with contextlib.closing(Pilot(film(tmp_path, 2 * seconds + 60.0), "manual")) as pilot, \
            contextlib.closing(CameraTape(pilot, load_robot())) as tape:
        pilot.wait_live(60.0)
        time.sleep(22.0)  # a thousand ticks
        without_s = pilot.state().late_s
        tape.begin(tmp_path / "kept", "1box_vert_left", FACTS)
        wait_for_arming(pilot)
        until_s, mib = time.monotonic() + seconds, [own_mib(tape.process)]
        pilot.command([0.1, 0.0, 0.0], "operator")  # the replay begins with the first motion
        while time.monotonic() < until_s:
            time.sleep(0.5)
            mib.append(own_mib(tape.process))
            tape.check()
        taped_s = pilot.state().late_s
        pilot.disarm()
        until(lambda: not pilot.state().armed)
        done = tape.end(ended_by="time")
    size = sum(path.stat().st_size for path in done.files)
    print(f"\n{done.frames} pictures, {done.dropped} missed, {len(done.files)} files, "
          f"{size / 1e9:.2f} GB; ticks late, p99: {1000 * without_s:.2f} ms untaped, "
          f"{1000 * taped_s:.2f} ms taped; memory {mib[0]:.0f} to {max(mib):.0f} MiB")
    assert done.dropped == 0
    assert done.frames >= 30 * seconds - 1
    assert taped_s - without_s <= 0.001
    assert max(mib) < 500
