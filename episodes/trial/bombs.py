"""Hostile files made by hand, by name; each must be refused."""

from __future__ import annotations

import io
import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import zstandard
from PIL import Image

from episodes import seal
from episodes.packing import GZIP, ZSTD

FRAMES, SIZE = 18, (24, 32)  # height, width
SECRET = b"what stands in another file"
HUGE = 1 << 28  # bytes that a bomb unpacks to
TEXT = h5py.string_dtype("utf-8")
TEXT_BYTES = 0x4567  # of a text that is easily found again
EVENTS = ["episode_start"] + ["start_action"] * (FRAMES - 1)


def laboratory(path: Path, **changed: object) -> None:
    """A file as the laboratory's collector leaves it; parts may be replaced, None leaves out."""
    rng = np.random.default_rng(0)
    parts = {"images": rng.integers(0, 256, (FRAMES, *SIZE, 3), np.uint8),
             "actions": np.full((FRAMES, 3), 1.15, np.float32),
             "action_event_types": np.array(EVENTS, TEXT)} | changed
    with h5py.File(path, "w") as file:
        file.attrs.update(episode_name=path.stem, total_duration=38.9, num_frames=FRAMES,
                          action_chunk_size=8)
        for name, data in parts.items():
            if data is not None:
                file.create_dataset(name, data=data, compression="gzip")


def _with(build: Callable[[h5py.File], object], *without: str) -> Callable[[Path], None]:
    """A laboratory's file that is changed afterwards."""
    def make(path: Path) -> None:
        laboratory(path, **dict.fromkeys(without))
        with h5py.File(path, "a") as file:
            build(file)
    return make


def _declared(shape: tuple[int, ...], chunks: tuple[int, ...]) -> Callable[[Path], None]:
    return _with(lambda file: file.create_dataset("images", shape, np.uint8, chunks=chunks),
                 "images")


def _packed(content: bytes, number: int) -> Callable[[Path], None]:
    """Pictures of which each chunk is the same packed content."""
    def build(file: h5py.File) -> None:
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((1, *SIZE, 3))
        made.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (1,))
        space = h5py.h5s.create_simple((FRAMES, *SIZE, 3))
        images = h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, space, made)
        for frame in range(FRAMES):
            images.write_direct_chunk((frame, 0, 0, 0), content)
    return _with(build, "images")


def _black_frames(path: Path) -> None:
    """Valid in itself: 2,000 pictures of 720p in some hundred kilobytes."""
    def build(file: h5py.File) -> None:
        size = (720, 1280, 3)
        packed = zstandard.ZstdCompressor().compress(bytes(720 * 1280 * 3))
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_chunk((1, *size))
        made.set_filter(ZSTD, h5py.h5z.FLAG_OPTIONAL, (1,))
        images = h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8,
                                 h5py.h5s.create_simple((700, *size)), made)
        for frame in range(700):
            images.write_direct_chunk((frame, 0, 0, 0), packed)
    _with(build, "images")(path)


def _external_storage(path: Path) -> None:
    secret = path.with_name("secret")
    secret.write_bytes(SECRET * 2000)
    count = FRAMES * SIZE[0] * SIZE[1] * 3
    _with(lambda file: file.create_dataset("images", (FRAMES, *SIZE, 3), np.uint8,
                                           external=[(str(secret), 0, count)]), "images")(path)


def _other_file(path: Path) -> Path:
    other = path.with_name("other.h5")
    with h5py.File(other, "w") as file:
        pixels = np.frombuffer(SECRET * 2000, np.uint8)[:FRAMES * SIZE[0] * SIZE[1] * 3]
        file["images"] = pixels.reshape(FRAMES, *SIZE, 3)
        file["text"] = SECRET.decode()
    return other


def _external_link(path: Path) -> None:
    other = _other_file(path)
    _with(lambda file: file.__setitem__("images", h5py.ExternalLink(str(other), "/images")),
          "images")(path)


def _external_instruction(path: Path) -> None:
    other = _other_file(path)
    _with(lambda file: file.__setitem__("language_instruction",
                                        h5py.ExternalLink(str(other), "/text")))(path)


def _virtual(path: Path) -> None:
    other = _other_file(path)

    def build(file: h5py.File) -> None:
        layout = h5py.VirtualLayout((FRAMES, *SIZE, 3), np.uint8)
        layout[...] = h5py.VirtualSource(str(other), "images", (FRAMES, *SIZE, 3))
        file.create_virtual_dataset("images", layout)
    _with(build, "images")(path)


def _cycle(file: h5py.File) -> None:
    group = file.create_group("sim").create_group("again")
    group["sim"] = file["sim"]


def _deep(file: h5py.File) -> None:
    group = file
    for _ in range(200):
        group = group.create_group("deeper")


def _same_text_often(file: h5py.File) -> None:
    """100,000 entries that all point at one text of 200 kB: 20 GB where they are read at once."""
    count = 100_000
    made = file.create_dataset("language_instruction", (count,), TEXT, chunks=(count,))
    made[0] = "x" * 200_000
    first = made.id.read_direct_chunk((0,))[1][:16]
    made.id.write_direct_chunk((0,), first * count)


def _says_four_gigabytes(build: Callable[[h5py.File], object], *without: str
                         ) -> Callable[[Path], None]:
    """A file with a text of TEXT_BYTES, whose reference says that it is as long as can be said."""
    def make(path: Path) -> None:
        _with(build, *without)(path)
        reference = struct.pack("<I", TEXT_BYTES) + rb"(?!\0{4})"  # the text's own size has 8 bytes
        content, count = re.subn(reference, b"\xf0\xff\xff\xff", path.read_bytes(), flags=re.DOTALL)
        assert count == 1, count
        path.write_bytes(content)
    return make


def _jpegs(path: Path, pixels: tuple[int, int], rows: int, lies: bool) -> None:
    """Many frames that are all one JPEG, which may be larger than it is said to be."""
    written = io.BytesIO()
    Image.new("RGB", pixels).save(written, "JPEG")
    data = np.frombuffer(written.getvalue(), np.uint8)

    def build(file: h5py.File) -> None:
        group = file.create_group("jpeg")
        group["data"] = data
        group["spans"] = np.array([(0, len(data))] * rows, np.int64)
        height, width = SIZE if lies else pixels[::-1]
        group.attrs.update(height=height, width=width, quality=95)
    laboratory(path, images=None, actions=np.zeros((rows, 3), np.float32),
               action_event_types=np.array(["stop_action"] * rows, TEXT))
    with h5py.File(path, "a") as file:
        build(file)


def _sealed(facts: bytes) -> Callable[[Path], None]:
    """A true seal over facts that are no facts."""
    def make(path: Path) -> None:
        laboratory(path)
        content = memoryview(bytearray(seal.MOST_BLOCK) + path.read_bytes())
        seal.seal(content, {})
        content[seal.COVERED_FROM:seal.COVERED_FROM + len(facts)] = facts
        path.write_bytes(content)
    return make


def _fifo(path: Path) -> None:
    os.mkfifo(path)


BOMBS: dict[str, Callable[[Path], object]] = {
    "1,400 bytes that declare 498 GB": _declared((10_000, 3600, 4608, 3), (1, 60, 64, 3)),
    "a million frames": _declared((1_000_000, 1, 1, 3), (1, 1, 1, 3)),
    "pictures that were never written": _declared((FRAMES, *SIZE, 3), (1, *SIZE, 3)),
    "2 GB of black pictures in 100 kB": _black_frames,
    "gzip that unpacks to 256 MB": _packed(zlib.compress(bytes(HUGE)), GZIP),
    "zstd that unpacks to 256 MB": _packed(zstandard.compress(bytes(HUGE)), ZSTD),
    "gzip that unpacks to too little": _packed(zlib.compress(b"short"), GZIP),
    "a filter that nobody knows": _packed(b"packed", 32_999),
    "pictures in another file": _external_storage,
    "a link to another file": _external_link,
    "an instruction in another file": _external_instruction,
    "a virtual data set": _virtual,
    "a soft link": _with(lambda file: file.__setitem__("sim", h5py.SoftLink("/actions"))),
    "object references": _with(lambda file: file.create_dataset(
        "sim/truth", data=file["actions"].ref, dtype=h5py.ref_dtype)),
    "groups in a circle": _with(_cycle),
    "200 groups, one in the other": _with(_deep),
    "1,000 attributes": _with(lambda file: [file.attrs.create(f"a{n}", n) for n in range(1000)]),
    "an attribute of 1 MB": _with(lambda file: file.attrs.create("a", "x" * 1_000_000)),
    "an attribute that says it has 4 GB": _says_four_gigabytes(
        lambda file: file.attrs.update(instruction="x" * TEXT_BYTES)),
    "an entry that says it has 4 GB": _says_four_gigabytes(lambda file: file.create_dataset(
        "action_event_types", data=np.array([*EVENTS[:-1], "x" * TEXT_BYTES], TEXT)),
        "action_event_types"),
    "100,000 entries, one text": _with(_same_text_often),
    "a type of fields": _with(lambda file: file.create_dataset(
        "sim/truth", data=np.zeros(3, [("a", "f4"), ("b", "f8")]))),
    "a name that is no UTF-8": _with(lambda file: h5py.h5g.create(file.id, b"\xff\xfe")),
    "a JPEG of 36 megapixels": lambda path: _jpegs(path, (6000, 6000), 2, lies=True),
    "one JPEG as 5,000 frames": lambda path: _jpegs(path, (1280, 720), 5000, lies=False),
    "a seal of brackets": _sealed(b"[" * 15_000),
    "a seal with an endless number": _sealed(b"1" * 15_000),
    "a named pipe": _fifo,
    "a folder": lambda path: path.mkdir(),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "-1 decisions": _with(lambda file: file.create_group("sim").attrs.update(
        source="simulated", decisions=-1)),
}
