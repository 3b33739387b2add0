"""Robots for the tests: one a transport, in other processes or files, each with what it heard."""

import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from hardware.transport import Place

FAKES = Path(__file__).with_name("fakes")
PATIENCE_S = 60.0  # the machine may be busy
MOVES_M = 0.01
LOOPBACK = """<CycloneDDS><Domain><General><Interfaces><NetworkInterface name="lo"/></Interfaces>
<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>60</MaxAutoParticipantIndex><Peers><Peer Address="127.0.0.1"/></Peers>
</Discovery></Domain></CycloneDDS>"""
os.environ.setdefault("CYCLONEDDS_URI", LOOPBACK)  # for the processes of ours, too


def until(condition, patience_s=PATIENCE_S):
    """Wait for a condition, but not for ever; returns what it was."""
    end_s = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.01)
    return found


class SimRobot:
    """`light_robot.py`: a point on a line; with `hold` it drives on when nobody says anything."""

    def __init__(self, tmp_path, *options):
        script = Path(__file__).with_name("light_robot.py")
        self.process = subprocess.Popen(
            [sys.executable, script, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
        self.place = Place("sim", self.process.stdout.readline().strip())

    def x_m(self):
        print("?", file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())

    def moves(self):
        """Whether it gets on within a few of its ticks."""
        before = self.x_m()
        time.sleep(0.25)
        return self.x_m() - before > MOVES_M

    def close(self):
        self.process.kill()
        self.process.wait()


class ReplayRobot:
    """An episode's file of the laboratory's format."""

    def __init__(self, tmp_path):
        path = tmp_path / "episode_20250815_090353_1box_vert_left_core_medium.h5"
        images = np.full((4, 24, 32, 3), 120, np.uint8)
        images[:, :, :, 0] += np.arange(4, dtype=np.uint8)[:, None, None] * 20  # blue on disk
        with h5py.File(path, "w") as file:
            file["images"] = images
            file["actions"] = np.zeros((4, 3), np.float32)
            file.create_dataset("action_event_types", data=["episode_start"] + 3 * ["start_action"],
                                dtype=h5py.string_dtype())
        self.place = Place("replay", str(path))

    def close(self):
        """Nothing is open."""


class DdsRobot:
    """`foreign_robot.py` on loopback, in a domain of its own."""

    domains = itertools.count(20 + os.getpid() % 100)

    def __init__(self, tmp_path, kind="bgr8", stamped="plain", wire="si"):
        self.domain, jpeg = next(self.domains), tmp_path / "picture.jpg"
        Image.new("RGB", (64, 48), (250, 20, 20)).save(jpeg)
        script = Path(__file__).with_name("foreign_robot.py")
        self.process = subprocess.Popen(
            [sys.executable, script, str(self.domain), kind, stamped, jpeg],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"CYCLONEDDS_URI": LOOPBACK})
        assert self.process.stdout.readline() == "ready\n"
        self.heard = []
        threading.Thread(target=self._listen, daemon=True).start()
        topic = "/camera/image/compressed" if kind == "jpeg" else "/camera/image_raw"
        text = (Path("hardware/robots") / "serbot.toml").read_text(encoding="utf-8")
        text = text.replace('"/camera/image/compressed"', f'"{topic}"').replace('"si"', f'"{wire}"')
        text = text.replace("stamped = false", f"stamped = {str(stamped == 'stamped').lower()}")
        profile = tmp_path / "mine.toml"
        profile.write_text(text, encoding="utf-8")
        self.place = Place("dds", str(self.domain), str(profile))

    def _listen(self):
        for line in self.process.stdout:
            self.heard.append(tuple(map(float, line.split())))

    def close(self):
        self.process.kill()
        self.process.wait()


class SerbotRobot:
    """The vendor's library and GStreamer, both made up: `fakes/`."""

    def __init__(self, tmp_path, camera="fine", **vendor):
        self._calls = tmp_path / "calls"
        self._calls.touch()
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv("POP_CALLS", str(self._calls))
        self._patch.setenv("PATH", str(FAKES), prepend=os.pathsep)
        self._patch.syspath_prepend(str(FAKES))
        text = (Path("hardware/robots") / "serbot.toml").read_text(encoding="utf-8")
        settings = {"camera": f'"{camera}"', "width": 64, "height": 48, **vendor}
        for name, value in settings.items():
            text = re.sub(rf"(?m)^{name} = .*$", f"{name} = {value}", text)
        profile = tmp_path / "mine.toml"
        profile.write_text(text, encoding="utf-8")
        self.place = Place("serbot", "", str(profile))

    def calls(self):
        """What the library was told so far."""
        return self._calls.read_text().splitlines()

    def close(self):
        self._patch.undo()
        for name in ("pop", "pop.driving"):
            sys.modules.pop(name, None)


class RosRobot:
    """A made-up rclpy with a robot inside: `fakes/ros`."""

    def __init__(self, tmp_path, address="", profile="serbot"):
        self.folder = tmp_path
        (tmp_path / "said").touch()
        (tmp_path / "alarm").write_text("false")
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv("FAKE_ROS", str(tmp_path))
        self._patch.syspath_prepend(str(FAKES / "ros"))
        self._forget()
        self.place = Place("ros", address, profile)

    def said(self, kind, node="mobile_vla_driver"):
        """What a node said of a kind, as lists."""
        lines = map(json.loads, (self.folder / "said").read_text().splitlines())
        return [words[2:] for words in lines if words[:2] == [node, kind]]

    def close(self):
        self._patch.undo()
        self._forget()

    def _forget(self):
        """Modules of ROS, made up or not: the next robot finds its own."""
        rooms = ("rclpy", "camera_interfaces", *(f"{each}_msgs" for each in (
            "geometry", "sensor", "std", "nav")))
        for name in [each for each in sys.modules if each.split(".")[0] in rooms]:
            del sys.modules[name]


class TrueRosRobot(DdsRobot):
    """`foreign_robot.py`, met by the machine's own rclpy."""

    def __init__(self, tmp_path):
        super().__init__(tmp_path)
        self._patch = pytest.MonkeyPatch()
        self._patch.setenv("ROS_DOMAIN_ID", str(self.domain))
        self.place = Place("ros", "", self.place.profile)

    def close(self):
        self._patch.undo()
        super().close()


ROBOTS = {"sim": SimRobot, "replay": ReplayRobot, "dds": DdsRobot, "serbot": SerbotRobot,
          "ros": RosRobot, "ros, with a true rclpy": TrueRosRobot}


@contextlib.contextmanager
def robot(name, tmp_path, *options):
    with contextlib.closing(ROBOTS[name](tmp_path, *options)) as found:
        yield found
