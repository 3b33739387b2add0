"""What is odd is left out in one sentence, and the rest is converted."""

import json
import os
import re

import h5py
import numpy as np
import pytest

from episodes.convert import Options, convert, main
from episodes.hdf5 import find_episodes
from tests.episodes import laboratory as lab

NO_EVENTS = {"action_event_types": None}
STARTS_TWICE = {"action_event_types": np.array(["episode_start"] * 18, object)}
NEVER_STARTS = {"action_event_types": np.array(["stop_action"] * 18, object)}
STARTS_MOVING = {"actions": np.full((18, 3), 0.5, np.float32)}
MOVING_STOP = {"actions": np.array([(0, 0, 0)] + [(1.15, 0, 0)] * 17, np.float32)}
BEYOND = {"actions": np.array([(0, 0, 0)] + [(1.38, 0, 0)] * 16 + [(0, 0, 0)], np.float32)}


def subfolder(into):
    (into / "more").mkdir()
    return into / "more"


def torn_off(path):
    with h5py.File(path, "a") as file:
        file.attrs["num_frames"] = 25




@pytest.mark.parametrize(("odd", "reason", "says"), [
    (lambda into: lab.august(into, keys="w" * 16), "length", "images has 17 frames, expected 18"),
    (lambda into: lab.august(into, keys="w" * 18), "length", "images has 19 frames, expected 18"),
    (lambda into: lab.august(into, **NO_EVENTS), "unreadable", "no dataset 'action_event_types'"),
    (lambda into: lab.august(into, **NEVER_STARTS), "events", "episode_start nowhere, expected"),
    (lambda into: lab.august(into, **STARTS_TWICE), "events", "start in 18 frames, first in 0"),
    (lambda into: lab.august(into, **STARTS_MOVING), "events",
     r"is episode_start in frame 0, where actions is \[0.5, 0.5, 0.5\]; expected no motion"),
    (lambda into: lab.august(into, **MOVING_STOP), "events", "is stop_action in frame 17, where"),
    (lambda into: torn_off(lab.august(into)), "length", "num_frames is .*25.*, expected the 18 of"),
    (lambda into: lab.august(into, **BEYOND), "range", "actions are .*1.38.* in frame 1"),
    (lambda into: lab.august(into, "episode_20250808_101112.h5"), "scenario", "scenario is None"),
    (lambda into: lab.august(into, "episode_20250808_101112_my1box_vert_left_core_far.h5"),
     "scenario", "'my1box_vert_left', expected one of 1box_"),
    (lambda into: lab.year_2026(into, lab.BASKET, "target_left_left_path"), "scenario",
     "'target_left_left_path', expected one of"),
    (lambda into: lab.year_2026(into, scenario="2box_hori_left"), "scenario",
     "its name says '2box_hori_right', its attribute scenario '2box_hori_left'"),
    (lambda into: lab.year_2026(into, scenario="2box_hori_right", pattern="variant"), "pattern",
     "its name says 'core', its attribute pattern 'variant'"),
    (lambda into: (into / lab.AUGUST).write_bytes(b"torn"), "unreadable", "damaged or no HDF5"),
    (lambda into: (into / "drive.h5").write_bytes(b"torn"), "name", "is not named as an episode"),
    (lambda into: (into / "EPISODE_1.H5").write_bytes(b"torn"), "name", "is not named as an"),
    (lambda into: lab.august(subfolder(into)), "folder", "is a folder with episodes of its own"),
])
def test_an_odd_file_is_left_out_in_one_sentence_and_the_rest_is_converted(
        source, tmp_path, capsys, odd, reason, says):
    odd(source)
    (name,) = [path.name for path in source.iterdir()]
    lab.november(source)
    with pytest.raises(SystemExit) as end:
        main(Options(source, tmp_path / "out"))
    assert end.value.code == 1
    assert [path.name for path in find_episodes(tmp_path / "out")] == [lab.NOVEMBER]
    said = json.loads((tmp_path / "out" / "conversion.json").read_text(encoding="utf-8"))
    ((kind, sentence),) = [each.values() for each in said["left_out"]]
    assert (kind, said["converted"]) == (reason, 1)
    assert sentence.startswith(f"{source / name}: ")
    assert re.search(says, sentence)
    printed = capsys.readouterr().out.splitlines()
    assert f"left out: {sentence}" in printed
    assert printed[-1] == f"left out: 1 {reason}."


def test_a_name_that_is_no_text_is_said_as_far_as_it_can_be(source):
    lab.august(source)
    (source / os.fsdecode(b"episode_\xff.h5")).write_bytes(b"torn")
    report = convert(Options(source, source.parent / "out"))
    assert report.converted == 1
    assert r"episode_\udcff.h5: " in report.left_out[0].sentence


@pytest.mark.parametrize("text", ["x" * 3000, "a\0b"])
def test_texts_that_no_format_takes_are_left_out(source, text):
    lab.august(source)
    path = lab.november(source)
    with h5py.File(path, "a") as file:
        del file.attrs["language_instruction"]
        file["language_instruction"] = np.array([text.encode()], "S4000")
    report = convert(Options(source, source.parent / "out"))
    assert report.converted == 1
    assert "instruction is " in report.left_out[0].sentence


TURNING = np.concatenate([np.zeros((1, 3), np.float32), lab.commands()])
TURNING[5, 2] = 0.3


def simulated(path):
    with h5py.File(path, "a") as file:
        file.create_group("sim").attrs["source"] = "simulated"


@pytest.mark.parametrize(("to", "spoil", "reason", "says"), [
    ("lerobot_xy", {"actions": TURNING}, "turn", "turns in decision 4, which actions of two"),
    ("lerobot", {"images": lab.pictures(size=(12, 16))}, "size", "12 x 16, expected 24 x 32"),
    ("lerobot", simulated, "source", "is simulated, expected real as the first"),
])
def test_what_one_format_cannot_take_is_left_out_of_it_alone(source, tmp_path, to, spoil, reason,
                                                            says):
    lab.august(source)
    if callable(spoil):
        spoil(lab.november(source))
    else:
        lab.november(source, **spoil)
    assert convert(Options(source, tmp_path / "lab")).converted == 2
    report = convert(Options(source, tmp_path / "out", to=to))
    assert report.converted == 1
    (odd,) = report.left_out
    assert odd.reason == reason
    assert says in odd.sentence


@pytest.mark.parametrize("to", ["lab", "robomimic", "calvin", "lerobot"])
def test_how_many_were_simulated_is_said_and_stored(source, tmp_path, capsys, to):
    simulated(lab.august(source))
    main(Options(source, tmp_path / "out", to=to))
    assert f"in {tmp_path / 'out'}: 1 simulated." in capsys.readouterr().out
    stored = json.loads((tmp_path / "out" / "conversion.json").read_text(encoding="utf-8"))
    assert stored["sources"] == {"simulated": 1}
