"""Over DDS, with a robot that knows nothing of ours but topics and types."""

import contextlib
import gc
import io
import os
import re
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cyclonedds.domain import DomainParticipant
from cyclonedds.pub import DataWriter
from cyclonedds.topic import Topic
from PIL import Image as Pillow

from envs import load_robot
from episodes.ros_pictures import picture_of
from hardware.connecting import connect
from hardware.pilot import Pilot
from hardware.profile import load_profile
from hardware.robot_env import wait_for_arming
from hardware.ros_messages import Bool, CompressedImage, Header, Image, Time, message_of
from hardware.run import Config
from hardware.safety import RefusedError
from hardware.transport import LinkLostError, Place
from hardware.transport_dds import WHEELS
from scenarios import load
from tests.brains import AHEAD, Brain
from tests.hardware.robots import LOOPBACK, DdsRobot, robot, until


class Mute(Brain):
    name = "mute"


def meet(here):
    """A transport that the other side listens to."""
    transport = here.place.open()
    until(lambda: transport.frame() and transport._wheels.get_matched_subscriptions())
    return transport


@pytest.mark.parametrize(("kind", "stamped"), [
    ("bgr8", "plain"), ("rgb8", "stamped"), ("jpeg", "plain")])
def test_a_foreign_robot_is_seen_in_its_colours_and_hears_velocities(tmp_path, kind, stamped):
    here = DdsRobot(tmp_path, kind, stamped)
    transport = meet(here)
    rgb = transport.frame().rgb
    if kind == "jpeg":
        assert rgb.shape == (48, 64, 3)
        assert rgb[0, 0, 0] > 230
        assert rgb[0, 0, 2] < 40
    else:
        assert rgb.shape == (24, 33, 3)
        assert (rgb[:, :, 2 if kind == "bgr8" else 0] == 200).all()
    until(lambda: transport.send((0.25, -0.5, 0.125)) or (0.25, -0.5, 0.125) in here.heard)
    transport.close()
    until(lambda: here.heard[-1] == (0.0, 0.0, 0.0))
    here.close()


def test_the_emergency_topic_stops_until_it_is_taken_back_and_released(tmp_path):
    here = DdsRobot(tmp_path)
    pilot = Pilot(here.place)

    def say(word):
        print(word, file=here.process.stdin, flush=True)

    def demanded():
        say("stop")  # topics find each other in their own time
        return pilot.state().why == "e-stop: topic /emergency_stop"

    pilot.wait_live(20.0)
    wait_for_arming(pilot, 20.0)
    until(demanded)
    pilot.release()
    time.sleep(0.2)
    with pytest.raises(RefusedError, match="emergency stop holds"):
        pilot.arm()
    say("fine")
    until(lambda: pilot.release() or pilot.state().why == "disarmed")
    wait_for_arming(pilot, 5.0)
    pilot.close()
    here.close()


@contextlib.contextmanager
def bridged(tmp_path):
    """A simulated robot behind `hardware.bridge`, and its domain; nobody demands a stop there."""
    with robot("sim", tmp_path) as held:
        domain = str(next(DdsRobot.domains))
        bridge = subprocess.Popen([sys.executable, "-m", "hardware.bridge", "--address",
                                   held.place.address, "--domain", domain])
        yield held, domain
        assert os.sched_getscheduler(bridge.pid) == os.SCHED_OTHER
        assert bridge.poll() is None
        bridge.terminate()
        bridge.wait()


def say_once(domain, transport, stop):
    """Demand an emergency stop, or take it back, until that is heard; then leave."""
    guest = DomainParticipant(int(domain))
    alarm = DataWriter(guest, Topic(guest, "rt/emergency_stop", Bool), qos=WHEELS)
    until(lambda: alarm.write(Bool(stop)) or bool(transport.emergency) == stop)


def test_an_emergency_stop_whose_publisher_leaves_holds_and_the_next_one_is_heard(tmp_path):
    with bridged(tmp_path) as (_, domain):
        transport = Place("dds", domain).open()
        until(transport.frame)
        say_once(domain, transport, True)
        left = SimpleNamespace(sample_info=SimpleNamespace(valid_data=False))  # as DDS says it
        hears = transport._alarm
        transport._alarm = SimpleNamespace(take=lambda most: [left])
        time.sleep(0.5)
        transport._alarm = hears
        assert transport.emergency
        before = transport.frame().number
        until(lambda: transport.frame().number > before)
        say_once(domain, transport, False)
        transport.close()


def test_a_bridge_stays_when_who_drove_leaves_and_is_driven_by_the_next(tmp_path):
    with bridged(tmp_path) as (held, domain):
        for _ in range(2):
            transport = Place("dds", domain).open()
            until(transport.frame)
            until(lambda eye=transport: eye.send((0.1, 0.0, 0.0)) or held.moves())
            transport.close()
            until(lambda: not held.moves())
            del transport
            gc.collect()


def test_a_simulated_drive_is_heard_on_no_network_and_not_in_the_robots_domain(
        tmp_path, monkeypatch):
    real = DdsRobot(tmp_path)
    profile = Path(real.place.profile)
    profile.write_text(re.sub("(?m)^domain = 0", f"domain = {real.domain}", profile.read_text()))
    monkeypatch.setenv("CYCLONEDDS_URI", f"{LOOPBACK}<!-- the robot's network -->")
    with contextlib.ExitStack() as stack:
        env = connect(Config("ahead", "1box_vert_left", "dds", simulated=True,
                             profile=str(profile)), load("1box_vert_left"), load_robot(), Mute(),
                      stack)
        env.reset(seed=0)
        assert env.step(np.float32(AHEAD))[4]["sent"][0] > 0.0
        for process in (env.pilot.driver, env.pilot.watchdog):
            settings = Path(f"/proc/{process.pid}/environ").read_text()
            assert 'NetworkInterface name="lo"' in settings
            assert "the robot's network" not in settings
    assert real.heard == []
    real.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_transport_that_cannot_listen_any_more_is_a_lost_link_and_stops(tmp_path, monkeypatch):
    here = DdsRobot(tmp_path)
    transport = meet(here)
    monkeypatch.delattr("hardware.transport_dds.picture_of")  # any fault does
    with pytest.raises(LinkLostError, match="emergency topic"):
        until(lambda: transport.send((0.1, 0.0, 0.0)))
    transport.stop()
    until(lambda: here.heard[-1] == (0.0, 0.0, 0.0))
    transport.close()
    here.close()


def test_the_laboratorys_driver_hears_its_own_units(tmp_path):
    here = DdsRobot(tmp_path, wire="lab")
    transport = meet(here)
    until(lambda: transport.send((0.5, -0.25, 1.0)) or (1.15, -0.575, 1.15) in here.heard)
    transport.close()
    here.close()
    profile = load_profile("serbot_lab")
    assert profile.from_wire(profile.on_wire((0.3, 0.1, -0.7))) == pytest.approx((0.3, 0.1, -0.7))


def test_an_unknown_encoding_is_no_picture(tmp_path, caplog):
    here = DdsRobot(tmp_path, "mono8")
    transport = here.place.open()
    until(lambda: "expected rgb8 or bgr8" in caplog.text)
    time.sleep(0.3)
    assert transport.frame() is None
    assert caplog.text.count("mono8") == 1
    transport.close()
    here.close()


@pytest.mark.parametrize(("width", "step", "data"), [(4, 12, 23), (4, 11, 24), (0, 0, 0)])
def test_a_picture_whose_numbers_do_not_fit_is_refused(width, step, data):
    with pytest.raises(ValueError, match="came as"):
        picture_of(Image(Header(Time(0, 0), ""), 2, width, "rgb8", 0, step, bytes(data)))


def test_damaged_jpegs_are_refused():
    message = message_of(picture_of(Image(Header(Time(0, 0), ""), 8, 8, "rgb8", 0, 24,
                                          bytes(range(192)))), packed=True)
    message.data = message.data[:40]
    with pytest.raises(ValueError, match="cannot be read"):
        picture_of(message)


def damaged_png():
    """Its pixels begin, but their chunk ends in the middle of the next."""
    file = io.BytesIO()
    Pillow.effect_noise((32, 24), 90).save(file, "PNG")
    whole = file.getvalue()
    pixels = whole.index(b"IDAT")
    return whole[:pixels - 4] + struct.pack(">I", 40) + whole[pixels:]


def enormous_png():
    """A head that promises 900 million pixels, and four bytes of them."""
    head = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head
            + struct.pack(">II", zlib.crc32(head), 4) + b"IDAT" + bytes(8))


@pytest.mark.parametrize("made", [damaged_png, enormous_png])
def test_pngs_that_are_damaged_or_enormous_are_refused(made):
    message = CompressedImage(Header(Time(0, 0), ""), "png", made())
    with pytest.raises(ValueError, match="cannot be read"):
        picture_of(message)


def test_a_domain_is_a_number():
    with pytest.raises(ValueError, match="ROS_DOMAIN_ID"):
        Place("dds", "home").open()
