"""Scenarios, robots, profiles and textures are named, or brought along as files, in one way."""

from pathlib import Path

import pytest

import envs
import scenarios
from envs.appearance import load_profile, texture_path

SHIPPED = Path(envs.__file__).parent
LOADERS = {"scenario": scenarios.load, "robot": envs.load_robot,
           "appearance": load_profile, "texture": texture_path}


@pytest.mark.parametrize(("load", "own"), [
    (scenarios.load, "../scenarios/2box_hori_left.toml"),
    (envs.load_robot, "robots/serbot.toml"),
    (load_profile, "appearances/randomised.toml"),
    (texture_path, "textures/wood.png"),
])
def test_a_file_may_be_given_as_a_path_or_as_text(load, own):
    path = SHIPPED / own
    assert load(path) == load(str(path)) == load(path.stem)


@pytest.mark.parametrize(("what", "wrong", "nearest", "others"), [
    ("scenario", "2box_hori_lft", "2box_hori_left", "'all' or a TOML file."),
    ("robot", "serbott", "serbot", "serbot or a TOML file."),
    ("appearance", "mixd", "mixed", "mixed, nominal, randomised or a TOML file."),
    ("texture", "wod", "wood", "'none' or a PNG file."),
])
def test_an_unknown_name_is_answered_with_the_nearest_and_all_others(what, wrong, nearest, others):
    with pytest.raises(ValueError) as caught:
        LOADERS[what](wrong)
    said = str(caught.value)
    assert said.startswith(f"Unknown {what} {wrong!r}. Did you mean {nearest!r}? Expected one of ")
    assert said.endswith(others)
