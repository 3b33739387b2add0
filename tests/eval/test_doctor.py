"""Before driving: what the doctor finds wrong with a machine, a camera and wheels."""

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import policies
from eval.doctor import camera, machine, wheels
from eval.doctor.__main__ import Config, main, yes
from hardware.pilot import State
from hardware.profile import load_profile
from hardware.safety import RefusedError

ROOT = Path(__file__).parent.parent.parent
PROFILE = load_profile()


def picture(colour=(200, 30, 30), row=140, size=(224, 224)):
    """A grey room with something coloured on the floor, or elsewhere."""
    rgb = np.full((*size, 3), 120, np.uint8)
    rgb[row:row + 6, 100:108] = colour
    return rgb


def seen(rgb=None, rate_hz=20.0, count=40):
    return camera.Seen([number / rate_hz for number in range(count)],
                       [picture() if rgb is None else rgb])


def failed(findings):
    return {each.name for each in findings if not each.passed}


@pytest.mark.parametrize(("given", "wrong"), [
    (seen(), set()), (seen(picture(size=(720, 1280), row=500)), {"colour order", "orientation"}),
    (seen(picture((30, 30, 200))), {"colour order"}), (seen(picture(row=20)), {"orientation"}),
    (seen(picture((30, 30, 200), row=20)), {"colour order", "orientation"}),
    (seen(picture((120, 120, 120))), {"colour order", "orientation"}),
    (seen(rate_hz=8.0), {"camera rate"}), (seen(rate_hz=3.0), {"camera rate"}),
    (seen(count=1), {"camera rate"}), (seen(picture(size=(200, 200))), {"camera size"}),
    (camera.Seen([], []), {"camera"}),
])
def test_a_camera_is_judged_by_what_it_shows(given, wrong):
    assert failed(camera.examine(given, (224, 224))) == wrong


def test_a_720p_camera_with_the_cup_in_view_is_well():
    rgb = np.full((720, 1280, 3), 120, np.uint8)
    rgb[400:440, 600:630] = (210, 20, 25)
    assert failed(camera.examine(seen(rgb), (224, 224))) == set()


def test_one_gap_in_the_pictures_is_found():
    times_s = [number / 20 for number in range(40)]
    late = camera.Seen([*times_s, times_s[-1] + 0.3], [picture()])
    assert failed(camera.examine(late, (224, 224))) == {"camera rate"}


class Wheels:
    """A pilot whose wheels do what `gain` makes of a velocity; None: nothing measures."""

    def __init__(self, gain=None, refuses=""):
        self.gain, self.refuses = gain, refuses
        self.velocity, self.until_s, self.disarmed = (0.0, 0.0, 0.0), 0.0, False

    def arm(self):
        if self.refuses:
            raise RefusedError(self.refuses, "It must not.")

    def command(self, velocity, source):
        assert source == "operator"
        assert np.abs(velocity).max() <= 0.3 + 1e-9
        self.velocity, self.until_s = velocity, time.monotonic() + 0.2

    def state(self):
        now = self.velocity if time.monotonic() < self.until_s else (0.0, 0.0, 0.0)
        felt = None if self.gain is None else (np.array(now) * self.gain).tolist()
        return State(0.0, True, "", "manual", True, tuple(now), "", felt, {})

    def disarm(self):
        self.disarmed = True


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(wheels, "DRIVEN_S", 0.25)


@pytest.mark.parametrize(("gain", "wrong"), [
    ((1.0, 1.0, 1.0), set()), ((1.0, -1.0, 1.0), {"wheels left"}),
    ((1.0, 1.0, -1.0), {"wheels turning left"}), ((0.0, 1.0, 1.0), {"wheels ahead"})])
def test_wheels_that_are_measured_tell_their_direction(short, gain, wrong):
    pilot = Wheels(gain)
    found = wheels.examine(pilot, PROFILE, "sim", ask=None)
    assert failed(found) == wrong
    assert len(found) == 6
    assert pilot.disarmed


def test_where_nothing_measures_the_operator_is_asked_and_told_which_sign_is_wrong(short):
    asked = []

    def ask(question):
        asked.append(question)
        return "LEFT" not in question

    found = wheels.examine(Wheels(), PROFILE, "serbot", ask)
    assert len(asked) == 3
    assert failed(found) == {"wheels left"}
    assert "angle_sign = -1 under [vendor]" in found[1].words
    turned = dataclasses.replace(PROFILE, vendor=dataclasses.replace(PROFILE.vendor, spin_sign=-1))
    found = wheels.examine(Wheels(), turned, "serbot", lambda question: "COUNTER" not in question)
    assert "spin_sign = 1 under [vendor]" in found[2].words
    found = wheels.examine(Wheels(), PROFILE, "dds", lambda question: False)
    assert "robot's own driver" in found[1].words


def test_wheels_that_never_stand_are_found(short, monkeypatch):
    pilot = Wheels((1.0, 1.0, 1.0))
    monkeypatch.setattr(wheels, "LATEST_S", 0.1)
    monkeypatch.setattr(pilot, "command", lambda velocity, source: (
        setattr(pilot, "velocity", velocity), setattr(pilot, "until_s", time.monotonic() + 9)))
    assert "standing after left" in failed(wheels.examine(pilot, PROFILE, "sim", ask=None))


def test_a_robot_that_must_not_move_is_not_well(short):
    assert failed(wheels.examine(Wheels(refuses="e-stop"), PROFILE, "sim", None)) == {
        "wheels ahead"}


def test_a_wall_clock_that_jumps_or_was_never_set_is_found():
    moments = iter([2e9, 2e9 + 7.0, 2e9 + 7.0])
    jumping = machine.clocks(lambda: next(moments), count=2)
    assert "jumped" in jumping.words
    never = machine.clocks(lambda: time.monotonic(), count=2)
    assert "never set" in never.words
    assert not never.passed


def test_memory_that_is_short_is_found(monkeypatch):
    monkeypatch.setattr(machine, "free_bytes", lambda device: 2**20)
    assert not machine.memory("cpu").passed
    monkeypatch.setattr(machine, "free_bytes", lambda device: None)
    assert machine.memory("cpu").passed


def test_answers_are_compared_with_those_of_the_training_machine(tmp_path, monkeypatch):
    hybrid = policies.make("hybrid")
    found, = machine.answers("hybrid", hybrid, None)
    assert found.passed
    assert found.numbers["apart"] < 1e-3
    monkeypatch.setattr(machine.golden, "check", lambda policy, folder: 0.3)
    assert not machine.answers("hybrid", hybrid, None)[0].passed
    nothing, random = (machine.answers(name, policy, None)[0] for name, policy in (
        ("forward", policies.make("forward")),
        ("hybrid", policies.make("hybrid", random_weights=True))))
    assert nothing.passed
    assert "must not drive" in random.words


def test_every_policy_inside_another_is_compared():
    names = [each.name for each in machine.answers(
        "shadow=forward,stop", policies.make("shadow=forward,stop"), None)]
    assert names == ["answers of forward", "answers of stop"]


def test_weights_without_golden_pairs_are_not_well(tmp_path):
    hybrid = policies.make("hybrid")
    assert "Cannot be compared" in machine.answers("hybrid", hybrid, str(tmp_path))[0].words


def test_a_recording_is_no_robot():
    with pytest.raises(ValueError, match="no robot to be examined"):
        main(Config(transport="replay"))


def test_nobody_there_is_no(monkeypatch):
    def ended(question):
        raise EOFError

    monkeypatch.setattr("builtins.input", ended)
    assert not yes("?")
    monkeypatch.setattr("builtins.input", lambda question: " Y ")
    assert yes("?")


def test_a_simulated_robot_is_examined_and_the_file_says_what_was_found(tmp_path):
    path = tmp_path / "doctor.json"
    done = subprocess.run([sys.executable, "-m", "eval.doctor", "--robot", "--policy", "forward",
                           "--out", str(path)], cwd=ROOT, capture_output=True, text=True)
    found = json.loads(path.read_text())
    wrong = failed(map(_finding, found["findings"]))
    busy = {each for each in wrong if each.startswith(("clocks", "camera rate", "standing"))}
    assert wrong == busy, done.stdout + done.stderr  # real time, on a machine that others use, too
    assert done.returncode == bool(wrong)
    assert len(found["findings"]) == 13
    assert (found["transport"], found["policy"]) == ("sim", "forward")


def _finding(each):
    from hardware.examination import Finding

    return Finding(**each)


def test_a_robot_that_is_not_there_is_not_well(tmp_path):
    path = tmp_path / "doctor.json"
    done = subprocess.run([sys.executable, "-m", "eval.doctor", "--robot", "--policy", "forward",
                           "--address", "127.0.0.1:1", "--out", str(path)], cwd=ROOT,
                          capture_output=True, text=True)
    assert done.returncode == 1
    assert "No robot at 127.0.0.1:1" in done.stdout
    assert not json.loads(path.read_text())["passed"]


@pytest.mark.parametrize("out", ["none/doctor.json", "."])
def test_a_place_that_takes_no_file_is_refused_before_wheels_turn(tmp_path, out):
    with pytest.raises(ValueError, match="--out .*expected a file"):
        main(Config(robot=True, policy="forward", out=str(tmp_path / out)))
