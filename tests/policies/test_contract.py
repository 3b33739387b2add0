"""What every policy of the registry promises, and what the loop does with one that does not."""

import copy
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import envs
import policies
import scenarios
from envs.interface import COMMAND_LIMIT, BoxTruth, Observation, Truth
from episodes.rollout import Task, rollout
from policies.interface import LABEL, TRUTH, Action, ActionError, Memory, Policy, PolicySpec
from tests.policies.every import is_shipped, make_any

LEFT = "Navigate around the obstacle on the left side and reach the cup"
BOX = BoxTruth(1.25, 0.0, 0.0, 0.40, 0.25)


class Answers(Policy):
    """Gives the same answer, whatever it is, and counts how often it was asked."""

    def __init__(self, answer: object) -> None:
        self.spec = PolicySpec("answers")
        self.answer, self.asked, self.ended = answer, 0, 0

    def begin(self, instruction: str, seed: int) -> None:
        """Nothing to remember."""

    def act(self, memories: Sequence[None], observations: Sequence[Observation]) -> object:
        self.asked += 1
        return self.answer() if callable(self.answer) else self.answer

    def end(self, memory: None) -> None:
        self.ended += 1


def drive(policy: Policy, **task: object):
    scenario = scenarios.load("1box_vert_left")
    world = envs.make(scenario, image_size=policy.spec.image_size)
    record = rollout(world, policy, Task(seed=0, instruction=LEFT, **task))
    world.close()
    return record


def plan(rows: int) -> list[Action]:
    return [Action(np.tile(np.array([[0.0, 0.0, 1.15]], np.float32), (rows, 1)))]


@pytest.mark.parametrize("commands", [
    np.zeros(3), np.zeros((0, 3)), np.zeros((1, 2)), np.zeros((1, 1, 3)), np.zeros((1, 3), int),
    np.array([["a", "b", "c"]]), None,
    np.array([[np.nan, 0, 0]]), np.array([[0, np.inf, 0]]), np.array([[1e300, 0, 0]]),
])
def test_an_action_refuses_what_is_no_plan_where_it_is_made(commands):
    with pytest.raises(ActionError, match="commands must be"):
        Action(commands)


@given(st.one_of(st.floats(max_value=-1e-9), st.floats(min_value=1.0000001), st.just(float("nan"))))
def test_an_action_refuses_a_confidence_that_is_no_share(confidence):
    with pytest.raises(ActionError, match=r"confidence must be in \[0, 1\]"):
        Action(np.zeros((1, 3)), confidence=confidence)


def test_an_action_keeps_its_own_float32_copy():
    commands = np.full((2, 3), 0.5)
    action = Action(commands, confidence=1.0)
    commands[:] = 9.0
    assert action.commands.dtype == np.float32
    assert action.commands.tolist() == [[0.5] * 3] * 2


def test_a_policy_that_answers_nan_ends_as_policy_error_and_not_as_failure():
    policy = Answers(lambda: [Action(np.full((1, 3), np.nan))])
    record = drive(policy)
    assert (record.ended_by, record.decisions) == ("policy_error", 0)
    assert "commands must be finite" in record.error
    assert policy.ended == 1


@pytest.mark.parametrize("answer", [None, [], [np.zeros((1, 3))], plan(1) * 2, np.zeros((1, 3))])
def test_a_policy_that_answers_no_action_per_robot_ends_as_policy_error(answer):
    record = drive(Answers(answer))
    assert record.ended_by == "policy_error"
    assert "act must return a list of 1 Action" in record.error


def test_an_action_beyond_the_command_range_is_refused_and_says_how_to_cut_it():
    with pytest.raises(ActionError, match=r"within \+-1\.15.*clip_commands"):
        Action(np.array([[1.2, 0.0, 0.0]]))


def test_a_policy_cannot_change_what_the_record_keeps():
    class Forger(Answers):
        def act(self, memories, observations):
            observations[0]["velocity"][:] = 9.0
            return plan(1)

    with pytest.raises(ValueError, match="read-only"):
        drive(Forger(None))


def test_a_bug_in_a_policy_is_not_swallowed():
    def broken():
        raise ZeroDivisionError("a bug")

    with pytest.raises(ZeroDivisionError, match="a bug"):
        drive(Answers(broken))


def test_rows_of_a_plan_are_driven_before_asking_again():
    asked = {}
    for execute in (1, 4, 99):
        policy = Answers(plan(8))
        record = drive(policy, execute=execute)
        assert (record.ended_by, record.decisions) == ("time", 40)
        asked[execute] = policy.asked
        thinking = np.count_nonzero(record.latency_s)
        assert thinking == policy.asked  # within a plan nobody thinks
    assert asked == {1: 40, 4: 10, 99: 5}


def test_a_policy_that_says_stop_stands_still():
    moving = np.array([[1.15, 0.0, 0.0]], np.float32)
    record = drive(Answers([Action(moving, stop=True)]))
    assert not record.sent.any()
    np.testing.assert_array_equal(record.poses[-1], record.poses[0])


def prepared(policy: Policy, robot_y: float, seed: int = 0) -> Memory:
    """A memory as the loop makes it for this policy, with what it declares to need."""
    memory = policy.begin(LEFT, seed)
    if TRUTH in policy.spec.needs:
        memory.truth = Truth((0.0, robot_y, 0.0), (BOX,), (2.5, 0.0), "left", 0.17, 0.2, 0.45, 0.1,
                             0.0)
    if LABEL in policy.spec.needs:
        memory.label = ("1box_vert_left", "medium")
    return memory


def picture(seed: int) -> Observation:
    rgb = np.random.default_rng(seed).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    return {"rgb": rgb, "velocity": np.zeros(3, np.float32)}


def drives(policy: Policy, memory: Memory, seeds: range) -> list[list[float]]:
    return [policy.act([memory], [picture(seed)])[0].commands[0].tolist() for seed in seeds]


@pytest.fixture(scope="module", params=policies.REGISTRY)
def policy(request):
    return make_any(request.param)


def test_a_policy_carries_its_registered_name_and_says_what_it_is_told(policy):
    name = policy.spec.name
    assert name in policies.REGISTRY
    assert policy.spec.privileged == name.startswith("expert")
    assert policy.spec.needs <= {TRUTH, LABEL}
    expected = ("none", "trained") if is_shipped(name) else ("random",)
    assert policy.spec.weights in expected


def test_a_policy_answers_commands_within_the_range(policy):
    action, = policy.act([prepared(policy, 0.0)], [picture(0)])
    assert action.commands.shape == (policy.spec.plan_length, 3)
    assert np.abs(action.commands).max() <= np.float32(COMMAND_LIMIT)


def test_a_robot_is_commanded_alike_alone_and_in_company(policy):
    alone = drives(policy, prepared(policy, 0.1), range(3))
    first, other = prepared(policy, 0.1), prepared(policy, -0.2, seed=1)
    drives(policy, other, range(10, 12))  # the companion is further in its own episode
    together = [policy.act([other, first], [picture(50 + s), picture(s)])[1].commands[0]
                for s in range(3)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_copied_memory_continues_as_the_original_does(policy):
    memory = prepared(policy, 0.0)
    drives(policy, memory, range(3))
    branch = copy.deepcopy(memory)
    assert drives(policy, memory, range(3, 6)) == drives(policy, branch, range(3, 6))


def test_a_new_episode_remembers_nothing_of_the_last(policy):
    first = drives(policy, prepared(policy, 0.0), range(4))
    assert drives(policy, prepared(policy, 0.0), range(4)) == first
