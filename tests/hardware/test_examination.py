"""What was found about a robot, and when it does not hold any more."""

import dataclasses
import json
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone

import pytest

from envs import load_robot
from hardware.connecting import connect
from hardware.examination import FRESH_H, Examined, Finding, check, robot_hash, write
from hardware.profile import load_profile
from hardware.run import Config
from scenarios import load
from tests.brains import Brain
from tests.hardware.robots import robot

ABOUT = Examined("dds", "abc", "hybrid", "weights")
WELL = [Finding("camera rate", True, "20 pictures a second.", {"rate_hz": 20.0})]


class Mute(Brain):
    name = "mute"


def test_a_fresh_examination_of_just_this_robot_holds(tmp_path):
    assert write(tmp_path / "doctor.json", ABOUT, WELL)
    check(tmp_path / "doctor.json", ABOUT)


@pytest.mark.parametrize(("changed", "says"), [
    ({"transport": "serbot"}, "another transport"), ({"robot_hash": "x"}, "another robot hash"),
    ({"policy": "forward"}, "another policy"), ({"weights_hash": None}, "another weights hash")])
def test_of_another_robot_or_other_weights_it_says_nothing(tmp_path, changed, says):
    write(tmp_path / "doctor.json", ABOUT, WELL)
    with pytest.raises(ValueError, match=says):
        check(tmp_path / "doctor.json", dataclasses.replace(ABOUT, **changed))


@pytest.mark.parametrize("hours", [FRESH_H + 0.1, -1.0])
def test_an_old_one_or_one_of_the_future_is_refused(tmp_path, hours):
    write(tmp_path / "doctor.json", ABOUT, WELL)
    later = datetime.now(timezone.utc) + timedelta(hours=hours)
    with pytest.raises(ValueError, match="h old"):
        check(tmp_path / "doctor.json", ABOUT, later)


def test_one_that_failed_is_refused_and_names_what_did(tmp_path):
    bad = [*WELL, Finding("wheels left", False, "They went right.", {})]
    assert not write(tmp_path / "doctor.json", ABOUT, bad)
    with pytest.raises(ValueError, match=r"failed \(wheels left\)"):
        check(tmp_path / "doctor.json", ABOUT)


@pytest.mark.parametrize(("text", "says"), [
    (None, "cannot be read"), ("{", "not valid JSON"), ("[]", "no examination of schema"),
    ('{"schema": 9}', "no examination of schema")])
def test_what_is_no_examination_is_refused(tmp_path, text, says):
    path = tmp_path / "doctor.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ValueError, match=says):
        check(path, ABOUT)


def test_a_time_that_is_none_is_refused(tmp_path):
    path = tmp_path / "doctor.json"
    write(path, ABOUT, WELL)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"at": "yesterday"}))
    with pytest.raises(ValueError, match="must be a time"):
        check(path, ABOUT)


def test_every_number_of_a_robots_files_counts():
    profile, body = load_profile(), load_robot()
    vendor = dataclasses.replace(profile.vendor, angle_sign=-1)
    hashes = {robot_hash(profile, body),
              robot_hash(dataclasses.replace(profile, vendor=vendor), body),
              robot_hash(profile, dataclasses.replace(body, speed_m_s=0.4))}
    assert len(hashes) == 3


def test_nothing_real_is_armed_without_one(tmp_path):
    body, policy = load_robot(), Mute()
    with robot("dds", tmp_path) as here:
        config = Config("stop", "1box_vert_left", "dds", address=here.place.address,
                        profile=here.place.profile, doctor=str(tmp_path / "doctor.json"))
        with ExitStack() as stack, pytest.raises(ValueError, match="examined before it is armed"):
            connect(config, load("1box_vert_left"), body, policy, stack)
        about = Examined("dds", robot_hash(load_profile(here.place.profile), body), "mute", None)
        write(tmp_path / "doctor.json", about, WELL)
        with ExitStack() as stack:
            assert connect(config, load("1box_vert_left"), body, policy, stack).source == "real"
