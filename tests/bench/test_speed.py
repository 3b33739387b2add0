"""Steps towards the floor, each beside what it replaces, and beside the floor of the same minute.

Towers and LSTM have the full size's layers; of each tower two, which a machine without much memory
can hold. The LSTM of 4 x 4096 takes 4 GiB and runs where there are so many.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

import policies
from policies.lstm_step import LstmStep
from policies.machine import measured
from policies.memory import GIB, free_bytes
from policies.picture import squeeze
from policies.pixels import normalise, pixels
from policies.sizes import FULL
from policies.stepped import HybridBf16, HybridInt8, Stepped
from policies.threads import computing_with
from tests.bench.ratios import alternating, report

pytestmark = pytest.mark.bench
LEFT = "Navigate around the obstacle on the left side and reach the cup"
TWO_LAYERS = replace(FULL, kosmos_vision_layers=2, kosmos_text_layers=2, clip_vision_layers=2,
                     clip_text_layers=2)
BYTES = {torch.float32: ("fp32", 4), torch.bfloat16: ("bf16", 2)}
FLOOR_SHARE = {torch.float32: 1 / 1.45, torch.bfloat16: 1 / 1.2}  # at least, of a step
CALLS = {1024: 80, 4096: 10}  # a second, as memory is read for
ROUNDS = {"warmup_rounds": 2, "rounds": 20}


@pytest.fixture(autouse=True)
def one_thread():
    """Two threads that wait for each other on a busy machine measure its other users."""
    with computing_with(1), torch.inference_mode():
        yield


@pytest.mark.benchmark(group="a 720p frame becomes the policy's picture, one core")
def test_frame_to_picture(benchmark):
    frame = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), dtype=np.uint8)
    pillow = alternating(
        lambda: normalise(torch.from_numpy(squeeze(frame, (224, 224)).copy())[None]),
        lambda: pixels([frame], 224, "cpu"), rounds=40, calls=2)
    benchmark.pedantic(pixels, args=([frame], 224, "cpu"), **ROUNDS)
    report(benchmark, "times pillow's pictures a second", pillow[0] / pillow[1], 1.3)


@pytest.mark.benchmark(group="one step of an LSTM of 4 layers, one row, one thread")
@pytest.mark.parametrize("dtype", BYTES, ids=["fp32", "bf16"])
@pytest.mark.parametrize("width", [1024, 4096])
def test_lstm_step(benchmark, width, dtype):
    if free_bytes() < width / 1024 * 2 * GIB:
        pytest.skip("too little memory is free")
    lstm = nn.LSTM(2048, width, 4, batch_first=True)
    numbers = sum(each.numel() for each in lstm.parameters())
    step = LstmStep(lstm, dtype)
    values, state = torch.randn(1, 2048), [torch.zeros(4, 1, width) for _ in range(2)]
    machines = [measured(numbers * BYTES[dtype][1], dtypes=())]
    theirs_s, ours_s = alternating(lambda: lstm(values[:, None]), lambda: step(values, *state), 5,
                                   CALLS[width])
    machines.append(measured(numbers * BYTES[dtype][1], dtypes=()))
    benchmark.pedantic(step, args=(values, *state), **ROUNDS)
    bandwidth = max(each["bandwidth_bytes_s"] for each in machines)
    name = BYTES[dtype][0]
    report(benchmark, f"times nn.LSTM's steps a second, {width}, {name}", theirs_s / ours_s)
    floor_s = numbers * BYTES[dtype][1] / bandwidth
    report(benchmark, f"times its floor, {width}, {name}", ours_s / floor_s)
    report(benchmark, f"its floor / time, {width}, {name}", floor_s / ours_s, FLOOR_SHARE[dtype])


@pytest.mark.benchmark(group="two layers of a tower at full width, one thread")
@pytest.mark.parametrize("dtype", BYTES, ids=["fp32", "bf16"])
@pytest.mark.parametrize("part", ["kosmos_vision", "clip_vision"])
def test_tower(benchmark, part, dtype):
    from policies.backbone import Backbone
    from policies.checkpoint import SHIPPED

    backbone = Backbone.random(TWO_LAYERS, True, SHIPPED / "towers" / "kosmos2", dtype)
    looked = torch.randn(1, 3, 224, 224)
    work = (lambda: backbone.kosmos.look(looked)) if part == "kosmos_vision" else (
        lambda: backbone.clip.vision(looked))
    benchmark.pedantic(work, **ROUNDS)


@pytest.mark.benchmark(group="one decision of the mini hybrid, one thread")
@pytest.mark.parametrize("name", ["window", "stepped", "bf16", "int8"])
def test_hybrid(benchmark, name):
    make = {"window": lambda: policies.make("hybrid"), "stepped": Stepped, "bf16": HybridBf16,
            "int8": HybridInt8}
    policy = make[name]()
    memory = policy.begin(LEFT, 0)
    seen = {"rgb": np.zeros((224, 224, 3), np.uint8), "velocity": np.zeros(3, np.float32)}
    benchmark.pedantic(policy.act, args=([memory], [seen]), **ROUNDS)
