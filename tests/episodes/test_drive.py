"""Many episodes with one policy: as each would be alone, wherever its world lives."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest

import envs
import policies
from envs.pool import Here, Pool
from envs.remote import WorldError
from episodes.drive import Driven, FatalEpisodeError, Job, Listed, drive
from episodes.rollout import Task, policy_seed, rollout
from episodes.shards import Recipe, Shard
from policies import Action, ActionError, Policy, PolicySpec
from scenarios import episode_seed, load

SMALL = {"image_size": (16, 16)}
NAMES = ("2box_hori_left", "1box_vert_right")
ROBOT = envs.load_robot()


def jobs(count: int, *names: str, **task) -> list[Job]:
    """So many episodes of each scenario, scenarios in turn."""
    return [Job(f"{name}_{index}", load(name), Task(
        episode_seed("val", 0, load(name).layout_group, index), load(name).instructions.english,
        **task)) for index in range(count) for name in names]


def facts(record) -> str:
    """A record as text, bit for bit, without its wall-clock times."""
    arrays = {name: each.tobytes().hex() for name, each in record.arrays().items()
              if name != "latency_s"}
    return json.dumps([record.header(), arrays], sort_keys=True)


def driven(policy: Policy, batch: int, wanted: list[Job]) -> dict[str, str]:
    worlds = Pool(batch, lambda scenario: Here(scenario, ROBOT, SMALL))
    found = {each.key: facts(each.record)
             for each in drive(policy, worlds, Listed(wanted), batch)}
    worlds.close()
    return found


def one_by_one(policy: Policy, wanted: list[Job]) -> dict[str, str]:
    found = {}
    for job in wanted:
        world = envs.make(job.scenario, ROBOT, **SMALL)
        found[job.key] = facts(rollout(world, policy, job.task))
        world.close()
    return found


class Careful(Policy):
    """Says how many rows it was asked for; turns for ever; refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.spec = PolicySpec("careful", image_size=(16, 16))
        self.rows: list[int] = []
        self.refuse: set[int] = set()

    def begin(self, instruction, seed):
        return {"seed": seed, "asked": 0}

    def act(self, memories, observations):
        self.rows.append(len(memories))
        for memory in memories:
            memory["asked"] += 1
        if any(memory["seed"] in self.refuse and memory["asked"] == 3 for memory in memories):
            raise ActionError("Not this one.")
        return [Action(np.array([[0.0, 0.0, memory["asked"] / 40]], np.float32))
                for memory in memories]


@pytest.mark.parametrize("name", [name for name, (target, _) in policies.REGISTRY.items()
                                  if "baselines" in target or "expert" in target])
def test_scenarios_side_by_side_are_driven_as_each_would_be_alone(name):
    wanted = jobs(3, *NAMES)
    assert driven(policies.make(name), 4, wanted) == one_by_one(policies.make(name), wanted)


def test_every_call_has_the_same_number_of_rows_and_each_episode_its_own_memory():
    policy, wanted = Careful(), jobs(3, *NAMES, most=7)
    assert driven(policy, 4, wanted) == one_by_one(Careful(), wanted)
    assert set(policy.rows) == {4}
    assert len(policy.rows) == 2 * 7  # six episodes: four, then two and two rows thrown away


def test_plans_are_driven_as_far_as_asked_for_each_episode():
    wanted = [*jobs(1, *NAMES, execute=2, most=6), *jobs(2, NAMES[0], most=5)[1:]]
    policy = Careful()
    assert driven(policy, 3, wanted) == one_by_one(Careful(), wanted)


def test_a_wrong_answer_ends_its_own_episode_and_touches_no_other():
    wanted = jobs(2, *NAMES, most=6)
    policies_of = []
    for _ in range(2):
        policies_of.append(Careful())
        policies_of[-1].refuse = {policy_seed(wanted[1].task.seed)}
    together = driven(policies_of[0], 4, wanted)
    assert together == one_by_one(policies_of[1], wanted)
    errors = {key: json.loads(each)[0]["error"] for key, each in together.items()}
    assert [key for key, error in errors.items() if error] == [wanted[1].key]


def test_a_slot_takes_the_next_job_as_soon_as_its_episode_ends():
    taken, source = [], Listed(jobs(3, NAMES[0], most=2) + jobs(1, NAMES[1], most=2))
    take = source.take
    source.take = lambda wait: taken.append(wait) or take(wait)
    worlds = Pool(2, lambda scenario: Here(scenario, ROBOT, SMALL))
    episodes = drive(Careful(), worlds, source, batch=2)
    next(episodes)
    assert len(taken) == 2  # nothing is taken before there is room
    assert len(list(episodes)) == 3
    assert taken == [True, False, True, False, True]  # it waits only where nothing is under way
    worlds.close()


def remote(policy: str = "tests.episodes.test_drive:Careful", **changed) -> Shard:
    shard = Shard(Recipe(policy, {}, ROBOT, SMALL, batch=2, processes=2, **changed))
    shard.load()
    return shard


def told(found: list[Driven]) -> dict[str, str]:
    return {each.key: facts(each.record) for each in found}


def test_worlds_in_other_processes_leave_the_same_records():
    wanted = jobs(3, *NAMES, most=8, keep_rgb=True)
    shard = remote()
    found = list(shard.drive(wanted))
    shard.close()
    assert told(found) == one_by_one(Careful(), wanted)
    assert all(each.environment_s > 0.0 and each.renderer for each in found)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGSTOP])
def test_a_process_of_worlds_that_is_lost_costs_no_episode(sent):
    wanted = jobs(4, *NAMES, most=30)
    shard = remote(hang_s=5.0)
    episodes = shard.drive(wanted)
    first = next(episodes)
    os.kill(shard._worlds._processes[0].child.number, sent)
    found = [first, *episodes]
    shard.close()
    assert told(found) == one_by_one(Careful(), wanted)


def test_an_episode_that_ends_its_world_three_times_is_named(monkeypatch):
    shard = remote(hang_s=5.0)
    pool, ask = shard._worlds, type(shard._worlds.borrow(load(NAMES[0]))).ask

    def deadly(world, name, arguments, named):
        ask(world, name, arguments, named)
        if name == "step" and float(arguments[0][2]) > 2 / 40 and world.place.scenario.name == (
                NAMES[1]):
            world._process.child.kill()

    monkeypatch.setattr("envs.remote.Remote.ask", deadly)
    with pytest.raises(FatalEpisodeError, match=f"{NAMES[1]}_0 took down 3 processes"):
        list(shard.drive(jobs(1, *NAMES, most=30)))
    pool.close()


def test_a_bug_in_a_world_elsewhere_is_told_with_its_traceback():
    shard = remote()
    wrong = replace(jobs(1, NAMES[0])[0].task, fixed=7)
    with pytest.raises(WorldError, match="Traceback"):
        list(shard.drive([Job("wrong", load(NAMES[0]), wrong)]))
    shard.close()


def test_what_is_compiled_for_the_first_picture_is_no_part_of_the_longest_round(monkeypatch):
    now = [0.0]

    def compile_slowly():
        now[0] += 100.0

    monkeypatch.setattr("envs.raycast.camera.compile_all", compile_slowly)
    monkeypatch.setattr("episodes.shards.time.perf_counter", lambda: now[0])
    shard = Shard(Recipe("forward", {}, ROBOT, SMALL))
    assert shard.rehearse(jobs(1, *NAMES)).round_s == 0.0
    shard.close()
    assert now[0] == 200.0  # the double compiles for every world
