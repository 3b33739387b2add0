"""The robot as a world: the loop drives it like the simulator, and hears why it stands."""

import dataclasses
import time
from datetime import datetime
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from envs import load_robot
from episodes.hdf5 import read_episode
from episodes.rollout import Task, rollout
from hardware.pilot import State
from hardware.recording import keep
from hardware.robot_env import LAG_S, RobotEnv
from hardware.run import Config, drive
from hardware.safety import RefusedError
from hardware.transport import Frame, LinkLostError
from scenarios import load
from tests.brains import AHEAD, Brain

SCENARIO = load("1box_vert_left")
ROBOT = dataclasses.replace(load_robot(), decision_s=0.05)
STILL = State(0.0, True, "", "vla", True, (0.0, 0.0, 0.0), "", None, {})


class Forward(Brain):
    name, command = "ahead", AHEAD


class FakePilot:
    """Does at once what it is told; the tests say what happens next."""

    source = "real"

    def __init__(self):
        self.velocities, self.now, self.scale = [], STILL, 1.0
        self.frozen_s = None
        self.disarmed = 0

    def frame(self):
        at_s = self.frozen_s or time.monotonic()
        return Frame(1, at_s, np.full((36, 64, 3), 77, np.uint8))

    def state(self):
        if self.now is None:
            raise LinkLostError("The process that drives is gone.")
        return self.now

    def command(self, velocity, seen_s):
        self.velocities.append(velocity)
        self.seen_s = seen_s
        if self.now is not None:
            driven = {**self.now.driven, "policy": [len(self.velocities), self.scale, *velocity]}
            self.now = dataclasses.replace(self.now, driven=driven)
        return len(self.velocities)

    def arm(self):
        self.now = dataclasses.replace(self.now, armed=True)

    def disarm(self):
        self.disarmed += 1

    def wait_live(self, patience_s):
        if self.frozen_s:
            raise LinkLostError("No live pictures")

    def close(self):
        self.now = None


def world(pilot, **options):
    return RobotEnv(SCENARIO, ROBOT, pilot, (12, 16), consent=FakePilot.arm, **options)


def test_the_one_loop_drives_it_and_leaves_a_record():
    pilot = FakePilot()
    record = rollout(world(pilot), Forward(), Task(3, "go", {"distance": "far"}, most=4))
    assert record.source == "real"
    assert record.ended_by == "time"
    assert record.decisions == 4
    assert pilot.velocities == [[0.5, 0.0, 0.0]] * 4  # m/s
    assert (record.sent == np.float32(AHEAD)).all()
    assert np.isnan(record.poses).all()
    assert record.variation == {"distance": "far", "bias": "unknown", "pattern": "unknown"}


def test_an_episode_ends_after_the_scenarios_decisions_and_the_robot_is_disarmed():
    pilot = FakePilot()
    scenario = dataclasses.replace(
        SCENARIO, success=dataclasses.replace(SCENARIO.success, max_decisions=2))
    env = RobotEnv(scenario, ROBOT, pilot, consent=FakePilot.arm)
    env.reset()
    assert env.step(np.float32(AHEAD))[2:4] == (False, False)
    before = pilot.disarmed
    assert env.step(np.float32(AHEAD))[2:4] == (False, True)
    assert pilot.disarmed == before + 1


def test_pictures_come_squeezed_and_not_older_than_asked():
    env = world(FakePilot())
    observation, _ = env.reset()
    assert observation["rgb"].shape == (12, 16, 3)
    assert (observation["rgb"] == 77).all()
    assert observation["velocity"].dtype == np.float32


def test_a_picture_shows_where_the_robot_stands_after_a_command():
    pilot = FakePilot()
    env = world(pilot)
    env.reset()
    begun_s = time.monotonic()
    brakes_s = ROBOT.decision_s + 0.1

    def braking():
        moving = time.monotonic() - begun_s < brakes_s
        return dataclasses.replace(pilot.now, velocity=(0.2 * moving, 0.0, 0.0))

    def picture():  # brighter where the light fell in after the wheels stood
        now_s = time.monotonic()
        shown = 200 if now_s - LAG_S - begun_s >= brakes_s else 100
        return Frame(1, now_s, np.full((36, 64, 3), shown, np.uint8))

    pilot.state, pilot.frame = braking, picture
    observation = env.step(np.float32(AHEAD))[0]
    assert (observation["rgb"] == 200).all()
    assert (observation["velocity"] == 0.0).all()


def test_an_operator_who_drives_on_is_not_waited_for():
    pilot = FakePilot()
    env = world(pilot)
    env.reset()
    pilot.now = dataclasses.replace(pilot.now, velocity=(0.2, 0.0, 0.0))
    observation, _, terminated, truncated, _ = env.step(np.float32(AHEAD))
    assert (terminated, truncated) == (False, False)
    assert observation["velocity"].tolist() == pytest.approx([0.2, 0.0, 0.0])


def test_what_measures_is_believed_and_where_nothing_does_the_last_sent_counts():
    pilot = FakePilot()
    env = world(pilot)
    pilot.now = dataclasses.replace(STILL, velocity=(0.3, 0.0, 0.0))
    assert env.reset()[0]["velocity"].tolist() == pytest.approx([0.3, 0.0, 0.0])
    pilot.now = dataclasses.replace(STILL, measured=[0.1, 0.0, 0.0])
    assert env.reset()[0]["velocity"].tolist() == pytest.approx([0.1, 0.0, 0.0])


def sent(pilot, env):
    env.reset()
    return env.step(np.float32(AHEAD))[4]["sent"].tolist()


def test_sent_is_what_the_gate_let_through():
    pilot = FakePilot()
    env = world(pilot)
    assert sent(pilot, env) == pytest.approx(AHEAD)
    pilot.scale = 0.5
    assert sent(pilot, env) == pytest.approx([0.575, 0.0, 0.0])
    pilot.command = lambda velocity, seen_s: 99  # refused: it never was in force
    assert sent(pilot, env) == [0.0, 0.0, 0.0]


def test_sent_is_the_operators_command_where_he_drove():
    pilot = FakePilot()
    env = world(pilot)

    def taken_over(velocity, seen_s):
        pilot.now = dataclasses.replace(pilot.now, driven={"operator": [5, 1.0, 0.0, -0.25, 0.0]})
        return 1

    pilot.command = taken_over
    assert sent(pilot, env) == pytest.approx([0.0, -0.575, 0.0])


@pytest.mark.parametrize(("state", "says"), [
    (dataclasses.replace(STILL, armed=False, why="e-stop: key"), "stopped (e-stop: key)"),
    (dataclasses.replace(STILL, armed=False, lost="The cable is out."), "The cable is out."),
    (None, "The process that drives is gone."),
])
def test_a_stop_ends_the_episode_and_says_why(state, says):
    pilot = FakePilot()
    env = world(pilot)
    env.reset()
    pilot.now = state
    _, _, terminated, _, info = env.step(np.float32(AHEAD))
    assert terminated
    assert info["ended_by"] == "safety_stop"
    assert says in env.why


def test_a_camera_that_freezes_ends_the_episode(monkeypatch):
    monkeypatch.setattr("hardware.robot_env.PATIENCE_S", 0.5)
    pilot = FakePilot()
    env = world(pilot)
    env.reset()
    pilot.frozen_s = time.monotonic() - 1.0
    assert env.step(np.float32(AHEAD))[4]["ended_by"] == "safety_stop"
    assert "No live pictures" in env.why
    with pytest.raises(LinkLostError):
        env.reset()


def test_a_camera_that_counts_on_but_shows_the_same_ends_the_episode(monkeypatch):
    monkeypatch.setattr("hardware.robot_env.PATIENCE_S", 0.5)
    pilot = FakePilot()
    env = world(pilot)
    env.reset()
    pilot.now = dataclasses.replace(STILL, live=False, why="frozen camera")
    assert env.step(np.float32(AHEAD))[4]["ended_by"] == "safety_stop"
    assert env.why.startswith("The camera is frozen")


def test_a_watchdog_that_is_gone_ends_the_episode_and_a_pause_of_it_does_not(monkeypatch):
    monkeypatch.setattr("hardware.robot_env.PATIENCE_S", 0.5)
    pilot = FakePilot()
    env = world(pilot)
    env.reset()
    gone = dataclasses.replace(STILL, why="watchdog")
    until_s = time.monotonic() + 0.2
    pilot.state = lambda: gone if time.monotonic() < until_s else pilot.now
    assert env.step(np.float32(AHEAD))[4]["ended_by"] is None
    pilot.state = lambda: gone
    assert env.step(np.float32(AHEAD))[4]["ended_by"] == "safety_stop"
    assert env.why.startswith("The watchdog gives no sign of life")


@pytest.mark.parametrize(("state", "says"), [
    (dataclasses.replace(STILL, why="watchdog"), "The watchdog"),
    (dataclasses.replace(STILL, live=False, why="camera"), "No live pictures"),
    (dataclasses.replace(STILL, armed=False, lost="The cable is out."), "The cable is out.")])
def test_what_goes_wrong_before_the_first_decision_is_called_by_its_name(monkeypatch, state, says):
    monkeypatch.setattr("hardware.robot_env.PATIENCE_S", 0.3)
    pilot = FakePilot()
    pilot.now = state
    with pytest.raises(LinkLostError, match=says):
        RobotEnv(SCENARIO, ROBOT, pilot, consent=lambda pilot: None).reset()


def test_nothing_begins_without_consent():
    pilot = FakePilot()

    def refuses(pilot):
        raise RefusedError("e-stop", "The emergency stop holds.")

    env = RobotEnv(SCENARIO, ROBOT, pilot, consent=refuses)
    with pytest.raises(RefusedError):
        env.reset()
    assert pilot.velocities == []


def test_a_referee_is_believed():
    pilot = FakePilot()
    truth = {"ended_by": "goal", "is_success": True, "side_followed": "left"}
    referee = SimpleNamespace(reset=lambda seed, fixed: None, judge=lambda: dict(truth))
    env = world(pilot, referee=referee)
    env.reset(seed=3)
    _, _, terminated, _, info = env.step(np.float32(AHEAD))
    assert terminated
    assert info["ended_by"] == "goal"
    assert env.info["is_success"]


def test_a_world_that_ended_and_shows_nothing_new_is_no_frozen_camera(monkeypatch):
    monkeypatch.setattr("hardware.robot_env.PATIENCE_S", 0.3)
    pilot = FakePilot()
    truth = {"ended_by": "contact", "is_success": False, "side_followed": None}
    referee = SimpleNamespace(reset=lambda seed, fixed: None, judge=lambda: dict(truth))
    env = world(pilot, referee=referee)
    env.reset(seed=3)
    pilot.now = dataclasses.replace(STILL, live=False, why="frozen camera")
    assert env.step(np.float32(AHEAD))[4]["ended_by"] == "contact"
    assert env.why == ""


@pytest.mark.parametrize("command", [[0.0, 0.0], [np.nan, 0.0, 0.0], [[1.0, 0.0, 0.0]]])
def test_what_is_no_command_is_an_error(command):
    env = world(FakePilot())
    env.reset()
    with pytest.raises(ValueError, match="3 finite numbers"):
        env.step(np.array(command, np.float32))


def test_its_spaces_are_the_simulators():
    import envs

    there = envs.make(SCENARIO, image_size=(12, 16))
    here = world(FakePilot())
    assert here.observation_space == there.observation_space
    assert here.action_space == there.action_space
    there.close()


def test_a_drive_is_kept_as_an_episode_that_reads_like_any_other(tmp_path):
    record = rollout(world(FakePilot()), Forward(), Task(3, "go left", most=3, keep_rgb=True))
    path = keep(record, tmp_path / "drives", "serbot", "vla", "", datetime(2026, 5, 4, 3, 2, 1))
    assert path.name == "episode_20260504_030201_1box_vert_left.h5"
    episode = read_episode(path)
    assert episode.source == "real"
    assert episode.instruction == "go left"
    assert episode.images.shape == (4, 12, 16, 3)
    assert (episode.images == 77).all()
    assert episode.commands[1:].tolist() == [pytest.approx(AHEAD)] * 3
    known = rollout(world(FakePilot()), Forward(), Task(
        3, "go", {"distance": "far", "pattern": "core"}, most=1, keep_rgb=True))
    assert keep(known, tmp_path, "serbot", "vla", "").stem.endswith("1box_vert_left_core_far")


def test_a_compatible_drive_opens_in_a_reader_that_knows_plain_hdf5_alone(tmp_path):
    told = Config("ahead", "1box_vert_left", record=str(tmp_path), compat=True)
    drive(told, SCENARIO, world(FakePilot()), Forward())
    (path,) = tmp_path.glob("episode_*.h5")
    with h5py.File(path) as file:
        images = file["images"]
        assert images.compression == "gzip"
        assert images.chunks == (1, *images.shape[1:])
        assert (images[0] == 77).all()
