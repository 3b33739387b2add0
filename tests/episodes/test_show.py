"""An episode to look at: in words, as a sheet, as a film."""

import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image

from episodes.drawing import ORANGE, caption, sheet
from episodes.hdf5 import read_episode
from episodes.hdf5_writer import write_episode
from episodes.show import draw, in_words
from tests.episodes.records import FORWARD, STOP, laboratory_file, record
from tests.episodes.test_check import ROOT

COMMANDS = [STOP, FORWARD, (1.15, 1.15, 0), (0, -1.15, 0), (0, 0, 1.15), STOP]
GREY = np.zeros((6, 18, 32, 3), np.uint8) + np.uint8(120)


@pytest.fixture
def episode(tmp_path):
    return read_episode(laboratory_file(
        tmp_path / "episode_20250815_090353_1box_vert_left_core_medium.h5", 6, images=GREY,
        actions=np.array(COMMANDS, np.float32)))


def orange(picture: Image.Image) -> np.ndarray:
    """[N, 2]: column and row of the arrow's pixels, from the middle of where it begins."""
    rows, columns = np.nonzero((np.asarray(picture) == ORANGE).all(axis=-1))
    return np.column_stack([columns, rows]) - [160, 144]


def tile(whole: Image.Image, number: int) -> Image.Image:
    left, top = 8 + number % 4 * 328, 8 + number // 4 * 208
    return whole.crop((left, top, left + 320, top + 180))


def test_words_say_what_was_driven(episode):
    text = in_words(episode)
    assert "1box_vert_left core medium" in text
    assert "Navigate around the obstacle on the left side" in text
    assert "6 of 18 x 32, none, 18.9 s" in text
    assert "5: wqdr_" in text
    assert "left, the scenario says left" in text


def test_arrows_point_where_the_robot_goes(episode):
    whole = sheet(episode)
    assert whole.size == (4 * 328 + 8, 2 * 208 + 8)
    assert not len(orange(tile(whole, 0)))  # nothing is commanded at the start
    forward, slanted, right = (orange(tile(whole, number)) for number in (1, 2, 3))
    assert np.abs(forward[:, 0]).max() < 10
    assert forward[:, 1].min() < -40
    assert slanted[:, 0].min() < -40
    assert slanted[:, 1].min() < -40
    assert right[:, 0].max() > 40
    assert np.abs(right[:, 1]).max() < 10
    turned = orange(tile(whole, 4))
    assert turned[:, 0].min() < -20  # counter-clockwise: it begins above and leads to the left
    assert turned[:, 0].max() < 5
    assert np.hypot(*orange(tile(whole, 5)).T).max() < 15  # a ring


def test_captions_say_it_in_words(episode):
    assert caption(episode, 0) == "0  episode_start"
    assert caption(episode, 2) == "2  forward left  +1.15 +1.15 +0.00"


def test_films_have_every_frame(tmp_path, episode):
    for suffix in (".gif", ".mp4"):
        draw(episode, tmp_path / f"drive{suffix}")
    assert Image.open(tmp_path / "drive.gif").n_frames == 6
    with av.open(str(tmp_path / "drive.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 6
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gif", ".h5", ".mp4"]


def test_the_rerun_viewer_gets_pictures_and_commands(tmp_path, episode):
    chunk = pytest.importorskip("rerun.chunk")
    draw(episode, tmp_path / "drive.rrd")
    found = {}
    for each in chunk.RrdReader(tmp_path / "drive.rrd").stream():
        if not each.is_static:
            rows = each.to_record_batch().num_rows
            found[str(each.entity_path)] = found.get(str(each.entity_path), 0) + rows
    assert found["/camera"] == found["/commands/linear_x"] == 6


def test_the_command_shows_ours_and_refuses_other_suffixes(tmp_path):
    path = write_episode(tmp_path, record(moves=2))
    done = subprocess.run([sys.executable, "-m", "episodes.show", path, "--out",
                           tmp_path / "sheet.png"], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    assert "4: ww__" in done.stdout
    assert Image.open(tmp_path / "sheet.png").format == "PNG"
    done = subprocess.run([sys.executable, "-m", "episodes.show", path, "--out",
                           tmp_path / "sheet.bmp"], cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 2
    assert "must end in one of .png, .gif, .mp4, .rrd" in done.stderr
