from types import SimpleNamespace

import pytest

from eval.suite import suite
from eval.suites.language import causality, in_words

SCENARIO = "1box_vert_left"


def side(*went, scenario=SCENARIO):
    """Episodes that went so: left, right or None."""
    return SimpleNamespace(lines=[
        {"scenario": scenario, "seed": seed, "error": None, "pass_side": "left",
         "side_followed": each} for seed, each in enumerate(went)])


@pytest.mark.parametrize(("told_left", "told_right", "value"), [
    (["left"] * 4, ["right"] * 4, 1.0),
    (["left"] * 4, ["left"] * 4, 0.0),
    (["right"] * 4, ["left"] * 4, -1.0),
    (["left"] * 4, ["right", "right", "left", "left"], 0.5),
    (["left"] * 4, [None] * 4, 0.5),  # half of the way to the right
])
def test_causality_is_how_much_the_way_turns_with_the_word(told_left, told_right, value):
    found, always = causality(side(*told_left), side(*told_right))
    assert (found.value, found.n) == (value, 4)
    assert (always.k, always.n) == (sum(pair == ("left", "right") for pair in zip(
        told_left, told_right)), 4)
    assert found.low <= value <= found.high


@pytest.mark.parametrize(("layouts", "told_left", "told_right", "meaning"), [
    (20, "left", "right", "the way turns with the word"),
    (20, "right", "left", "the way turns against the word"),
    (20, "left", "left", "the words decide nothing that shows here"),
    (20, "left", None, "the words matter, and do not decide"),
    (4, "left", "right", "the way turns with the word"),
    (3, "left", "right", "too few layouts to say what that means"),  # 3 of 3: [44, 100] %
    (1, "left", "right", "too few layouts to say what that means"),
])
def test_the_result_in_words_is_what_the_numbers_say(layouts, told_left, told_right, meaning):
    found = causality(side(*[told_left] * layouts), side(*[told_right] * layouts))
    assert in_words(*found).endswith(f"layouts): {meaning}.")


@pytest.mark.parametrize(("policy", "value", "sentence"), [
    ("Listens", 1.0, "the way turns with the word"),
    ("Deaf", 0.0, "the words decide nothing that shows here"),
])
def test_who_listens_is_told_from_who_does_not(policy, value, sentence, tmp_path):
    found = suite("language", policy=f"tests.eval.suites.walkers:{policy}", scenario=SCENARIO,
                  episodes=4, arms=("swapped", "nonsense"), workers=0, out=str(tmp_path))
    assert found.content["result"]["causality"]["mean"] == value
    assert found.said[0].endswith(f"{sentence}.")
    sides = found.content["result"]["sides"]
    assert sides["control"]["follows"]["rate"] == 1.0
    assert sides["swapped"]["follows"]["rate"] == value  # told right
    assert sides["nonsense"]["follows"] is None  # no side was named
