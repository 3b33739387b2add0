"""How pictures are stored, and that no byte of a file changes unseen."""

import hashlib
import subprocess
import sys
from importlib import import_module

import h5py
import hdf5plugin
import numpy as np
import pytest

from episodes import seal
from episodes.channels import swap_channels
from episodes.hdf5 import read_episode, read_told
from episodes.hdf5_writer import write_episode
from episodes.storing import STORAGES
from tests.episodes.records import laboratory_file, record

NOISE = np.random.default_rng(0).integers(0, 256, (4, 16, 24, 3), np.uint8)
SMOOTH = np.zeros((4, 64, 64, 3), np.uint8) + np.arange(64, dtype=np.uint8)[:, None, None] * 3
PLAIN_H5PY = """
import sys
from importlib import import_module
sys.modules["hdf5plugin"] = None
import h5py
with h5py.File(sys.argv[1], "r") as f:
    events = [event.decode("utf-8") for event in f["action_event_types"][:]]
    print(f["images"][:].sum(), f["actions"][:].shape, events[0], f.attrs["num_frames"])
"""


@pytest.mark.parametrize("storage", ["zstd", "gzip"])
def test_what_is_stored_without_loss_comes_back_to_the_bit(tmp_path, storage):
    path = write_episode(tmp_path, record(moves=1, rgb=NOISE), storage=storage)
    np.testing.assert_array_equal(read_episode(path).images, NOISE[[0, 0, 1, 2]])
    assert read_told(path)[1].storage == storage


def test_jpeg_is_small_and_loses_a_little(tmp_path):
    path = write_episode(tmp_path, record(moves=1, rgb=SMOOTH), storage="jpeg")
    difference = np.abs(read_episode(path).images.astype(int) - SMOOTH[[0, 0, 1, 2]])
    assert difference.max() <= 4
    assert read_told(path)[1].storage == "jpeg"


@pytest.mark.parametrize("storage", STORAGES)
def test_some_frames_are_read_alone(tmp_path, storage):
    path = write_episode(tmp_path, record(moves=1, rgb=NOISE), storage=storage)
    np.testing.assert_array_equal(read_told(path)[1].read(path, [3, 1]),
                                  read_episode(path).images[[3, 1]])


def test_frames_of_chunks_that_hold_several_are_read_too(tmp_path):
    """The laboratory's collector lets h5py choose the chunks."""
    images = np.random.default_rng(0).integers(0, 256, (18, 90, 160, 3), np.uint8)
    path = laboratory_file(tmp_path / "episode_20250808_101112.h5", 18, images=None)
    for options in ({"compression": "gzip"}, {"compression": "gzip", "shuffle": True},
                    {}, {"chunks": (5, 40, 40, 2)},
                    {"compression": "gzip", "chunks": (5, 40, 40, 2)}):
        with h5py.File(path, "a") as file:
            file.pop("images", None)
            file.create_dataset("images", data=images, **options)
        np.testing.assert_array_equal(read_episode(path).images, images[..., ::-1])
        np.testing.assert_array_equal(read_told(path)[1].read(path, [7]), images[[7], ..., ::-1])


def test_by_default_lab_is_gzip_and_everything_else_zstd(tmp_path):
    stored = {profile: read_told(write_episode(tmp_path, record(moves=1), profile))[1].storage
              for profile in ("lab", "full")}
    assert stored == {"lab": "gzip", "full": "zstd"}


def test_plain_h5py_reads_a_sealed_gzip_episode(tmp_path):
    path = write_episode(tmp_path, record(moves=1, rgb=NOISE), "lab")
    done = subprocess.run([sys.executable, "-c", PLAIN_H5PY, path], text=True, check=True,
                          capture_output=True)
    total = read_episode(path).images.sum(dtype=np.int64)
    assert done.stdout.split("(")[0].strip() == str(total)


def test_hdf5_with_its_plugin_reads_a_zstd_episode(tmp_path):
    assert hdf5plugin.FILTERS["zstd"]
    with h5py.File(write_episode(tmp_path, record(moves=1, rgb=NOISE))) as file:
        assert file["images"].chunks == (1, *NOISE.shape[1:])
        np.testing.assert_array_equal(file["images"][()], NOISE[[0, 0, 1, 2]][..., ::-1])


@pytest.mark.parametrize(("profile", "storage", "sentence"), [
    ("full", "blosc", "storage must be one of zstd, gzip, jpeg"),
    ("lab", "zstd", "profile lab is stored as gzip"),
])
def test_a_storage_that_readers_do_not_know_is_refused(tmp_path, profile, storage, sentence):
    with pytest.raises(ValueError, match=sentence):
        write_episode(tmp_path, record(moves=1), profile, storage=storage)


def test_uniform_pictures_are_read_again_however_small_zstd_packs_them(tmp_path, monkeypatch):
    """A reader refuses what unpacks to over 1,100 times its size: so nobody writes that."""
    monkeypatch.setattr("episodes.storing.FREE_BYTES", 0)
    monkeypatch.setattr("episodes.guard.FREE_BYTES", 0)
    black = np.zeros((31, 512, 512, 3), np.uint8)
    path = write_episode(tmp_path, record(moves=28, rgb=black))
    assert read_told(path)[1].storage == "gzip"
    assert not read_episode(path).images.any()


def test_the_seal_is_the_sha256_of_all_that_follows_its_line(tmp_path):
    path = write_episode(tmp_path, record(moves=1))
    digest, facts = seal.read_seal(path)
    assert digest == hashlib.sha256(path.read_bytes()[119:]).hexdigest()  # tail -c +120
    assert path.read_bytes()[:119].decode().splitlines() == [
        "mobile-vla-bench episode 2", f"sha256 {digest} of all that follows"]
    assert (facts["frames"], facts["decisions"], facts["scenario"]) == (4, 3, "1box_vert_left")


def test_no_single_byte_of_a_sealed_episode_changes_unseen(tmp_path):
    path = write_episode(tmp_path, record(moves=1))
    whole = path.read_bytes()
    for place in (*range(600), *range(600, len(whole), 97)):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 + place % 255
        path.write_bytes(spoilt)
        with pytest.raises(ValueError, match="damaged, or changed|begins with neither|its seal"):
            read_episode(path)


def test_a_file_that_lost_its_seal_is_refused(tmp_path):
    path = write_episode(tmp_path, record(moves=1))
    content = path.read_bytes()
    path.write_bytes(content[content.index(seal.SIGNATURE):])
    with pytest.raises(ValueError, match="damaged|lost its seal"):
        read_episode(path)
    with h5py.File(laboratory_file(path), "a") as file:
        file.attrs["schema_version"] = 2
    with pytest.raises(ValueError, match="lost its seal"):
        read_episode(path)


def test_a_long_instruction_gets_a_larger_header_and_one_without_end_is_refused(tmp_path):
    path = write_episode(tmp_path, record(moves=1, instruction="컵까지 가세요 " * 100))
    assert read_episode(path).instruction.startswith("컵까지 가세요")
    assert seal.read_seal(path)[1]["instruction"] == read_episode(path).instruction
    with pytest.raises(ValueError, match="shorten its instruction"):
        write_episode(tmp_path, record(moves=1, instruction="go " * 10_000))


def test_a_file_of_the_older_storage_is_still_read(tmp_path):
    """Schema 1: gzip, no seal."""
    path = laboratory_file(tmp_path / "episode_20000101_000000_1box_vert_left_core_far.h5")
    with h5py.File(path, "a") as file:
        file.attrs["schema_version"] = 1
        file.create_group("sim").attrs.update(source="simulated", instruction="go", decisions=2)
    episode = read_episode(path)
    assert (episode.source, episode.instruction) == ("simulated", "go")
    assert len(episode.decisions[0]) == 2


@pytest.mark.parametrize("bad", [np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)],
                         ids=["floats", "four channels"])
def test_what_are_no_pixels_are_refused_before_anything_is_written(bad):
    import_module("numba")
    with pytest.raises(ValueError, match="pictures must be uint8"):
        swap_channels(bad)
    with pytest.raises(ValueError, match="pictures must be uint8"):
        swap_channels(np.zeros((40, 40, 3), np.uint8), np.zeros((2, 2, 3), np.uint8))


@pytest.mark.parametrize("shape", [(1, 1, 3), (2, 3, 5, 3), (256, 256, 3), (256, 257, 3),
                                   (720, 1280, 3), (0, 4, 4, 3)])
@pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "without Numba"])
def test_red_and_blue_change_places_whatever_the_size(shape, compiled, monkeypatch):
    import_module("numba")
    if not compiled:
        monkeypatch.delitem(sys.modules, "numba")
    rgb = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    bgr = swap_channels(rgb)
    np.testing.assert_array_equal(bgr, rgb[..., ::-1])
    wide = np.zeros((*shape[:-1], 4), np.uint8)
    np.testing.assert_array_equal(swap_channels(bgr, out=np.empty_like(rgb)), rgb)
    if len(shape) == 3:
        np.testing.assert_array_equal(swap_channels(rgb[:, ::2]), rgb[:, ::2, ::-1])
        into = wide[..., :3]
        np.testing.assert_array_equal(swap_channels(rgb, out=into), bgr)
