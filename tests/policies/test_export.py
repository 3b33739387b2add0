"""The whole decision as an ONNX file that answers as torch does, beyond the window too."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from policies.export import GIVEN, Options, export

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    file = tmp_path_factory.mktemp("onnx") / "step.onnx"
    return file, export(Options(file))


def test_onnx_runtime_commands_as_torch_does_over_more_frames_than_the_window(exported):
    _, about = exported
    assert about["most_apart"] <= 1e-4
    assert (about["policy"], about["weights"]) == ("hybrid", "trained")


def test_a_robot_drives_by_the_two_files_alone(exported):
    file, _ = exported
    about = json.loads(file.with_suffix(".json").read_text())
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    state = [np.zeros(about["inputs"][name][1], np.float32) for name in GIVEN[2:4]]
    state.append(np.zeros(about["inputs"]["frames"][1], np.int64))
    pixels = np.zeros(about["inputs"]["pixels"][1], np.float32)
    answers = []
    for share in about["words"].values():
        words = np.array([share], np.float32)
        command, *_ = session.run(None, dict(zip(GIVEN, (pixels, words, *state))))
        assert (command.shape, np.abs(command).max() <= 1.16) == ((1, 2), True)
        answers.append(command)
    assert len(answers) == 2
    assert not np.array_equal(*answers)


def test_a_policy_without_fusion_and_lstm_or_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ValueError, match="case1_simplified has no fusion and LSTM"):
        export(Options(tmp_path / "a.onnx", policy="case1_simplified", random_weights=True))
    with pytest.raises(ValueError, match="a FILE.onnx in a folder that is there"):
        export(Options(tmp_path / "nowhere" / "a.onnx"))


def test_answers_that_are_not_torchs_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("policies.export.compared", lambda *given: 0.2)
    monkeypatch.setattr("torch.onnx.export", lambda *given, **named: None)
    with pytest.raises(ValueError, match=r"commands are 0\.2 from torch's, expected at most"):
        export(Options(tmp_path / "a.onnx", random_weights=True))


def test_wrong_input_is_one_sentence_and_exit_code_2(tmp_path):
    told = subprocess.run([sys.executable, "-m", "policies.export", "--policy", "hybird", "--out",
                           str(tmp_path / "a.onnx")], cwd=ROOT, capture_output=True, text=True)
    assert told.returncode == 2
    assert "Unknown policy 'hybird'" in told.stderr
    assert "Traceback" not in told.stderr
