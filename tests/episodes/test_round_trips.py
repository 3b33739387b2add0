"""What an episode is survives every format that it goes through, and every way of writing it."""

import h5py
import pytest

from episodes.augment import Options as Augment
from episodes.augment import augment
from episodes.convert import Options, convert
from tests.episodes import laboratory as lab


@pytest.fixture
def source(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def several(folder, count=6):
    """Recordings, each of another layout, whose start frames differ from their first decisions."""
    for second in range(count):
        lab.august(folder, f"episode_20250815_09030{second}_1box_vert_left_core_far.h5", second)
    return folder


def back(folder, to, **asked):
    """The same episodes once they were in another format."""
    there, again = folder.parent / f"{folder.name}_{to}", folder.parent / f"{folder.name}_again"
    convert(Options(folder, there, to=to, **asked))
    convert(Options(there, again, from_=to.split("_")[0]))
    return again


def families_that_are_split(folder):
    """Originals of which one copy, or the original, is held out and another is not."""
    out = folder.parent / "split"
    convert(Options(folder, out, to="robomimic", hold_out=0.3))
    parts = {}
    with h5py.File(out / "demo.hdf5") as file:
        for part in ("train", "valid"):
            for name in file[f"mask/{part}"].asstr():
                told = file[f"data/{name}"].attrs
                parts.setdefault(told.get("copy_of", told["episode_name"]), set()).add(part)
    return [name for name, found in parts.items() if len(found) > 1]


@pytest.mark.parametrize(("to", "asked"), [
    ("robomimic", {}), ("lerobot", {}), ("lab", {"rotate": 180})])
def test_copies_are_held_out_with_their_originals_whatever_they_went_through(
        source, tmp_path, to, asked):
    augment(Augment(several(source), tmp_path / "more", hold_out=0.0))
    assert families_that_are_split(back(tmp_path / "more" / "train", to, **asked)) == []


def test_copies_that_are_made_of_converted_episodes_are_held_out_with_them(source, tmp_path):
    augment(Augment(back(several(source), "robomimic"), tmp_path / "more", hold_out=0.0))
    assert families_that_are_split(tmp_path / "more" / "train") == []
