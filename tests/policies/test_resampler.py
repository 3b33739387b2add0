"""A few latents read every token, wherever it stands, and no row knows another."""

import pytest
import torch

from policies.resampler import Resampler

TOKENS, WIDTH = 9, 12


@pytest.fixture(scope="module", params=[(2, 1, 1, 1.5), (4, 3, 2, 4.0)], ids=["case 2", "deep"])
def resampler(request):
    latents, layers, heads, inner_factor = request.param
    torch.manual_seed(0)
    return Resampler(WIDTH, 8, latents, layers, heads, inner_factor).eval()


def tokens(*rows):
    return torch.randn(*rows, TOKENS, WIDTH, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("token", range(TOKENS))
def test_every_token_is_read(resampler, token):
    one = tokens(1)
    other = one.clone()
    other[0, token] += 0.5
    assert (resampler(other) - resampler(one)).abs().max() > 1e-4


def test_the_order_of_tokens_says_nothing(resampler):
    one = tokens(1)
    torch.testing.assert_close(resampler(one.flip(1)), resampler(one), atol=1e-5, rtol=0)


def test_a_rows_latents_do_not_depend_on_the_other_rows(resampler):
    many = tokens(4)
    others = many.clone()
    others[1:] = 7.0
    assert torch.equal(resampler(others)[0], resampler(many)[0])
    assert torch.equal(resampler(many.flip(0)), resampler(many).flip(0))


def test_frames_of_windows_are_read_each_on_its_own(resampler):
    windows = tokens(2, 3)
    found = resampler(windows)
    assert found.shape == (2, 3, len(resampler.latents), 8)
    torch.testing.assert_close(found[1, 2], resampler(windows[1, 2][None])[0])


def test_latents_differ_from_each_other(resampler):
    found = resampler(tokens(1))[0]
    assert (found[0] - found[1]).abs().max() > 0.01
