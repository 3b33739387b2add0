from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from episodes.names import PERIODS, EpisodeName, check_scenario, parse, simulated_start
from scenarios.schema import DISTANCES, PATTERNS

MOMENT = datetime(2025, 8, 15, 9, 3, 53)
STARTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1)).map(
    lambda moment: moment.replace(microsecond=0))
NAMES = st.builds(EpisodeName, STARTS) | st.builds(
    EpisodeName, STARTS, st.sampled_from(scenarios.names()),
) | st.builds(
    EpisodeName, STARTS, st.sampled_from([*scenarios.names(), "my-hall_2"]),
    st.sampled_from(PATTERNS), st.sampled_from(DISTANCES), st.sampled_from([None, *PERIODS]),
)


def test_the_laboratorys_example_is_read():
    assert parse("episode_20250815_090353_1box_vert_left_core_medium.h5") == EpisodeName(
        MOMENT, "1box_vert_left", "core", "medium")


def test_a_name_of_november_has_a_period_of_the_day():
    said = parse("episode_20251119_203000_2box_hori_right_variant_far_night.h5")
    assert (said.scenario, said.pattern, said.distance, said.period) == (
        "2box_hori_right", "variant", "far", "night")


def test_an_early_name_has_no_scenario():
    assert parse("episode_20250815_090353.h5") == EpisodeName(MOMENT)


def test_a_name_may_have_a_scenario_alone():
    assert parse("episode_20250815_090353_2box_hori_left.h5") == EpisodeName(
        MOMENT, "2box_hori_left")


@given(NAMES)
def test_every_name_is_read_back_as_it_was_written(name):
    assert parse(str(name)) == name
    assert parse(f"{name}.h5") == name


@pytest.mark.parametrize("name", [
    "1box_vert_left.h5", "episode_20250815_1box_vert_left.h5", "episode_20250815_090353.hdf5",
    "my_episode_20250815_090353.h5", "episode_20250815_090353_1box_vert_left_core.h5",
    "episode_20250815_090353_1box_vert_left_medium.h5", "episode_20250815_090353_a b.h5",
    "episode_20250815_090353_1box_vert_left_core_medium.h5\n", "episode_20250815_090353_",
])
def test_a_name_outside_the_grammar_is_refused(name):
    with pytest.raises(ValueError, match="expected|cannot stand"):
        parse(name)


def test_an_impossible_date_is_refused():
    with pytest.raises(ValueError, match="impossible date"):
        parse("episode_20251399_090353.h5")


def test_a_pattern_without_a_distance_is_refused():
    with pytest.raises(ValueError, match="stand together"):
        EpisodeName(MOMENT, "1box_vert_left", "core")


def test_a_scenario_that_ends_like_a_factor_is_refused():
    with pytest.raises(ValueError, match="not ending in"):
        check_scenario("hall_far")


def test_simulated_episodes_bear_a_date_before_every_recording():
    assert str(EpisodeName(simulated_start(0))) == "episode_20000101_000000"
    assert str(EpisodeName(simulated_start(3601))) == "episode_20000101_010001"
