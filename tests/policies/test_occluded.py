import numpy as np
import pytest

from policies import Action, make
from policies.occluded import DIRT, Occluded
from tests.brains import Brain


class Looks(Brain):
    """Keeps what it saw."""

    name = "looks"

    def act(self, memories, observations):
        self.seen = [each["rgb"] for each in observations]
        return [Action(np.zeros((1, 3), np.float32)) for _ in memories]


def covered(share, seed=0):
    """Which pixels the policy does not see."""
    policy = Looks()
    wrapper = Occluded([policy], share)
    white = {"rgb": np.full((16, 16, 3), 255, np.uint8), "velocity": np.zeros(3, np.float32)}
    memory = wrapper.begin("", seed)
    masks = []
    for _ in range(2):
        wrapper.act([memory], [white])
        masks.append(policy.seen[0][..., 0] == DIRT)
    assert white["rgb"].min() == 255  # the record's picture is left alone
    assert (masks[0] == masks[1]).all()  # the same place all episode
    return masks[0]


def test_the_patch_covers_its_share_of_the_picture():
    assert covered(0.25).mean() == 0.25
    assert covered(0.0).mean() == 0.0
    assert covered(1.0).all()


def test_the_seed_says_where_it_is():
    assert any((covered(0.25) != covered(0.25, seed)).any() for seed in range(1, 6))
    assert (covered(0.25, 3) == covered(0.25, 3)).all()


def test_it_has_a_name_and_refuses_what_is_no_share():
    assert make("occluded=forward,0.3").spec.name == "occluded=forward,0.3"
    with pytest.raises(ValueError, match="share from 0 to 1, got 3"):
        make("occluded=forward,3")
