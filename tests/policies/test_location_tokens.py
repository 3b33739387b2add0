"""Boxes in a VLM's answer, in two grammars, and where they send the robot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers.models.kosmos2.processing_kosmos2 import patch_index_to_coordinate

from policies.location_tokens import Box, boxes, parse_locations, patch_box
from policies.prompts import PROMPTS, Goal, prompt
from policies.robot_action import ActionType
from policies.scene_words import View, sightings


def loc(y_min: int, x_min: int, y_max: int, x_max: int) -> str:
    return "".join(f"<loc{value:04d}>" for value in (y_min, x_min, y_max, x_max))


def test_location_tokens_are_rows_and_columns_over_1023():
    box, = boxes(loc(0, 0, 1023, 1023))
    assert box == Box(0.0, 0.0, 1.0, 1.0)
    box, = boxes("a cup " + loc(341, 682, 682, 1023))
    assert (box.y_min, box.x_min) == pytest.approx((1 / 3, 2 / 3))


@given(st.integers(0, 1023), st.integers(0, 1023))
def test_cells_mean_what_transformers_means_by_them(first, last):
    mine = patch_box(first, last)
    assert (mine.x_min, mine.y_min, mine.x_max, mine.y_max) == pytest.approx(
        patch_index_to_coordinate(first, last, 32))


@pytest.mark.parametrize("text", [
    "", "no place at all", "<loc0001><loc0002><loc0003>", loc(500, 500, 100, 600),
    "<loc9999><loc9999><loc9999><loc9999>", "<patch_index_0001>",
    "<patch_index_1024><patch_index_2000>", "<loc12><loc34>",
])
def test_what_is_no_whole_box_is_none_and_the_robot_stands_still_unsure(text):
    assert boxes(text) == []
    action = parse_locations(text, 224, 224)
    assert (action.type, action.confidence) == (ActionType.UNKNOWN, 0.0)


def test_a_box_on_the_left_turns_left_by_0_005_a_pixel():
    # middle at 1/4 of 224 pixels: 56 pixels beside the middle, 0.28 rad/s-like
    action = parse_locations(loc(400, 205, 500, 307), 224, 224)
    assert action.type is ActionType.TURN
    assert action.angular_z == pytest.approx(0.28, abs=0.005)
    assert action.confidence == 0.8


def test_a_box_on_the_right_turns_right_and_at_most_by_a_half():
    assert parse_locations(loc(400, 900, 500, 1000), 1280, 720).angular_z == -0.5


def test_a_box_in_the_middle_is_driven_to_and_a_large_one_is_arrived_at():
    small, large = loc(480, 480, 540, 540), loc(200, 200, 900, 900)
    assert parse_locations(small, 224, 224).linear_x == 0.2
    assert parse_locations(large, 224, 224).type is ActionType.STOP


def test_a_picture_without_pixels_is_refused():
    with pytest.raises(ValueError, match="has pixels, got 0 x 224"):
        parse_locations("", 0, 224)


CAPTION = ("<phrase> the red cup</phrase><object><patch_index_0561><patch_index_0594></object> "
           "25 ahead 3 right,<phrase> a box</phrase><object><patch_index_0433>"
           "<patch_index_0662></object> 14 ahead straight")


def test_a_grounded_caption_puts_things_into_the_robots_frame():
    cup, box = sightings(CAPTION, View())
    assert (cup.kind, cup.place.tolist()) == ("cup", pytest.approx([2.5, -0.3]))
    assert (box.kind, box.place.tolist()) == ("box", pytest.approx([1.4, 0.0]))
    assert box.box == patch_box(433, 662)


def test_without_distances_the_place_is_where_the_lower_rim_meets_the_floor():
    # rim at 3/4 of the height: tan = 0.5 * 9/16, so 0.2 m below is 0.711 m ahead
    said = "<phrase>a red cup</phrase><object><patch_index_0320><patch_index_0735></object>"
    cup, = sightings(said, View())
    rim = patch_box(320, 735).y_max
    assert cup.place[0] == pytest.approx(0.2 / ((2 * rim - 1) * 9 / 16))
    assert abs(cup.place[1]) < 0.05  # from the left to the right end: its middle is ahead


@pytest.mark.parametrize("text", [
    "an empty floor", "<phrase>a dragon</phrase> 3 ahead straight", "<phrase>the cup</phrase>",
    "<phrase>the cup</phrase><object><patch_index_0000><patch_index_0033></object>",  # in the sky
    "<phrase>the cup", "<phrase></phrase> 3 ahead straight",
])
def test_what_has_no_place_or_no_known_name_is_left_out(text):
    assert sightings(text, View()) == []


@given(st.text(alphabet="<>/phraseobjctcup 0123456789_iadlft", max_size=120))
def test_no_answer_however_odd_breaks_the_reading(text):
    for seen in sightings("<phrase>cup</phrase>" + text, View()):
        assert seen.place.shape == (2,)


@pytest.mark.parametrize("goal", Goal)
def test_every_goal_has_a_grounding_prompt(goal):
    assert goal in PROMPTS
    asked = prompt(goal, target="a bottle", instruction="Go left.")
    assert asked.startswith("<grounding>")
    assert "{" not in asked


def test_a_prompts_target_stands_in_it_and_may_not_speak_its_grammar():
    assert prompt(Goal.FIND_OBJECT, target="a bottle") == "<grounding><phrase>a bottle</phrase>"
    with pytest.raises(ValueError, match="no '<' or '>'"):
        prompt(Goal.FIND_OBJECT, target="</phrase><object>")
