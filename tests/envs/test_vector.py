"""Gymnasium's own vector environments over ours, for those who train with other libraries."""

import gymnasium
import numpy as np
import pytest

import envs  # noqa: F401 (registers the ids)
from scenarios import names

IDS = [f"MobileVLA/{name}-v0" for name in names()]


def driven(vector, decisions: int = 45) -> tuple[np.ndarray, int]:
    """The second picture of both, and how many episodes ended: one drives on, one stands still."""
    vector.reset(seed=3)
    commands = np.array([[1.15, 0.0, 0.0], [0.0, 0.0, 0.0]], np.float32)
    first, ended = None, 0
    for _ in range(decisions):
        observation, _, terminated, truncated, _ = vector.step(commands)
        first = observation["rgb"].copy() if first is None else first
        ended += int(np.sum(terminated | truncated))
    vector.close()
    return first, ended


@pytest.mark.parametrize("identity", IDS)
def test_make_vec_works_for_every_id_and_both_ways_see_the_same(identity):
    seen = [driven(gymnasium.make_vec(identity, num_envs=2, vectorization_mode=mode,
                                      image_size=(24, 32))) for mode in ("sync", "async")]
    assert seen[0][0].shape == (2, 24, 32, 3)
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    assert seen[0][1] == seen[1][1] >= 2  # one ran into something or out of time, one out of time
