"""Step by step, a policy answers as over its window; in fewer bits, nearly."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import policies
from policies.engines import Recorded, with_engine
from policies.lstm_step import LstmStep
from policies.quantise import Int8Linear
from policies.step import Step
from policies.stepped import HybridBf16, HybridCarried, HybridInt8, Stepped

LEFT = "Navigate around the obstacle on the left side and reach the cup"
CPU = torch.device("cpu")
BEYOND_THE_WINDOW = range(19)


def look(seed):
    rgb = np.random.default_rng(seed).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    return {"rgb": rgb, "velocity": np.zeros(3, np.float32)}


def drive(policy, seeds=BEYOND_THE_WINDOW, memory=None):
    memory = memory or policy.begin(LEFT, 0)
    return np.array([policy.act([memory], [look(seed)])[0].commands[0] for seed in seeds])


@pytest.fixture(scope="module")
def windowed():
    return drive(policies.make("hybrid"))


@pytest.fixture(scope="module")
def stepped():
    return Stepped()


@pytest.mark.parametrize(("width", "layers"), [(1024, 4), (64, 2)])
def test_a_step_is_that_of_torchs_lstm(width, layers):
    torch.manual_seed(0)
    lstm = nn.LSTM(2 * width, width, layers, batch_first=True)
    step, values = LstmStep(lstm), torch.randn(3, 5, 2 * width)
    wanted, (hidden, cell) = lstm(values)
    state = [torch.zeros(layers, 3, width) for _ in range(2)]
    wanted, hidden, cell = wanted.detach(), hidden.detach(), cell.detach()
    with torch.no_grad():
        for frame in range(5):
            found, *state = step(values[:, frame], *state)
            assert (found - wanted[:, frame]).abs().max() <= 1e-6
    assert (state[0] - hidden).abs().max() <= 3e-6  # roundings of five steps
    assert (state[1] - cell).abs().max() <= 3e-6


def test_in_16_bits_a_step_is_nearly_that_of_torchs_lstm():
    torch.manual_seed(0)
    lstm = nn.LSTM(128, 64, 4, batch_first=True)
    values = torch.randn(1, 1, 128)
    state = [torch.zeros(4, 1, 64) for _ in range(2)]
    found, *_ = LstmStep(lstm, torch.bfloat16)(values[:, 0], *state)
    assert (found - lstm(values)[0][:, 0]).abs().max() < 0.01


def test_commands_are_those_over_the_window_also_when_it_moves_on(windowed, stepped):
    assert np.abs(drive(stepped) - windowed).max() <= 1e-5


def test_frames_before_the_window_are_forgotten_unless_the_state_is_carried(stepped):
    window = list(range(10, 18))
    assert np.allclose(drive(stepped, [1, *window])[-1], drive(stepped, [2, *window])[-1],
                       atol=1e-6)
    carried = HybridCarried()
    assert not np.allclose(drive(carried, [1, *window])[-1], drive(carried, [2, *window])[-1],
                           atol=1e-6)


@pytest.mark.parametrize(("make", "apart"), [(HybridBf16, 0.02), (HybridInt8, 0.05)])
def test_in_fewer_bits_commands_are_mostly_the_same_and_weights_smaller(
    windowed, stepped, make, apart
):
    policy = make()
    assert 0.0 < np.abs(drive(policy) - windowed).mean() < apart
    small, whole = (sum(each.numel() * each.element_size()
                        for each in [*one.step.parameters(), *one.step.buffers()])
                    for one in (policy, stepped))
    assert small < 0.55 * whole


def test_whole_numbers_of_a_row_do_not_depend_on_other_rows():
    torch.manual_seed(0)
    layer = nn.Linear(64, 32)
    small, rows = Int8Linear(layer.weight, layer.bias), torch.randn(5, 64)
    rows[3] *= 1000.0
    together = small(rows)
    assert torch.equal(small(rows[:1]), together[:1])
    assert (together[:3] - layer(rows[:3])).abs().max() < 0.03
    assert torch.equal(small(torch.zeros(2, 64))[0], layer.bias)


def test_a_policy_without_fusion_and_lstm_is_refused():
    with pytest.raises(ValueError, match="case1_simplified has no fusion and LSTM"):
        Step(policies.make("case1_simplified", random_weights=True))
    with pytest.raises(ValueError, match="forward has no layers that could go step by step"):
        Stepped(of="forward")


def test_variants_without_words_or_without_clip_go_step_by_step_too():
    for name in ("hybrid_no_text", "kosmos_lstm", "hybrid_no_memory"):
        whole = policies.make(name, random_weights=True)
        step = Stepped(of=name, random_weights=True)
        assert np.abs(drive(step, range(10)) - drive(whole, range(10))).max() <= 1e-5


def test_an_engine_is_one_of_three_and_graphs_want_a_gpu():
    with pytest.raises(ValueError, match="engine must be eager, compile or graph, got 'tensorrt'"):
        with_engine(lambda: (), "tensorrt", CPU)
    with pytest.raises(ValueError, match="records a GPU's work, and the device is cpu"):
        Stepped(engine="graph", random_weights=True)


def test_what_is_recorded_once_answers_for_what_is_given_later(windowed):
    """A recorder that repeats by calling again, into the same places: as a graph's replay does."""
    recordings = []

    def record(work):
        found = tuple(each.clone() for each in work())
        recordings.append(found)

        def replay():
            for place, value in zip(found, work()):
                place.copy_(value)

        return replay, found

    policy = Stepped()
    policy._run = Recorded(policy.step, record)
    first = policy.begin(LEFT, 0)
    drive(policy, range(3), first)
    branch = copy.deepcopy(first)
    assert np.array_equal(drive(policy, range(3, 6), first), drive(policy, range(3, 6), branch))
    assert np.abs(drive(policy) - windowed).max() <= 1e-5
    assert len(recordings) == 1
    with pytest.raises(ValueError, match="A recorded step takes"):
        policy.act([policy.begin(LEFT, 0), policy.begin(LEFT, 1)], [look(0), look(1)])


@pytest.mark.slow
def test_a_compiled_step_answers_as_it_does_uncompiled(windowed):
    assert np.abs(drive(Stepped(engine="compile")) - windowed).max() <= 1e-4


@pytest.mark.gpu
@pytest.mark.parametrize("engine", ["compile", "graph"])
def test_on_a_gpu_engines_answer_as_without(engine):
    plain = drive(Stepped(device="cuda", dtype="bf16"))
    assert np.abs(drive(Stepped(device="cuda", dtype="bf16", engine=engine)) - plain).max() < 0.05


@pytest.mark.parametrize(("kind", "option", "said"), [
    (HybridInt8, {"dtype": "bf16"}, "hybrid_int8 has dtype int8, got bf16"),
    (HybridBf16, {"dtype": "fp32"}, "hybrid_bf16 has dtype bf16, got fp32"),
    (HybridCarried, {"carried": False}, "hybrid_carried has carried True, got False")])
def test_a_variant_stays_what_it_is_called(kind, option, said):
    with pytest.raises(ValueError, match=said):
        kind(**option)
