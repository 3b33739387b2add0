from types import SimpleNamespace

import numpy as np
import pytest

import envs
from eval.openloop import answer, check_policy, scores
from policies import Action, ActionError, PolicySpec, make
from policies.interface import TRUTH

ROBOT = envs.load_robot()
FORWARD, LEFT = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def commands(*rows):
    return np.array(rows, np.float32)


def episode(recorded, scenario="1box_vert_left", distance="close", side=2):
    """Picture k of the recording is filled with the value k."""
    pictures = np.zeros((len(recorded), side, side, 3), np.uint8)
    pictures += np.arange(len(recorded), dtype=np.uint8)[:, None, None, None]
    return SimpleNamespace(name="episode_1", path="episode_1.h5", scenario=scenario,
                           distance=distance, decisions=(pictures, recorded))


class Spy:
    """Answers (value of the picture) / 10 as linear_x, and remembers what it saw."""

    spec = PolicySpec("spy", image_size=(2, 2))

    def begin(self, instruction, seed):
        self.told, self.seen = instruction, []
        return self.seen

    def act(self, memories, observations):
        memories[0].append(observations[0])
        value = observations[0]["rgb"][0, 0, 0]
        return [Action(np.array([[value / 10, 0, 0], [1, 1, 1]], np.float32), stop=value == 2)]

    def end(self, memory):
        self.ended = True


def test_perfect_answers_have_no_error_and_all_accuracies():
    recorded = commands(FORWARD, LEFT, (0.5, -0.5, 0.2))
    planar, axes = scores(recorded, recorded).values()
    assert planar["mae"] == planar["rmse"] == planar["test_loss"] == 0.0
    assert [each.share for each in planar["accuracy"].values()] == [1.0] * 4
    assert axes["linear_x"]["r2"] == 1.0
    assert axes["linear_x"]["correlation"] == pytest.approx(1.0)
    assert axes["linear_y"]["direction"].share == planar["magnitude_order"].share == 1.0


def test_always_forward_against_half_left_is_right_half_the_time():
    found = scores(commands(*[FORWARD] * 4), commands(FORWARD, FORWARD, LEFT, LEFT))
    planar, x, y = found["planar"], found["axes"]["linear_x"], found["axes"]["linear_y"]
    assert planar["mae"] == 0.5
    assert planar["rmse"] == pytest.approx(0.5 ** 0.5)
    assert (planar["accuracy"]["0.3"].k, planar["tracking"].k, planar["magnitude_order"].k) == (
        2, 2, 2)
    assert x["direction"].k == y["direction"].k == 2
    assert x["r2"] == -1.0  # squared errors 2, spread round the mean 1
    assert x["correlation"] == {"undefined": "predicted is always 1"}


def test_a_constant_axis_is_undefined_with_its_reason_and_not_zero():
    angular = scores(commands(FORWARD, LEFT), commands(FORWARD, LEFT))["axes"]["angular_z"]
    assert angular["r2"] == angular["correlation"] == {"undefined": "recorded is always 0"}
    assert angular["mae"] == 0.0


def test_angular_z_does_not_enter_the_planar_numbers():
    found = scores(commands((1, 0, 1)), commands((1, 0, -1)))
    assert found["planar"]["mae"] == 0.0
    assert found["planar"]["accuracy"]["0.1"].share == 1.0
    assert found["axes"]["angular_z"]["mae"] == 2.0


def test_accuracy_asks_every_axis_to_be_within_the_threshold():
    found = scores(commands((0.25, 0, 0), (0, 0.125, 0)), np.zeros((2, 3)))
    assert [each.k for each in found["planar"]["accuracy"].values()] == [2, 1, 1, 0]
    assert [each.k for each in found["axes"]["linear_x"]["accuracy"].values()] == [2, 1, 1, 1]


def test_an_error_exactly_at_the_threshold_is_outside():
    assert scores(commands((0.5, 0, 0)), np.zeros((1, 3)))["planar"]["tracking"].k == 0


def test_small_values_have_the_sign_of_zero():
    found = scores(commands((0.05, 0.2, -0.05)), commands((-0.05, 0.05, -0.9)))["axes"]
    assert [found[axis]["direction"].k for axis in found] == [1, 0, 0]


def test_magnitude_order_compares_x_and_y_with_their_signs():
    found = scores(commands((0.1, 0.9, 0), (0.1, 0.9, 0)), commands((0.2, 0.3, 0), (0.2, -0.9, 0)))
    assert found["planar"]["magnitude_order"].k == 1


def test_the_test_loss_is_huber_with_delta_a_tenth():
    small = scores(commands((0.05, 0.05, 0)), np.zeros((1, 3)))["planar"]["test_loss"]
    large = scores(commands((1.05, 1.05, 0)), np.zeros((1, 3)))["planar"]["test_loss"]
    assert small == pytest.approx(0.05 ** 2 / 2)
    assert large == pytest.approx(0.1 * (1.05 - 0.05))


@pytest.mark.parametrize(("predicted", "recorded", "said"), [
    (np.zeros((0, 3)), np.zeros((0, 3)), "at least one"),
    (np.zeros((2, 2)), np.zeros((2, 2)), r"both be \[N, 3\]"),
    (np.zeros((2, 3)), np.zeros((3, 3)), r"both be \[N, 3\]"),
    (np.full((1, 3), np.nan), np.zeros((1, 3)), "finite"),
])
def test_what_cannot_be_compared_is_refused(predicted, recorded, said):
    with pytest.raises(ValueError, match=said):
        scores(predicted, recorded)


def test_pictures_come_in_order_and_the_first_row_of_each_plan_counts():
    spy = Spy()
    answers = answer(spy, episode(commands(FORWARD, LEFT)), "go left", 0, ROBOT)
    assert [seen["rgb"][0, 0, 0] for seen in spy.seen] == [0, 1]
    assert answers.predicted[:, 0] == pytest.approx([0.0, 0.1])
    assert answers.recorded.tolist() == [list(FORWARD), list(LEFT)]
    assert (spy.told, spy.ended, len(answers.latency_s)) == ("go left", True, 2)


def test_a_policy_that_says_stop_answers_standing_still():
    answers = answer(Spy(), episode(commands(FORWARD, FORWARD, FORWARD)), "", 0, ROBOT)
    assert answers.predicted[2].tolist() == [0.0, 0.0, 0.0]


def test_the_velocity_is_that_of_the_command_before():
    spy = Spy()
    answer(spy, episode(commands((1.15, 0, 0), FORWARD)), "", 0, ROBOT)
    assert spy.seen[0]["velocity"].tolist() == [0.0, 0.0, 0.0]
    assert spy.seen[1]["velocity"] == pytest.approx([ROBOT.speed_m_s, 0.0, 0.0])


def test_a_wrong_answer_ends_the_episode_with_its_error():
    spy = Spy()
    spy.act = lambda memories, observations: [None]
    answers = answer(spy, episode(commands(FORWARD, LEFT)), "", 0, ROBOT)
    assert answers.error == "act must return a list of 1 Action, got [None]."
    assert len(answers.predicted) == len(answers.recorded) == 0


def test_any_other_exception_of_a_policy_is_a_bug_and_not_hidden():
    spy = Spy()
    spy.act = lambda memories, observations: 1 / 0
    with pytest.raises(ZeroDivisionError):
        answer(spy, episode(commands(FORWARD)), "", 0, ROBOT)


def test_a_random_policy_answers_the_same_for_the_same_seed_and_file():
    files = episode(commands(FORWARD, LEFT), side=224)
    once, again, other = (answer(make("random"), files, "", seed, ROBOT) for seed in (3, 3, 4))
    assert np.array_equal(once.predicted, again.predicted)
    assert not np.array_equal(once.predicted, other.predicted)


def test_a_recorded_scenario_and_distance_reach_the_policy_that_needs_them():
    answers = answer(make("core_replay"), episode(commands(FORWARD), side=224), "", 0, ROBOT)
    assert answers.predicted[0].tolist() == pytest.approx([1.15, 0.0, 0.0])
    with pytest.raises(ValueError, match="says no scenario and distance"):
        answer(make("core_replay"), episode(commands(FORWARD), distance=None), "", 0, ROBOT)


def test_a_large_picture_is_squeezed_whole_to_what_the_policy_wants():
    spy = Spy()
    spy.spec = PolicySpec("spy", image_size=(2, 4))
    answer(spy, episode(commands(FORWARD), side=6), "", 0, ROBOT)
    assert spy.seen[0]["rgb"].shape == (2, 4, 3)


def test_a_privileged_policy_cannot_be_asked_about_recordings():
    with pytest.raises(ValueError, match="'all_knowing' is told where everything stands"):
        check_policy(PolicySpec("all_knowing", needs=frozenset({TRUTH})))


def test_an_action_error_raised_by_the_policy_is_kept_as_its_error():
    spy = Spy()

    def refuse(memories, observations):
        raise ActionError("I do not know.")

    spy.act = refuse
    assert answer(spy, episode(commands(FORWARD)), "", 0, ROBOT).error == "I do not know."
