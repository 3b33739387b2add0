"""A round of DAgger: the policy's own ways, the planner's answers."""

from dataclasses import replace

import numpy as np
import pytest

import envs
import policies
from envs import planner
from episodes.hdf5 import find_episodes, read_episode
from episodes.rollout import Task, rollout
from scenarios import load
from tests.policies.towers import write_tiny_towers
from training.dagger import collect, relabelled
from training.options import TrainingOptions
from training.run import run


@pytest.fixture(scope="module")
def record():
    """Straight ahead, into the box: where the expert would have turned long ago."""
    world = envs.make(load("2box_hori_left"), image_size=(36, 64))
    driven = rollout(world, policies.make("forward"), Task(3, "left", {"pattern": "core"}))
    world.close()
    return driven


def test_the_planner_says_at_every_decision_what_would_have_been_right(record):
    labels = relabelled(record).sent
    assert len(labels) == record.decisions >= 3
    np.testing.assert_array_equal(labels[-1], planner.command(record.truth(record.decisions - 1)))
    assert labels[-1][1] > 0.5  # to the left, as commanded
    np.testing.assert_array_equal(record.sent[:, 1], 0)  # what was driven stays in the record


def test_an_episode_without_a_way_out_teaches_nothing(record, monkeypatch):
    def closed(truth):
        raise ValueError("No path from the robot to the cup: the boxes close every way.")

    monkeypatch.setattr(planner, "command", closed)
    assert relabelled(record) is None
    assert relabelled(replace(record, sent=record.sent[:0])) is None


def test_a_round_writes_files_to_learn_from_and_is_done_once(tmp_path):
    towers = tmp_path / "towers"
    write_tiny_towers(towers)
    options = TrainingOptions(towers=towers, work=tmp_path / "work", episodes=8, epochs=1,
                              dagger_rounds=1, dagger_episodes=8, validation_episodes=0, workers=0)
    checkpoint = run(options)
    assert "8 that hybrid drove" in policies.make(str(checkpoint)).spec.trained_on
    (folder,) = (tmp_path / "work").glob("dagger_0_8_*")
    files = find_episodes(folder)
    assert len({read_episode(path).scenario for path in files}) == len(files) == 8
    assert collect(folder, tmp_path / "nowhere", 0, options) == files
