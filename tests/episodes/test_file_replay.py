"""A file's commands through the simulator again."""

import numpy as np
import pytest

from episodes.generate import generate
from episodes.hdf5_writer import write_episode
from episodes.replay import replay
from episodes.trial.made import made_up
from tests.episodes.records import FORWARD, STOP, laboratory_file, record

LAB = "episode_20250815_090353_1box_vert_left_core_medium.h5"


def test_a_generated_episode_happens_again_to_the_bit(tmp_path):
    generate(tmp_path, scenario="2box_hori_left", episodes=1, image=(18, 32), seed=5, workers=0,
             appearance="randomised")
    (path,) = tmp_path.glob("*.h5")
    found = replay(path)
    assert found.is_same
    assert (found.furthest_m, found.other_pictures, found.warnings) == (0.0, 0, ())
    assert found.record.ended_by == "goal"


def test_another_place_is_noticed_and_so_is_another_scenario(tmp_path):
    path = write_episode(tmp_path, record(moves=3))  # it says seed 7 and was never driven
    found = replay(path)
    assert not found.is_same
    assert found.furthest_m > 0.1
    assert "the scenario is" in found.warnings[0]
    assert "it ended by goal then, by time now" in found.warnings[1]


def test_a_recording_is_driven_in_a_layout_of_its_scenario(tmp_path):
    keys = np.array([STOP, *[FORWARD] * 17], np.float32)
    found = replay(laboratory_file(tmp_path / LAB, 18, actions=keys), seed=3)
    assert not found.stored
    assert found.record.scenario == "1box_vert_left"
    assert found.record.ended_by == "contact"  # straight on, into the box
    np.testing.assert_array_equal(found.record.sent, keys[1:len(found.record.sent) + 1])


def test_without_a_scenario_somebody_must_say_one(tmp_path):
    path = laboratory_file(tmp_path / "episode_20250808_101112.h5")
    with pytest.raises(ValueError, match="names no scenario that is known .* --scenario"):
        replay(path)
    assert replay(path, "2box_hori_left").record.scenario == "2box_hori_left"


def test_a_made_up_episode_has_nothing_to_compare_with(tmp_path):
    found = replay(write_episode(tmp_path, made_up(0)))
    assert (found.stored, found.reason) == (False, "A recording has no layout to compare with.")


def test_pictures_that_jpeg_changed_are_said_and_are_no_difference(tmp_path):
    generate(tmp_path, scenario="2box_hori_left", episodes=1, image=(90, 160), workers=0,
             storage="jpeg")
    (path,) = tmp_path.glob("*.h5")
    found = replay(path)
    assert found.is_same
    assert found.other_pictures > 0
    assert 0 < found.apart < 3


def test_a_simulated_episode_in_another_scenario_is_not_called_a_recording(tmp_path):
    found = replay(write_episode(tmp_path, record(moves=3)), "1box_hori_left")
    assert (found.stored, found.reason) == (
        False, "Driven in 1box_hori_left as asked, so nothing is compared.")


def test_commands_that_no_robot_takes_are_refused(tmp_path):
    keys = np.full((18, 3), 1e30, np.float32)
    keys[0] = 0
    with pytest.raises(ValueError, match="its commands cannot be driven"):
        replay(laboratory_file(tmp_path / LAB, 18, actions=keys))
