"""Rows of one call do not know each other: for every policy of the registry, bit for bit."""

import json

import numpy as np
import pytest

import envs
import policies
import scenarios
from envs.pool import Here, Pool
from episodes.drive import Job, Listed, drive
from episodes.rollout import Question, Task, ask
from episodes.shards import Recipe, Shard
from policies.interface import LABEL, TRUTH
from scenarios import episode_seed
from tests.policies.every import make_any
from tests.policies.test_contract import picture, prepared

BATCH = 4
WORDS = ("Navigate around the obstacle on the left side and reach the cup",
         "Navigate around the obstacle on the right side and reach the cup", "컵으로 가", "")
SHUFFLES = ((0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1))


@pytest.fixture(scope="module", params=policies.REGISTRY)
def policy(request):
    return make_any(request.param)


def memory_of(policy, robot: int):
    """The memory of one of several robots, each elsewhere, told other words."""
    memory = prepared(policy, 0.1 * robot, seed=robot)
    told = policy.begin(WORDS[robot % len(WORDS)], robot)
    for need, name in ((TRUTH, "truth"), (LABEL, "label")):
        if need in policy.spec.needs:
            setattr(told, name, getattr(memory, name))
    return told


def answers(policy, robots: tuple[int, ...], batch: int, decisions: int = 3) -> dict[int, list]:
    """What each robot is answered, decision by decision, when asked in this order."""
    questions = {robot: Question(memory_of(policy, robot), picture(0)) for robot in robots}
    found = {robot: [] for robot in robots}
    for decision in range(decisions):
        for robot, question in questions.items():
            question.observation = picture(100 * robot + decision)
        for robot, answer in zip(robots, ask(policy, list(questions.values()), batch)):
            found[robot].append(answer.action.commands.tolist())
    return found


def test_a_rows_answer_depends_on_neither_place_nor_companions_nor_what_fills_up(policy):
    first = answers(policy, SHUFFLES[0], BATCH)
    for robots in (*SHUFFLES[1:], (0, 5, 6, 7), (7, 6, 5, 0), (1, 2), (3,)):
        found = answers(policy, robots, BATCH)
        assert {robot: found[robot] for robot in robots if robot in first} == {
            robot: first[robot] for robot in robots if robot in first}


def test_answers_of_two_batch_sizes_agree_within_a_hundred_thousandth(policy):
    alone = {robot: answers(policy, (robot,), 1)[robot] for robot in range(4)}
    for batch in (2, 5, 8):
        found = answers(policy, (0, 1, 2, 3)[:batch], batch)
        for robot, commands in found.items():
            np.testing.assert_allclose(commands, alone[robot], atol=1e-5)


def ends(policy, batch: int, episodes: int) -> dict[str, str]:
    """How episodes of every scenario end, driven side by side."""
    jobs = [Job(f"{name}_{index}", scenarios.load(name), Task(
        episode_seed("val", 1, scenarios.load(name).layout_group, index),
        scenarios.load(name).instructions.english)) for index in range(episodes)
        for name in scenarios.names()]
    worlds = Pool(batch, lambda scenario: Here(scenario, envs.load_robot(), {
        "image_size": policy.spec.image_size}))
    found = {each.key: each.record.ended_by
             for each in drive(policy, worlds, Listed(jobs), batch)}
    worlds.close()
    return found


def test_episodes_end_alike_at_two_batch_sizes():
    policy = policies.make("hybrid")
    assert ends(policy, 4, episodes=1) == ends(policy, 1, episodes=1)


@pytest.mark.slow
@pytest.mark.parametrize("batch", [4, 8, 16])
def test_of_400_episodes_at_most_two_end_otherwise_than_one_by_one(batch):
    policy = policies.make("hybrid")
    alone, together = (ends(policy, each, episodes=50) for each in (1, batch))
    other = {key: (alone[key], together[key]) for key in alone if alone[key] != together[key]}
    print(f"batch {batch}: {len(other)} of {len(alone)} end otherwise: {json.dumps(other)}")
    assert len(other) <= 0.005 * len(alone)


def test_the_hybrid_drives_alike_with_its_worlds_here_and_in_other_processes():
    jobs = [Job(name, scenarios.load(name), Task(
        episode_seed("val", 2, scenarios.load(name).layout_group, 0),
        scenarios.load(name).instructions.english, most=6)) for name in scenarios.names()[::2]]
    found = []
    for processes in (0, 2):
        shard = Shard(Recipe("hybrid", {}, envs.load_robot(), batch=2, processes=processes))
        shard.load()
        records = {each.key: each.record for each in shard.drive(jobs)}
        shard.close()
        found.append([(records[job.key].header(), records[job.key].sent.tobytes(),
                       records[job.key].path.tobytes()) for job in jobs])
    assert found[0] == found[1]
