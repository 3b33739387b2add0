"""A matrix times one row as quickly as memory can be read; compiled where Numba is installed.

Libraries' products of a matrix and a vector read several of its rows at once and reach 65 to 80 %
of the memory's rate with one thread; one row after the other, in large pages, reaches nearly all.
"""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

LEAST_NUMBERS = 2**20  # of a matrix: smaller ones lie in a cache
HALF = np.array([[0.5], [0.5], [1.0], [0.5]], np.float32)  # of the gates, where logistic
SUMS = {"reassoc", "contract", "nsz"}  # may be taken in another order; NaN and infinity stay


def fits(weight: torch.Tensor, rows: int) -> bool:
    """Whether `product` is there for it, and the quickest: one thread's on a processor."""
    return (rows == 1 and weight.device.type == "cpu" and weight.numel() >= LEAST_NUMBERS
            and weight.dtype in (torch.float32, torch.bfloat16) and weight.shape[1] % 2 == 0
            and weight.is_contiguous() and not torch.is_grad_enabled()
            and torch.get_num_threads() == 1 and not torch.compiler.is_compiling()
            and not torch.jit.is_tracing() and _is_installed())


def in_large_pages(weight: torch.Tensor) -> torch.Tensor:
    """A processor's tensor in pages of 2 MiB where there are such: NumPy asks for them."""
    if weight.device.type != "cpu":
        return weight
    kind = {2: np.int16, 4: np.int32, 8: np.int64}[weight.element_size()]
    room = torch.from_numpy(np.empty(weight.numel(), kind)).view(weight.dtype)
    return room.view(weight.shape).copy_(weight)


def product(weight: torch.Tensor, row: torch.Tensor) -> torch.Tensor:
    """The matrix [N, K], contiguous, times the row [1, K] in the same numbers: [1, N] float32."""
    answer, fp32_bf16 = np.empty((1, len(weight)), np.float32), _compiled()
    numbers = weight.detach()
    if weight.dtype == torch.float32:
        fp32_bf16[0](numbers.numpy(), row.numpy(), answer)
    else:
        fp32_bf16[1](numbers.view(torch.int32).numpy(), row.float().numpy(), answer)
    return torch.from_numpy(answer)


def lstm_layer(weights: tuple[torch.Tensor, torch.Tensor], bias: torch.Tensor,
               values: torch.Tensor, state: tuple[torch.Tensor, torch.Tensor]
               ) -> tuple[torch.Tensor, torch.Tensor]:
    """One step of one layer, all but its products by NumPy, whose calls cost a third of torch's.

    The logistic function of x is (1 + tanh(x / 2)) / 2: one call bends all four gates.

    Args:
        weights: Of what comes in [4 W, K] and of the hidden state [4 W, W]; both of them `fits`.
        bias: [4 W], the sum of both.
        values: What comes in [1, K].
        state: Hidden and cell before, [1, W] float32 each.

    Returns:
        Both after it.
    """
    numbers = weights[0].dtype
    gates = product(weights[0], values.to(numbers)).numpy()
    gates += product(weights[1], state[0].to(numbers)).numpy()
    gates += bias.numpy()
    parts = gates.reshape(4, -1)  # enter, forget, candidate, leave
    parts *= HALF
    np.tanh(parts, out=parts)
    parts *= HALF
    parts += 1 - HALF
    cell = parts[1] * state[1].numpy()
    cell += parts[0] * parts[2]
    return torch.from_numpy(parts[3] * np.tanh(cell)), torch.from_numpy(cell)


@functools.cache
def _is_installed() -> bool:
    return importlib.util.find_spec("numba") is not None


@functools.cache
def _compiled() -> tuple[Callable[..., None], Callable[..., None]]:
    """For both formats; in each process the first call of each takes a second."""
    import numba
    from llvmlite import ir
    from numba.extending import intrinsic

    jit = numba.njit(nogil=True, fastmath=SUMS)

    def of_bits(_: Any, bits: Any) -> Any:
        """The float32 of these bits: bf16 is its upper half."""
        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            return builder.bitcast(given[0], ir.FloatType())

        return numba.float32(numba.uint32), generate

    as_float: Any = intrinsic(of_bits)

    @jit
    def fp32(matrix: Any, values: Any, answer: Any) -> None:
        for row in range(matrix.shape[0]):
            total = np.float32(0)
            for column in range(matrix.shape[1]):
                total += matrix[row, column] * values[0, column]
            answer[0, row] = total

    @jit
    def bf16(pairs: Any, values: Any, answer: Any) -> None:
        even, odd = values[0, ::2].copy(), values[0, 1::2].copy()
        for row in range(pairs.shape[0]):
            total = np.float32(0)
            for column in range(pairs.shape[1]):
                both = numba.uint32(pairs[row, column])
                total += (as_float(numba.uint32(both << 16)) * even[column]
                          + as_float(numba.uint32(both & 0xFFFF0000)) * odd[column])
            answer[0, row] = total

    return fp32, bf16
