"""The words: only they tell left from right."""

import re
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

import scenarios

KOREAN = {"left": "왼쪽", "right": "오른쪽"}
OTHER = {"left": "right", "right": "left"}
GROUPS = sorted({scenarios.load(name).layout_group for name in scenarios.names()})


@pytest.mark.parametrize("name", scenarios.names())
def test_every_scenario_has_english_korean_and_five_paraphrases_of_its_side(name):
    scenario = scenarios.load(name)
    side, words = scenario.pass_side, scenario.instructions
    assert words.english == (
        f"Navigate around the obstacle on the {side} side and reach the cup")
    assert KOREAN[side] in words.korean
    assert KOREAN[OTHER[side]] not in words.korean
    assert len(set(words.paraphrases)) >= 5
    assert words.all() == (words.english, words.korean, *words.paraphrases)
    for text in words.paraphrases:
        assert re.search(r"\b(left|right)\b", text), text


@pytest.mark.parametrize("group", GROUPS)
def test_no_wording_fits_both_sides(group):
    left = scenarios.load(f"{group}_left").instructions.all()
    right = scenarios.load(f"{group}_right").instructions.all()
    assert not set(left) & set(right)


@pytest.mark.parametrize("name", scenarios.names())
def test_a_paraphrase_names_its_side_or_says_where_the_boxes_stay(name):
    scenario = scenarios.load(name)
    for text in scenario.instructions.paraphrases:
        boxes_stay = re.search(r"\bon your (left|right)\b", text)
        if boxes_stay:  # boxes on your right: you pass on the left
            assert boxes_stay.group(1) == OTHER[scenario.pass_side], text
        else:
            assert set(re.findall(r"\b(left|right)\b", text)) == {scenario.pass_side}, text


def leaves(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of every single field of a scenario."""
    found = []
    for each in fields(value):
        below = getattr(value, each.name)
        here = (*path, each.name)
        found += leaves(below, here) if is_dataclass(below) else [here]
    return found


def changed(value: Any) -> Any:
    """Another valid value of the same kind."""
    swap = {"left": "right", "right": "left", "vert": "hori", "hori": "vert"}
    if isinstance(value, str):
        return swap.get(value, value + " more")
    if isinstance(value, tuple):
        return (*value[:-1], changed(value[-1]))
    if isinstance(value, dict):
        return value | {"close": 0.91} if "close" in value else value | {"left": 0.13}
    return {2: 1}.get(value, value + 1) if isinstance(value, int) else value * 0.9 + 0.002


def with_change(value: Any, path: tuple[str, ...]) -> Any:
    first, *rest = path
    below = getattr(value, first)
    return replace(value, **{first: with_change(below, tuple(rest)) if rest else changed(below)})


SHIPPED = scenarios.load("2box_hori_left")


@pytest.mark.parametrize("path", [p for p in leaves(SHIPPED) if p != ("schema_version",)],
                         ids=".".join)
def test_the_hash_changes_with_any_value(path):
    assert with_change(SHIPPED, path).hash() != SHIPPED.hash()


def test_the_hash_stays_the_same_for_the_same_file():
    assert scenarios.load("2box_hori_left").hash() == SHIPPED.hash()
    assert len({scenarios.load(name).hash() for name in scenarios.names()}) == 8
