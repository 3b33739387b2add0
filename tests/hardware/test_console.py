"""The prompt at a policy: what it answers, what it refuses, and that it goes on after an error."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hardware.console import Config, main, talk, typed, words
from hardware.console_commands import HELP, Console
from hardware.console_sources import Camera, Folder, Robot
from tests.hardware.robots import ReplayRobot, SimRobot

ROOT = Path(__file__).parents[2]
LEFT = "Navigate around the obstacle on the left side and reach the cup"


@pytest.fixture
def pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(2):
        Image.new("RGB", (64, 36), (100 * number, 20, 20)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def console(pictures):
    return Console("forward", Folder(pictures), LEFT, {})


def said(console, line):
    return "\n".join(console.do(line))


def test_infer_says_the_command_picture_by_picture_and_from_the_start_again(console):
    answers = [said(console, "infer") for _ in range(3)]
    assert [answer.split(":")[0] for answer in answers] == ["0.png", "1.png", "0.png"]
    assert "linear_x +1.150, linear_y +0.000, angular_z +0.000" in answers[0]


def test_a_benchmark_says_percentiles_of_as_many_decisions(console):
    answer = said(console, "benchmark 7")
    assert answer.startswith("7 decisions of forward: p50 ")
    assert "decisions/s" in answer


def test_memory_and_clear_tell_what_is_held_free_and_freed(console):
    assert "resident" in said(console, "memory")
    assert "free: " in said(console, "memory")
    assert said(console, "clear").startswith("A new episode;")


def test_other_words_and_another_policy_begin_a_new_episode(pictures):
    console = Console("hybrid", Folder(pictures), LEFT, {"random_weights": True})
    first = said(console, "infer").split("(")[0]
    said(console, "infer")
    assert said(console, f"instruction {LEFT}") == f"A new episode, told: {LEFT}"
    assert said(console, "infer").split("(")[0] == first
    assert said(console, "instruction") == f"It is told: {LEFT}"
    assert said(console, "policy kosmos_lstm") == "kosmos_lstm, size mini, weights random"


@pytest.mark.parametrize(("line", "error"), [
    ("drive", "'drive' is no command, expected one of infer, benchmark"),
    ("benchmark -3", "Expected a number of 1 or more, got '-3'"),
    ("policy hybird", "Unknown policy 'hybird'. Did you mean 'hybrid'"),
    ("policy expert", "needs to be told the truth"),
])
def test_a_wrong_line_is_one_sentence_and_all_goes_on(console, capsys, line, error):
    talk(console, iter([line, "infer", "quit", "infer"]))
    printed = capsys.readouterr()
    assert error in printed.err
    assert printed.out.count("linear_x") == 1


def test_help_says_every_command(console):
    assert said(console, "help").splitlines() == list(HELP.values())


@pytest.mark.parametrize("robot_class", [SimRobot, ReplayRobot])
def test_a_robot_is_looked_at_and_does_not_move(robot_class, tmp_path):
    robot = robot_class(tmp_path)
    try:
        source = Robot(robot.place)
        seen, what = source.look()
        assert seen["rgb"].dtype == np.uint8
        assert what.startswith("picture ")
        if robot_class is SimRobot:
            assert not robot.moves()
        source.close()
    finally:
        robot.close()


def test_a_camera_is_whatever_ffmpeg_opens_and_one_that_is_not_there_is_a_sentence():
    pytest.importorskip("av")
    camera = Camera("testsrc=size=64x48:rate=10", "lavfi")
    seen, _ = camera.look()
    assert (seen["rgb"].shape, seen["rgb"].max() > 100) == ((48, 64, 3), True)
    camera.close()
    with pytest.raises(ValueError, match="Camera '/dev/nothing' cannot be opened"):
        Camera("/dev/nothing")


@pytest.mark.parametrize(("config", "error"), [
    ({"pictures": Path("nowhere")}, "nowhere: has no pictures"),
    ({"pictures": Path("a"), "camera": "b"}, "Either --pictures or --camera"),
    ({"transport": "replay"}, "--transport replay needs --address"),
    ({"transport": "radio"}, "Unknown transport 'radio'"),
    ({"scenario": "3box"}, "3box"),
])
def test_a_place_without_pictures_is_refused(config, error):
    with pytest.raises(ValueError, match=error):
        main(Config(policy="forward", **config))


def test_lines_may_come_through_a_pipe(pictures):
    told = subprocess.run(
        [sys.executable, "-m", "hardware.console", "--policy", "forward", "--pictures", pictures],
        input="infer\nnonsense\nhelp\n", cwd=ROOT, capture_output=True, text=True, check=True)
    assert "linear_x +1.150" in told.stdout
    assert "'nonsense' is no command" in told.stderr


def test_a_terminal_has_history(tmp_path, monkeypatch):
    pytest.importorskip("prompt_toolkit")
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.input import create_pipe_input
    from prompt_toolkit.output import DummyOutput

    monkeypatch.setattr("hardware.console.HISTORY", tmp_path / "cache" / "history")
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        keys.send_text("infer\rnot this\x03help\r\x04")  # Ctrl-C leaves a line, Ctrl-D ends
        assert list(typed()) == ["infer", "help"]
    kept = (tmp_path / "cache" / "history").read_text()
    assert ("+infer" in kept, "+help" in kept, "not this" in kept) == (True, True, False)


def test_commands_and_the_names_of_policies_can_be_completed():
    pytest.importorskip("prompt_toolkit")
    from prompt_toolkit.completion import CompleteEvent, NestedCompleter
    from prompt_toolkit.document import Document

    completer = NestedCompleter.from_nested_dict(words())
    for begun, whole in (("ben", "benchmark"), ("policy hybrid_st", "hybrid_stepped")):
        found = completer.get_completions(Document(begun), CompleteEvent())
        assert [each.text for each in found] == [whole]
