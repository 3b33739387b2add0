"""A product with one row is what torch says it is, with Numba and without."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from policies import one_row
from policies.lstm_step import LstmStep
from policies.threads import computing_with

NUMBERS = (torch.float32, torch.bfloat16)


@pytest.fixture(autouse=True)
def one_thread():
    with computing_with(1), torch.inference_mode():
        yield


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
@pytest.mark.parametrize(("outputs", "inputs"), [(1024, 1024), (513, 2050), (4096, 3072)])
def test_a_product_with_one_row(dtype, outputs, inputs):
    torch.manual_seed(0)
    weight, row = torch.randn(outputs, inputs).to(dtype), torch.randn(1, inputs).to(dtype)
    wanted = F.linear(row.double(), weight.double())
    assert one_row.fits(weight, 1)
    found = one_row.product(weight, row)
    assert found.dtype == torch.float32
    assert (found - wanted).abs().max() <= inputs * 1e-7 * 10


def test_what_is_no_number_is_not_lost():
    weight = torch.ones(1024, 1024)
    for bad in (float("nan"), float("inf")):
        row = torch.ones(1, 1024)
        row[0, 7] = bad
        torch.testing.assert_close(one_row.product(weight, row), F.linear(row, weight),
                                   equal_nan=True)


@pytest.mark.parametrize(("rows", "threads", "dtype", "inputs"), [
    (2, 1, torch.float32, 1024), (1, 2, torch.float32, 1024), (1, 1, torch.float16, 1024),
    (1, 1, torch.bfloat16, 1025), (1, 1, torch.float32, 8)])
def test_all_else_is_left_to_torch(rows, threads, dtype, inputs):
    with computing_with(threads):
        assert not one_row.fits(torch.ones(1024, inputs, dtype=dtype), rows)


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_a_step_is_the_same_without_numba(dtype, monkeypatch):
    torch.manual_seed(0)
    step = LstmStep(nn.LSTM(1024, 1024, 2), dtype)
    given = torch.randn(1, 1024), torch.randn(2, 1, 1024), torch.randn(2, 1, 1024)
    compiled = step(*given)
    monkeypatch.setattr(one_row, "_is_installed", lambda: False)
    for ours, torchs in zip(compiled, step(*given)):
        torch.testing.assert_close(ours, torchs, rtol=0, atol=1e-6 if dtype == torch.float32
                                   else 3e-2)


def test_what_lies_otherwise_or_learns_is_left_to_torch():
    weight = torch.ones(1024, 2048)
    assert not one_row.fits(weight.t(), 1)
    with torch.inference_mode(False), torch.enable_grad():
        assert not one_row.fits(weight, 1)
