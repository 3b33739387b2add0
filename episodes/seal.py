"""The seal of an episode file: a short header in front of HDF5's first byte, with a sha256.

HDF5 leaves room for a "user block" in front of its own data; every HDF5 reader skips it. Ours is

    mobile-vla-bench episode 2
    sha256 <64 hexadecimal digits> of all that follows
    {"frames": 18, ...}

and zeros up to the next power of two. The digest covers every byte behind its own line, so
`tail -c +120 FILE | sha256sum` says it too, and no changed byte reaches HDF5's parser unseen.
The facts are what an index of many files needs: they are read without HDF5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MAGIC = b"mobile-vla-bench episode 2\nsha256 "
TAIL = b" of all that follows\n"
LEAST_BLOCK, MOST_BLOCK = 512, 16_384  # bytes; HDF5 looks for its signature at powers of two
SIGNATURE = b"\x89HDF\r\n\x1a\n"  # of HDF5 itself, with which an unsealed file begins
COVERED_FROM = len(MAGIC) + 64 + len(TAIL)
PIECE = 1 << 20

Facts = Mapping[str, Any]


class SealError(ValueError):
    """The bytes of a file are not those that were sealed."""


def block_bytes(facts: Facts) -> int:
    """How large the user block must be that holds these facts.

    Raises:
        ValueError: where none may be so large.
    """
    wanted, size = COVERED_FROM + len(_encoded(facts)), LEAST_BLOCK
    while size < wanted:
        size *= 2
    if size > MOST_BLOCK:
        raise ValueError(f"The facts of an episode take {wanted} bytes, expected at most "
                         f"{MOST_BLOCK}; shorten its instruction.")
    return size


def seal(content: memoryview, facts: Facts) -> str:
    """Write the header into the room at the beginning of a finished file; returns the sha256."""
    size = block_bytes(facts)
    room = _encoded(facts).ljust(size - COVERED_FROM, b"\0")
    content[COVERED_FROM:size] = room
    digest = hashlib.sha256(content[COVERED_FROM:]).hexdigest()
    content[:COVERED_FROM] = MAGIC + digest.encode() + TAIL
    return digest


def read_seal(path: Path) -> tuple[str, dict[str, Any]] | None:
    """The sha256 that a file claims, and its facts; None for one that begins as HDF5 itself does.

    Nothing is verified: `verify` does that.

    Raises:
        SealError: if it begins otherwise.
    """
    with path.open("rb") as file:
        head = file.read(LEAST_BLOCK)
        if head.startswith(SIGNATURE):
            return None
        if not (head.startswith(MAGIC) and head[len(MAGIC) + 64:COVERED_FROM] == TAIL):
            raise SealError("damaged or no HDF5 file (it begins with neither HDF5's signature nor "
                            "a seal)")
        while b"\0" not in head[COVERED_FROM:] and len(head) < MOST_BLOCK:
            more = file.read(len(head))
            if not more:
                break
            head += more
    text = head[COVERED_FROM:].split(b"\0")[0]
    try:
        digest = head[len(MAGIC):len(MAGIC) + 64].decode("ascii")
        facts = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SealError(f"damaged: its seal cannot be read ({error})") from error
    if not isinstance(facts, dict):
        raise SealError("damaged: its seal holds no facts")
    return digest, facts


def verify(path: Path) -> tuple[str, dict[str, Any]] | None:
    """Like `read_seal`, once every byte of the file was found to be as sealed.

    Raises:
        SealError: if one is not.
    """
    sealed = read_seal(path)
    if sealed is None:
        return None
    found = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(COVERED_FROM)
        while piece := file.read(PIECE):
            found.update(piece)
    if found.hexdigest() != sealed[0]:
        raise SealError(f"damaged, or changed since it was written: sha256 {found.hexdigest()}, "
                        f"its seal says {sealed[0]}")
    return sealed


def _encoded(facts: Facts) -> bytes:
    return json.dumps(dict(facts), ensure_ascii=False, sort_keys=True).encode() + b"\n"
