import numpy as np
import pytest

from envs.interface import BoxTruth, Truth
from policies import Action
from policies.expert import Expert
from policies.interface import TRUTH
from policies.mirrored import Mirrored, mirrored_words
from scenarios import load, names
from tests.brains import Brain

ROBOT = {"pass_side": "left", "robot_radius_m": 0.17, "step_m": 0.2, "goal_radius_m": 0.45,
         "clearance_m": 0.1, "lead_m": 0.0}
BOX = BoxTruth(1.25, 0.1, 0.05, 0.4, 0.25)


class Towards(Brain):
    """Goes aside towards the brighter half of the picture."""

    name = "towards"

    def act(self, memories, observations):
        sides = [np.sign(float(seen["rgb"][:, :8].mean()) - seen["rgb"][:, 8:].mean())
                 for seen in observations]
        return [Action(np.array([[1.15, 1.15 * side, 0.0]], np.float32)) for side in sides]


def look(bright):
    rgb = np.zeros((16, 16, 3), np.uint8)
    rgb[:, bright] = 255
    return {"rgb": rgb, "velocity": np.array([0.5, 0.1, 0.0], np.float32)}


@pytest.mark.parametrize("bright", [slice(0, 8), slice(8, 16)])
def test_who_has_no_favourite_side_drives_like_its_mirror_image(bright):
    plain, image = Towards(), Mirrored([Towards()])
    says = [policy.act([policy.begin("left", 0)], [look(bright)])[0].commands
            for policy in (plain, image)]
    assert (says[0] == says[1]).all()
    assert abs(says[0][0, 1]) == np.float32(1.15)


def test_the_expert_drives_like_its_mirror_image():
    truth = Truth(robot=(0.0, 0.05, 0.1), boxes=(BOX,), cup=(2.5, -0.05), **ROBOT)
    plain, image = Expert(), Mirrored([Expert()])
    assert TRUTH in image.spec.needs
    said = []
    for policy in (plain, image):
        memory = policy.begin("", 0)
        memory.truth = truth
        said.append(policy.act([memory], [look(slice(0, 8))])[0].commands)
    assert said[0] == pytest.approx(said[1], abs=1e-6)


@pytest.mark.parametrize("name", [name for name in names() if name.endswith("left")])
def test_mirrored_words_are_those_of_the_other_scenario(name):
    here, there = (load(each).instructions for each in (name, name.replace("left", "right")))
    assert mirrored_words(here.english) == there.english
    assert mirrored_words(here.korean) == there.korean
    assert mirrored_words(mirrored_words(here.english)) == here.english


def test_it_wraps_one_policy():
    with pytest.raises(ValueError, match="mirrored wraps 1 .*, got 2"):
        Mirrored([Expert(), Expert()])
