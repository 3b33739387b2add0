"""`episodes.check`: what is sound, and what is said of what is not."""

import subprocess
import sys
from pathlib import Path

import h5py
import pytest

from episodes.check import check
from episodes.hdf5_writer import write_episode
from tests.episodes.records import laboratory_file, record

ROOT = Path(__file__).parent.parent.parent
LEFT = ".episode_a.h5.0123456789abcdef0123456789abcdef.tmp"


def command(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-m", "episodes.check", *map(str, arguments)], cwd=ROOT,
                          text=True, capture_output=True)


def test_a_folder_of_sound_episodes_is_sound_sealed_or_not(tmp_path):
    write_episode(tmp_path, record(moves=1))
    laboratory_file(tmp_path / "episode_20250815_090353_1box_vert_left_core_medium.h5")
    done = command(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 of 2 episodes are sound, 1 of them sealed." in done.stdout


def test_one_damaged_file_is_named_and_stays_where_it_is(tmp_path):
    write_episode(tmp_path, record(moves=1))
    damaged = write_episode(tmp_path, record(moves=1))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    done = command(tmp_path, "--repair")
    assert done.returncode == 1
    assert f"{damaged}: damaged, or changed since it was written" in done.stdout
    assert "1 of 2 episodes are sound" in done.stdout
    assert damaged.exists()


def test_what_a_killed_writer_left_is_recognised_and_removed_on_demand(tmp_path):
    write_episode(tmp_path, record(moves=1))
    (tmp_path / LEFT).write_bytes(b"half an episode")
    (tmp_path / ".hidden.tmp").touch()
    assert check(tmp_path).leftovers == [tmp_path / LEFT]
    assert command(tmp_path).returncode == 1
    assert check(tmp_path, repair=True).is_sound
    assert check(tmp_path).is_sound
    assert (tmp_path / ".hidden.tmp").exists()


def test_a_folder_of_nothing_but_leftovers_can_be_repaired(tmp_path):
    (tmp_path / LEFT).touch()
    assert check(tmp_path, repair=True).is_sound
    assert list(tmp_path.iterdir()) == []


def test_a_missing_place_is_refused(tmp_path):
    with pytest.raises(ValueError, match="no such file or folder"):
        check(tmp_path / "nowhere")
    assert command(tmp_path / "nowhere").returncode == 2


@pytest.mark.parametrize("option", ["json", "html"])
def test_a_report_never_takes_the_place_of_an_episode(tmp_path, option):
    path = write_episode(tmp_path, record(moves=1))
    before = path.read_bytes()
    for target, says in ((path, f"must end in .{option}"),
                         (tmp_path / "none" / f"a.{option}", "in a folder that is there")):
        done = command(tmp_path, f"--{option}", target)
        assert (done.returncode, done.stdout) == (2, "")
        assert says in done.stderr
        assert "Traceback" not in done.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(("name", "attributes", "says"), [
    ("episode_20250815_090353_1box_hori_left_core_medium.h5", {"scenario": "2box_hori_right"},
     "its name says '1box_hori_left', its attribute scenario '2box_hori_right'"),
    ("episode_20250815_090353_1box_vert_left_core_medium.h5", {"num_frames": 10**15},
     "attribute num_frames is 1000000000000000, expected the 18 of images")])
def test_what_a_file_says_of_itself_and_its_content_denies_is_found(tmp_path, name, attributes,
                                                                     says):
    path = laboratory_file(tmp_path / name, 18)
    with h5py.File(path, "a") as file:
        file.attrs.update(attributes)
    (found,) = check(tmp_path).denied
    assert (found.what, found.files) == ("contradiction", (path,))
    assert says in found.sentence
    done = command(tmp_path)
    assert f"contradiction: {path}: {says}" in done.stdout
