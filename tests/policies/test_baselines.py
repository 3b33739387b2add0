"""The baselines that every model must beat."""

import numpy as np
import pytest

import policies
import scenarios
from policies.baselines import recorded, recorded_commands
from tests.envs.driving import drive, is_success

DISTANCES = ("close", "medium", "far")


def test_stop_never_moves():
    record = drive("stop", "1box_vert_left", 0)
    assert (record.ended_by, record.decisions) == ("time", 40)
    assert not record.sent.any()


def test_forward_drives_into_the_box():
    record = drive("forward", "1box_hori_left", 0, bias="center")
    assert record.ended_by == "contact"
    assert set(record.sent[:, 0]) == {np.float32(1.15)}
    assert not is_success(record)


def test_random_covers_the_plane_and_never_turns():
    policy = policies.make("random")
    memory = policy.begin("go", 0)
    commands = np.array([policy.act([memory], [None])[0].commands[0] for _ in range(500)])
    assert not commands[:, 2].any()
    assert np.abs(commands).max() <= np.float32(1.15)
    # a mean of 500 even draws over +-1.15 has a deviation of 0.03; their own is 0.664
    assert np.abs(commands[:, :2].mean(axis=0)).max() < 0.15
    np.testing.assert_allclose(commands[:, :2].std(axis=0), 0.664, atol=0.05)


def test_random_draws_by_the_episodes_seed_alone():
    policy = policies.make("random")
    first, again, other = (policy.begin("go", seed) for seed in (1, 1, 2))
    answers = [action.commands.tolist() for action in policy.act([first, again, other], [None] * 3)]
    assert answers[0] == answers[1] != answers[2]


def test_the_recorded_keys_become_the_laboratorys_commands():
    # 1box_vert_left at medium distance: wwwwwwaawwweedwwe
    commands = recorded_commands("1box_vert_left", "medium")
    assert commands.shape == (17, 3)
    np.testing.assert_allclose(commands[0], [1.15, 0, 0])  # w
    np.testing.assert_allclose(commands[6], [0, 1.15, 0])  # a: left
    np.testing.assert_allclose(commands[11], [1.15, -1.15, 0])  # e: ahead and right


def test_core_replay_drives_the_recorded_keys_and_then_stands_still():
    policy = policies.make("core_replay")
    memory = policy.begin("go", 0)
    memory.label = ("1box_vert_left", "medium")
    driven = [policy.act([memory], [None])[0].commands[0] for _ in range(20)]
    np.testing.assert_array_equal(driven[:17], recorded_commands("1box_vert_left", "medium"))
    assert not np.any(driven[17:])


@pytest.mark.parametrize("name", scenarios.names())
@pytest.mark.parametrize("distance", DISTANCES)
def test_where_a_distance_was_not_recorded_the_nearest_stands_in(name, distance):
    own = recorded()["sequences"][name]
    commands = recorded_commands(name, distance)
    lengths = {near: len(keys) for near, keys in own.items()}
    assert len(commands) in ([lengths[distance]] if distance in own else lengths.values())


def test_core_replay_of_a_scenario_of_ones_own_is_refused_with_a_sentence():
    with pytest.raises(ValueError, match="core_replay has no recorded keys for scenario 'mine'"):
        recorded_commands("mine", "close")


def test_core_replay_is_no_oracle():
    records = [drive("core_replay", name, seed) for name in scenarios.names() for seed in range(2)]
    assert not all(is_success(record) for record in records)
    assert all(record.sent[0].any() for record in records)
