"""Commands as they are learned, and back: exact and stored with the weights, whatever is on."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.interface import COMMAND_LIMIT
from policies import make
from policies.normaliser import CommandNormaliser
from policies.robovlms_lstm import RobovlmsLstm
from tests.policies.towers import tiny_backbone

STEPS = [{"regularise": regularise, "mu_law": mu_law}
         for regularise, mu_law in itertools.product((False, True), repeat=2)]
LEARNED_FROM = torch.tensor([[1.15, 0.2], [1.15, -0.4], [1.15, 0.6], [0.0, 0.0], [0.9, -1.15]])
LIMIT = float(np.float32(COMMAND_LIMIT))
commands = st.lists(st.lists(st.floats(-LIMIT, LIMIT, width=32), min_size=2, max_size=2),
                    min_size=1, max_size=5).map(torch.tensor)


def fitted(**steps):
    normaliser = CommandNormaliser(2, **steps)
    normaliser.fit(LEARNED_FROM)
    return normaliser


@pytest.mark.parametrize("steps", STEPS)
@settings(derandomize=True, deadline=None)
@given(values=commands)
def test_what_is_encoded_comes_back(steps, values):
    normaliser = fitted(**steps)
    assert torch.allclose(normaliser.decode(normaliser.encode(values)), values, atol=2e-6)


@pytest.mark.parametrize("steps", STEPS)
@settings(derandomize=True, deadline=None)
@given(values=commands)
def test_what_is_encoded_lies_between_minus_one_and_one_and_keeps_its_order(steps, values):
    encoded = fitted(**steps).encode(values)
    assert encoded.abs().max() <= 1.0 + 1e-6
    order = values.argsort(dim=0)
    assert (encoded.gather(0, order).diff(dim=0) >= -1e-6).all()


@pytest.mark.parametrize("steps", STEPS)
def test_the_rims_of_the_range_are_minus_one_and_one_and_beyond_is_cut(steps):
    normaliser = fitted(**steps)
    assert torch.allclose(normaliser.encode(torch.tensor([[-1.15, 1.15], [-9.0, 9.0]])),
                          torch.tensor([-1.0, 1.0]))
    assert torch.allclose(normaliser.decode(torch.tensor([[-3.0, 3.0]])),
                          torch.tensor([[-COMMAND_LIMIT, COMMAND_LIMIT]]))
    assert normaliser.decode(torch.tensor([[-3.0, 3.0]])).abs().max() <= COMMAND_LIMIT


def test_without_further_steps_a_command_is_its_share_of_the_range():
    assert torch.allclose(fitted().encode(torch.tensor([[0.575, -0.23]])),
                          torch.tensor([[0.5, -0.2]]))


def test_mu_law_spreads_small_commands_as_its_formula_says():
    encoded = CommandNormaliser(1, mu_law=True).encode(torch.tensor([[0.1 * COMMAND_LIMIT]]))
    expected = torch.tensor(1 + 255 * 0.1).log() / torch.tensor(256.0).log()
    assert encoded.item() == pytest.approx(expected.item(), abs=1e-6)


def test_regularised_commands_stand_as_many_deviations_apart_as_they_should():
    normaliser = fitted(regularise=True)
    shares = LEARNED_FROM / COMMAND_LIMIT
    rims = torch.tensor([[-1.0, -1.0], [1.0, 1.0]])
    low, high = (rims - shares.mean(0)) / shares.std(0)
    expected = 2 * ((shares - shares.mean(0)) / shares.std(0) - low) / (high - low) - 1
    assert torch.allclose(normaliser.encode(LEARNED_FROM), expected, atol=1e-5)


@pytest.mark.parametrize("steps", STEPS)
def test_the_last_time_step_is_encoded_like_every_other(steps):
    normaliser = fitted(**steps)
    assert torch.equal(normaliser.encode(LEARNED_FROM)[-1], normaliser.encode(LEARNED_FROM[-1]))


@pytest.mark.parametrize("steps", STEPS)
def test_an_axis_that_never_moved_in_training_comes_back_too(steps):
    normaliser = CommandNormaliser(2, **steps)
    normaliser.fit(torch.tensor([[1.15, 0.0]] * 4))
    values = torch.tensor([[0.3, -0.4], [1.15, 0.0]])
    assert torch.allclose(normaliser.decode(normaliser.encode(values)), values, atol=1e-4)


@pytest.mark.parametrize("wrong", [torch.zeros(1, 2), torch.zeros(5, 3), torch.zeros(5)])
def test_commands_of_another_shape_are_no_training_commands(wrong):
    with pytest.raises(ValueError, match=r"must be \[N, 2\] with N >= 2, got"):
        CommandNormaliser(2).fit(wrong)


def test_what_training_measured_is_stored_with_the_weights_bit_for_bit(tmp_path):
    policy = RobovlmsLstm.untrained(tiny_backbone(tmp_path / "towers"), "mini", regularise=True,
                                    name="robovlms_lstm_regularised")
    policy.head.fit(LEARNED_FROM)
    policy.save_pretrained(tmp_path / "checkpoint", trained_on="nothing, a test")
    again = make(str(tmp_path / "checkpoint")).head.normaliser
    assert torch.equal(again.mean, policy.head.normaliser.mean)
    assert torch.equal(again.encode(LEARNED_FROM), policy.head.normaliser.encode(LEARNED_FROM))
    assert again.mean.abs().min() > 0.0
