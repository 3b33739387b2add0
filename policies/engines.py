"""How a step runs on a device: as it is, compiled, or recorded once and replayed.

`compile` lets torch make kernels of it; `graph` records a CUDA graph of the whole step, so that the
processor launches once a decision instead of once a layer. Both are made for the shapes of the
first call: a graph refuses others, torch compiles anew for them, which takes as long again.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

EAGER, COMPILE, GRAPH = "eager", "compile", "graph"
WARM_UP = 3  # calls before recording, for what libraries set up on first use
Tensors = tuple[torch.Tensor, ...]
Work = Callable[..., Tensors]
Recorder = Callable[[Callable[[], Tensors]], tuple[Callable[[], None], Tensors]]


def with_engine(work: Work, engine: str, device: torch.device) -> Work:
    """The same work by an engine.

    Args:
        work: Takes and returns tensors on the device.
        engine: eager, compile or graph.
        device: Where it runs.

    Raises:
        ValueError: for another engine, or a graph without a GPU.
    """
    if engine == EAGER:
        return work
    if engine == COMPILE:
        compiled = torch.compile(work, dynamic=False)
        return _frozen(compiled) if device.type == "cpu" else compiled
    if engine != GRAPH:
        raise ValueError(f"engine must be {EAGER}, {COMPILE} or {GRAPH}, got {engine!r}.")
    if device.type != "cuda":
        raise ValueError("engine 'graph' records a GPU's work, and the device is "
                         f"{device.type}; use --engine compile, or --device cuda.")
    return Recorded(work, cuda_graph)


def _frozen(compiled: Work) -> Work:
    """Compiled with its weights as constants, which are laid out as a processor's kernels want."""
    from torch._inductor import config
    from torch._inductor.exc import InductorError

    def run(*given: torch.Tensor) -> Tensors:
        try:
            with config.patch(freezing=True):  # asked for when the first call is compiled
                return compiled(*given)
        except InductorError as error:
            said = str(error).strip().splitlines()[0]
            raise ValueError(f"torch cannot compile here ({said}); a processor's step wants a C++ "
                             f"compiler: install g++, or use --engine eager.") from error

    return run


class Recorded:
    """Work on places of its own: what is given is copied there, what comes out is copied away."""

    def __init__(self, work: Work, record: Recorder) -> None:
        """`record`: takes work without arguments; returns what repeats it, and its answers."""
        self._work, self._record = work, record
        self._given: Tensors = ()
        self._replay: Callable[[], None] = lambda: None
        self._found: Tensors = ()

    def __call__(self, *given: torch.Tensor) -> Tensors:
        """The work's answers to these.

        Raises:
            ValueError: for other shapes than the first call's.
        """
        if not self._given:
            self._given = tuple(each.clone() for each in given)
            self._replay, self._found = self._record(lambda: self._work(*self._given))
        shapes, recorded = ([tuple(each.shape) for each in some] for some in (given, self._given))
        if shapes != recorded:
            raise ValueError(f"A recorded step takes {recorded}, got {shapes}: use one batch size, "
                             f"or --engine eager.")
        for place, value in zip(self._given, given):
            place.copy_(value)
        self._replay()
        return tuple(each.clone() for each in self._found)


def cuda_graph(work: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
    """Record work as a CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(WARM_UP):
            work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = work()
    return graph.replay, found
