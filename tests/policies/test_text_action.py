"""Driving by a VLM's words: a fake VLM for the behaviour, a real one for the bits."""

import copy

import numpy as np
import pytest

from envs.interface import COMMAND_LIMIT
from policies.surroundings import Surroundings
from policies.text_action import TOWER, TextAction
from tests.policies.towers import write_tiny_towers

LEFT = "Navigate around the obstacle on the left side and reach the cup"
RIGHT = LEFT.replace("left", "right")
NOTHING = "an empty floor"
CUP_FAR = "<phrase> the red cup</phrase> 25 ahead straight"
BOX = ",<phrase> a box</phrase><object><patch_index_0430><patch_index_0658></object> 12 ahead"


@pytest.fixture(scope="module")
def tower(tmp_path_factory):
    return write_tiny_towers(tmp_path_factory.mktemp("towers"))[0]


@pytest.fixture(scope="module")
def policy(tower):
    return TextAction(checkpoint=tower)


def look(seed: int = 0, velocity=(0.0, 0.0, 0.0)):
    rgb = np.random.default_rng(seed).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    return {"rgb": rgb, "velocity": np.array(velocity, np.float32)}


def told(policy, monkeypatch, instruction: str, *answers: str, velocity=(0.0, 0.0, 0.0)):
    """The actions of one episode in which the VLM says these words, one a decision."""
    said = iter(answers)
    monkeypatch.setattr(policy, "describe", lambda rgb: next(said))
    memory = policy.begin(instruction, 0)
    return [policy.act([memory], [look(velocity=velocity)])[0] for _ in answers]


@pytest.mark.parametrize(("instruction", "sign"), [(LEFT, 1), (RIGHT, -1)])
def test_a_box_ahead_is_passed_on_the_side_that_was_named(policy, monkeypatch, instruction, sign):
    action, = told(policy, monkeypatch, instruction, CUP_FAR + BOX + " straight")
    assert action.commands[0, 0] > 0.5
    assert sign * action.commands[0, 1] > 0.4
    assert action.commands[0, 2] == 0.0


def test_without_a_named_side_the_shorter_one_is_taken_and_kept(policy, monkeypatch):
    actions = told(policy, monkeypatch, "Reach the cup", CUP_FAR + BOX + " 3 left",
                   CUP_FAR + BOX + " 3 right")
    assert actions[0].commands[0, 1] < 0
    assert actions[1].commands[0, 1] < 0


def test_a_free_way_leads_straight_to_the_cup(policy, monkeypatch):
    action, = told(policy, monkeypatch, LEFT, "<phrase> the red cup</phrase> 10 ahead 5 right")
    np.testing.assert_allclose(action.commands[0], [1.15, -0.575, 0.0], atol=1e-6)


def test_near_the_cup_it_stops_and_stays(policy, monkeypatch):
    near = "<phrase> the red cup</phrase> 4 ahead 1 left"
    actions = told(policy, monkeypatch, LEFT, near, CUP_FAR, NOTHING)
    assert [action.stop for action in actions] == [True] * 3
    assert not any(action.commands.any() for action in actions)


def test_a_box_that_has_left_the_picture_is_still_gone_round(policy, monkeypatch):
    # 0.4 s at 0.5 m/s: after two decisions the box stands 0.8 m ahead, though nobody says so
    driving = (0.5, 0.0, 0.0)
    actions = told(policy, monkeypatch, LEFT, "<phrase> a box</phrase> 12 ahead straight", NOTHING,
                   NOTHING, velocity=driving)
    turned = [action.commands[0, 1] / action.commands[0, 0] for action in actions[:2]]
    assert turned[1] > turned[0] > 0.2


def test_confidence_fades_while_nothing_is_seen_until_the_loop_would_stand_still(
    policy, monkeypatch
):
    actions = told(policy, monkeypatch, LEFT, CUP_FAR, *[NOTHING] * 11, CUP_FAR)
    confidences = [action.confidence for action in actions]
    assert confidences[0] == confidences[-1] == 0.8
    assert confidences[9] > 0.3 > confidences[10]  # 0.8 * 0.9 ** 9 = 0.31


def test_before_anything_is_seen_the_instruction_sets_it_going(policy, monkeypatch):
    action, = told(policy, monkeypatch, LEFT, NOTHING)
    np.testing.assert_allclose(action.commands[0], [1.15, 0, 0], atol=1e-6)
    assert action.confidence > 0.8


def test_nothing_told_and_nothing_seen_is_no_reason_to_drive(policy, monkeypatch):
    action, = told(policy, monkeypatch, "", NOTHING)
    assert action.confidence == 0.0


@pytest.mark.parametrize(("words", "command"), [
    ("The robot should turn left.", [0, 0, 0.575]), ("앞으로 이동하세요", [0.69, 0, 0]),
])
def test_an_answer_in_free_words_is_read_by_the_keyword_parser(policy, monkeypatch, words, command):
    action, = told(policy, monkeypatch, LEFT, words)
    np.testing.assert_allclose(action.commands[0], command, atol=1e-6)


def test_a_spoken_stop_is_a_stop(policy, monkeypatch):
    action, = told(policy, monkeypatch, LEFT, "STOP")
    assert (action.stop, action.confidence) == (True, 0.9)


def test_rows_do_not_depend_on_their_companions_bit_for_bit(policy):
    def answers(rows: list[int]) -> dict[int, list]:
        memories = [policy.begin(LEFT if row % 2 else RIGHT, row) for row in rows]
        found = {row: [] for row in rows}
        for step in range(3):
            actions = policy.act(memories, [look(10 * row + step) for row in rows])
            for row, action, memory in zip(rows, actions, memories):
                found[row].append((action.commands.tobytes(), action.confidence, memory.words))
        return found

    together = answers([0, 1, 2])
    assert answers([2, 0]) == {0: together[0], 2: together[2]}
    assert answers([1]) == {1: together[1]}


def test_a_copied_memory_continues_as_the_original_does(policy, monkeypatch):
    memory = policy.begin(LEFT, 0)
    monkeypatch.setattr(policy, "describe", lambda rgb: CUP_FAR + BOX + " 2 left")
    policy.act([memory], [look(1)])
    branch = copy.deepcopy(memory)
    monkeypatch.setattr(policy, "describe", lambda rgb: NOTHING)
    first = [policy.act([memory], [look(velocity=(0.5, 0.1, 0.1))])[0] for _ in range(3)]
    again = [policy.act([branch], [look(velocity=(0.5, 0.1, 0.1))])[0] for _ in range(3)]
    assert [each.commands.tobytes() for each in first] == [each.commands.tobytes()
                                                           for each in again]


def test_an_untrained_tower_answers_within_the_range_and_few_tokens(policy):
    words = policy.describe(look(3)["rgb"])
    assert isinstance(words, str)
    action, = policy.act([policy.begin("컵까지 가세요", 0)], [look(3)])
    assert np.abs(action.commands).max() <= np.float32(COMMAND_LIMIT)


def test_it_says_what_it_is_and_whose_weights_it_has(policy, tower):
    assert (policy.spec.name, policy.spec.weights) == ("text_action", "trained")
    assert not policy.spec.privileged
    assert policy.spec.size is None  # a tiny one, for tests
    other = TextAction(random_weights=True)
    assert other.spec.size == "mini"
    assert (other.spec.weights, other.spec.weights_hash) == ("random", None)


def test_size_full_without_the_published_weights_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(ValueError, match="Kosmos-2 weights 'nowhere/at-all' cannot be had"):
        TextAction(size="full", checkpoint="nowhere/at-all")


@pytest.mark.parametrize(("option", "said"), [
    ({"device": "abacus"}, "device 'abacus' is unknown"), ({"dtype": "fp8"}, "dtype must be one"),
    ({"size": "huge"}, "size must be one of"), ({"size": "mini"}, "which is not size mini"),
])
def test_wrong_options_get_a_sentence(tower, option, said):
    with pytest.raises(ValueError, match=said):
        TextAction(**({"checkpoint": tower} | option))


def test_too_little_memory_is_said_before_a_tower_is_loaded(tower, monkeypatch):
    from policies import memory

    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": 2 * memory.GIB)
    with pytest.raises(ValueError, match=r"microsoft/kosmos-2-patch14-224 needs about 6\.8 GiB"):
        TextAction(size="full")
    monkeypatch.setattr(memory, "free_bytes", lambda device="cpu": 1000)
    with pytest.raises(ValueError, match="Kosmos-2 from .* needs about 256"):
        TextAction(checkpoint=tower)


def test_things_move_back_as_the_robot_drives_and_turns():
    around = Surroundings()
    around.move(np.array([0.5, 0.0, 0.0]), 0.4)
    np.testing.assert_allclose(around.goal, [2.3, 0.0])
    around.move(np.array([0.0, 0.0, np.pi / 2]), 1.0)  # a quarter turn to the left
    np.testing.assert_allclose(around.guess, [0.0, -2.3], atol=1e-9)


@pytest.mark.slow
def test_the_shipped_tower_drives_by_its_own_words():
    import envs
    from episodes.rollout import Task, rollout
    from eval.metrics import success
    from scenarios import episode_seed, load, names

    policy, won = TextAction(checkpoint=TOWER), 0
    for name in names():
        scenario = load(name)
        world = envs.make(scenario)
        for index in range(5):
            seed = episode_seed("val", 4, scenario.layout_group, index)
            record = rollout(world, policy, Task(seed, scenario.instructions.english))
            won += bool(success(record))
        world.close()
    print(f"text_action: {won} of 40 on val layouts")
    assert won >= 20
