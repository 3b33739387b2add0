"""Policies around policies: shadows, a fallback, one sub-instruction after another."""

import copy
import dataclasses
import threading
import time

import numpy as np
import pytest

import envs
import policies
from envs.interface import Truth
from episodes.hdf5_writer import write_episode
from episodes.record import Record, parted
from episodes.rollout import Task, rollout
from policies import Action, ActionError
from policies.fallback import Fallback
from policies.interface import UnreachableError
from policies.sequence import InSequence, Part, split
from policies.shadow import Shadow
from scenarios import load
from tests.brains import AHEAD, Brain

LEFT = (0.0, 1.15, 0.0)


class Ahead(Brain):
    name, command = "ahead", AHEAD


class Left(Brain):
    name, command = "left", LEFT


class Wrong(Brain):
    """Has no answer for a robot whose velocity is 1, and remembers how often it was asked."""

    name, command = "wrong", AHEAD

    def act(self, memories, observations):
        actions = super().act(memories, observations)
        if any(seen["velocity"][0] == 1.0 for seen in observations):
            raise ActionError("I do not know.")
        return actions


class Unsure(Brain):
    name, command = "unsure", AHEAD
    confidence = 0.2

    def act(self, memories, observations):
        return [dataclasses.replace(each, confidence=self.confidence)
                for each in super().act(memories, observations)]


class Gone(Brain):
    name = "gone"

    def act(self, memories, observations):
        raise UnreachableError("The server is gone.")


class Slow(Brain):
    """Thinks until it is let go."""

    name, command = "slow", AHEAD

    def __init__(self):
        super().__init__()
        self.go = threading.Event()

    def act(self, memories, observations):
        assert self.go.wait(60)
        return super().act(memories, observations)


class Arrives(Brain):
    """Says twice in a row that it has arrived, from its third decision on."""

    name, command = "arrives", AHEAD

    def begin(self, instruction, seed):
        return super().begin(instruction, seed) | {"words": instruction}

    def act(self, memories, observations):
        return [dataclasses.replace(action, stop=memory["asked"] > 2)
                for memory, action in zip(memories, super().act(memories, observations))]


def seen(vx=0.0, vy=0.0, wz=0.0, value=0):
    return {"rgb": np.full((16, 16, 3), value, np.uint8),
            "velocity": np.array([vx, vy, wz], np.float32)}


def ask(policy, memory, *observation):
    action, = policy.act([memory], observation or [seen()])
    return action


def test_a_shadow_is_heard_and_not_obeyed():
    policy = Shadow([Ahead(), Left()])
    action = ask(policy, policy.begin("go", 0))
    assert action.commands.tolist() == [pytest.approx(AHEAD)]
    assert action.aside["left"].tolist() == pytest.approx(LEFT)


@pytest.mark.parametrize("fault", [Wrong, Gone])
def test_a_shadow_that_fails_leaves_the_driver_alone(fault):
    policy = Shadow([Ahead(), fault()])
    action = ask(policy, policy.begin("go", 0), seen(1.0))
    assert action.commands.tolist() == [pytest.approx(AHEAD)]
    assert np.isnan(action.aside[fault.name]).all()


def test_one_robots_error_is_no_other_robots():
    """The wrapper asks each alone, with its memory as it was before."""
    policy = Shadow([Ahead(), Wrong()])
    memories = [policy.begin("go", 0) for _ in range(3)]
    for _ in range(2):
        actions = policy.act(memories, [seen(0.5), seen(1.0), seen(0.5)])
    assert [bool(np.isnan(each.aside["wrong"]).any()) for each in actions] == [False, True, False]
    assert [each.memories[1]["asked"] for each in memories] == [2, 2, 2]


def test_the_driver_is_alone_responsible_for_its_errors():
    policy = Shadow([Wrong(), Ahead()])
    with pytest.raises(ActionError):
        ask(policy, policy.begin("go", 0), seen(1.0))


def test_what_shadows_said_stands_in_the_record_and_in_the_episodes_file(tmp_path):
    world = envs.make(load("1box_vert_left"), image_size=(16, 16))
    record = rollout(world, Shadow([Ahead(), Left()]), Task(3, "go", most=3, keep_rgb=True))
    world.close()
    assert record.aside["left"].tolist() == [pytest.approx(LEFT)] * 3
    stored = record.arrays()
    assert stored["aside left"].shape == (3, 3)
    back = Record(**record.header() | parted(stored))
    assert back.aside["left"].tolist() == record.aside["left"].tolist()
    import h5py
    with h5py.File(write_episode(tmp_path / "episode.h5", record)) as file:
        assert file["sim/aside left"][:].tolist() == record.aside["left"].tolist()


def test_where_nobody_was_asked_beside_the_record_is_as_it_was():
    world = envs.make(load("1box_vert_left"), image_size=(16, 16))
    record = rollout(world, Ahead(), Task(3, "go", most=1))
    world.close()
    assert record.aside is None
    assert not any("aside" in name for name in (*record.arrays(), *record.header()))


@pytest.mark.parametrize(("main", "velocity", "command"), [
    (Ahead, 0.0, AHEAD), (Wrong, 0.0, AHEAD), (Wrong, 1.0, LEFT), (Unsure, 0.0, LEFT),
    (Gone, 0.0, LEFT)])
def test_the_spare_drives_where_the_main_policy_errs_or_is_not_sure(main, velocity, command):
    policy = Fallback([main(), Left()])
    action = ask(policy, policy.begin("go", 0), seen(velocity))
    assert action.commands.tolist() == [pytest.approx(command)]
    assert set(action.aside) == {main.name, "left"}


def test_where_both_fail_it_is_the_main_policys_error():
    policy = Fallback([Wrong(), Gone()])
    with pytest.raises(UnreachableError):
        ask(policy, policy.begin("go", 0), seen(1.0))

    class WrongToo(Wrong):
        name = "wrong_too"

    policy = Fallback([Wrong(), WrongToo()])
    with pytest.raises(ActionError):
        ask(policy, policy.begin("go", 0), seen(1.0))


def test_a_late_main_policy_is_forgotten_and_asked_again_when_it_has_thought():
    slow = Slow()
    policy = Fallback([slow, Left()], late_s=0.05)
    memory = policy.begin("go", 0)
    start_s = time.monotonic()
    assert ask(policy, memory).commands.tolist() == [pytest.approx(LEFT)]
    assert ask(policy, memory).commands.tolist() == [pytest.approx(LEFT)]  # it still thinks
    assert time.monotonic() - start_s < 30.0
    assert memory.memories[0]["asked"] == 0
    slow.go.set()
    while not policy._thinking.done():
        time.sleep(0.001)
    patient = dataclasses.replace(policy.spec)
    policy._late_s = 30.0
    assert ask(policy, memory).commands.tolist() == [pytest.approx(AHEAD)]
    assert memory.memories[0]["asked"] == 1
    assert patient.name == "fallback=slow,left,0.05"


@pytest.mark.parametrize(("words", "parts"), [
    ("first move left then go forward", ["move left", "go forward"]),
    ("First move left, and then go forward. After that stop", ["move left", "go forward", "stop"]),
    ("먼저 왼쪽으로 가고 그 다음에 앞으로 가", ["왼쪽으로 가고", "앞으로 가"]),
    ("reach the cup", ["reach the cup"]), ("then", ["then"]),
])
def test_an_instruction_falls_into_its_sub_instructions(words, parts):
    assert split(words) == parts


@pytest.mark.parametrize(("words", "velocity", "decisions"), [
    ("move left", (0.0, 0.5, 0.0), 2), ("move left 1 m", (0.0, 0.5, 0.0), 5),
    ("go 80 cm ahead", (0.5, 0.0, 0.0), 4), ("turn left", (0.0, 0.0, 1.0), 2),
    ("turn 90 degrees", (0.0, 0.0, 1.0), 4), ("reach the cup", (0.5, 0.0, 0.0), None),
    ("왼쪽으로 60센티미터", (0.0, 0.5, 0.0), 3), ("move left", (0.0, 0.0, 0.0), None),
])
def test_a_part_is_over_when_the_robot_has_come_as_far_as_it_says(words, velocity, decisions):
    part = Part(words)
    for count in range(1, 40):
        part.go_on(np.array(velocity, np.float32))
        if part.is_reached(0.4):
            assert count == decisions
            return
    assert decisions is None


def test_a_part_ends_where_the_policy_says_twice_that_it_has_arrived():
    policy = InSequence([Arrives()])
    memory = policy.begin("reach the cup then reach the goal", 0)
    stops, words = [], []
    for _ in range(10):
        words.append(memory.inner.memories[0]["words"])
        stops.append(ask(policy, memory).stop)
    assert words == ["reach the cup"] * 4 + ["reach the goal"] * 6
    assert stops == [False] * 7 + [True] * 3


def test_first_left_then_forward_is_driven_in_the_simulator():
    world = envs.make(load("2box_hori_left"), image_size=(16, 16))
    record = rollout(world, policies.make("sequence=spoken"), Task(
        1, "first move left 0.6 m then go forward 0.4 m", most=12))
    world.close()
    x, y = record.poses[-1, :2] - record.poses[0, :2]
    assert y == pytest.approx(0.6, abs=0.05)
    assert x == pytest.approx(0.4, abs=0.05)
    assert not record.sent[-1].any()


def test_what_is_told_blindly_is_driven_and_nonsense_is_not():
    spoken = policies.make("spoken")
    said = {words: ask(spoken, spoken.begin(words, 0)) for words in (
        "move left", "go forward", "turn right", "mumble")}
    assert np.sign(said["move left"].commands[0]).tolist() == [0.0, 1.0, 0.0]
    assert np.sign(said["go forward"].commands[0]).tolist() == [1.0, 0.0, 0.0]
    assert np.sign(said["turn right"].commands[0]).tolist() == [0.0, 0.0, -1.0]
    assert said["mumble"].confidence == 0.0


def test_a_copied_memory_goes_on_like_its_origin():
    policy = policies.make("sequence=spoken")
    memory = policy.begin("move left then go forward", 0)
    ask(policy, memory, seen(0.0, 0.5))
    branch = copy.deepcopy(memory)
    for each in (memory, branch):
        assert [ask(policy, each, seen(0.0, 0.5)).commands[0].tolist() for _ in range(3)] == [
            [0.0, pytest.approx(0.69), 0.0], [0.0, 0.0, 0.0],
            [pytest.approx(0.69), 0.0, 0.0]]


def test_a_privileged_shadow_is_told_the_truth_and_makes_the_whole_privileged():
    policy = policies.make("shadow=forward,expert,core_replay")
    assert policy.spec.privileged
    memory = policy.begin("go", 0)
    memory.truth = Truth((0.0, 0.0, 0.0), (), (2.5, 0.0), "left", 0.17, 0.2, 0.45, 0.1, 0.0)
    memory.label = ("1box_vert_left", "medium")
    observation = {"rgb": np.zeros((224, 224, 3), np.uint8), "velocity": np.zeros(3, np.float32)}
    assert np.isfinite(ask(policy, memory, observation).aside["expert"]).all()
    assert memory.truth.cup == (2.5, 0.0)
    assert memory.label == ("1box_vert_left", "medium")


def test_pictures_come_in_the_size_that_each_policy_wants():
    class Small(Left):
        def act(self, memories, observations):
            assert observations[0]["rgb"].shape == (16, 16, 3)
            return super().act(memories, observations)

    policy = Shadow([policies.make("forward"), Small()])
    assert policy.spec.image_size == (224, 224)
    large = {"rgb": np.zeros((224, 224, 3), np.uint8), "velocity": np.zeros(3, np.float32)}
    ask(policy, policy.begin("go", 0), large)


@pytest.mark.parametrize(("name", "says"), [
    ("shadow=forward", "wraps 2 or more policies, got 1"), ("shadow=stop,stop", "there once"),
    ("fallback=stop", "wraps 2 policies, got 1"), ("fallback=stop,stop", "for itself"),
    ("fallback=stop,forward,0.3,1", "too many numbers"), ("fallback=stop,forward,0", "above 0 s"),
    ("sequence=stop,forward", "wraps 1 policies, got 2"), ("sequence=", "expected sequence=NAME"),
    ("sequence=stop,0", "longer than 0 m"), ("shadow=stop,forwrad", "mean 'forward'"),
])
def test_a_wrapper_that_cannot_be_is_refused_in_a_sentence(name, says):
    with pytest.raises(ValueError, match=says):
        policies.make(name)


def test_the_registered_pair_is_the_seeds_and_options_go_where_they_fit():
    policy = policies.make("case2_or_case1", random_weights=True)
    assert policy.spec.name == "fallback=case2_clip_normalized,case1_simplified"
    assert policy.spec.weights == "random"
    policies.make("fallback=case1_simplified,stop", random_weights=True)


def test_an_action_alone_has_nothing_beside_it():
    assert Action(np.zeros((1, 3), np.float32)).aside is None
