"""Damage to bytes by chance: what disks, cables and people with bad intentions do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MOST_AT_ONCE = 6  # damages to one file
INTERESTING = (b"\0" * 8, b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\xff" * 7 + b"\x7f", b"\1" * 8)

Damage = Callable[[bytearray, np.random.Generator], None]


def mutated(content: bytes, rng: np.random.Generator) -> bytes:
    """A copy with one to six damages."""
    damaged = bytearray(content)
    for _ in range(1 + int(rng.integers(MOST_AT_ONCE))):
        DAMAGES[rng.integers(len(DAMAGES))](damaged, rng)
    return bytes(damaged)


def _place(content: bytearray, rng: np.random.Generator) -> int:
    return int(rng.integers(len(content))) if content else 0


def _length(rng: np.random.Generator) -> int:
    return int(2 ** rng.uniform(0, 10))


def _flip_bit(content: bytearray, rng: np.random.Generator) -> None:
    if content:
        content[_place(content, rng)] ^= 1 << int(rng.integers(8))


def _set_byte(content: bytearray, rng: np.random.Generator) -> None:
    if content:
        content[_place(content, rng)] = int(rng.integers(256))


def _set_number(content: bytearray, rng: np.random.Generator) -> None:
    place = _place(content, rng) & ~7
    content[place:place + 8] = INTERESTING[rng.integers(len(INTERESTING))]


def _zero(content: bytearray, rng: np.random.Generator) -> None:
    place, length = _place(content, rng), _length(rng)
    content[place:place + length] = bytes(len(content[place:place + length]))


def _noise(content: bytearray, rng: np.random.Generator) -> None:
    place, length = _place(content, rng), _length(rng)
    content[place:place + length] = rng.bytes(len(content[place:place + length]))


def _copy(content: bytearray, rng: np.random.Generator) -> None:
    since, to, length = _place(content, rng), _place(content, rng), _length(rng)
    piece = content[since:since + length]
    content[to:to + len(piece)] = piece


def _remove(content: bytearray, rng: np.random.Generator) -> None:
    place = _place(content, rng)
    del content[place:place + _length(rng)]


def _insert(content: bytearray, rng: np.random.Generator) -> None:
    place = _place(content, rng)
    content[place:place] = rng.bytes(_length(rng))


def _cut(content: bytearray, rng: np.random.Generator) -> None:
    del content[_place(content, rng):]


def _extend(content: bytearray, rng: np.random.Generator) -> None:
    content += rng.bytes(_length(rng))


DAMAGES: tuple[Damage, ...] = (_flip_bit, _flip_bit, _set_byte, _set_number, _zero, _noise, _copy,
                               _remove, _insert, _cut, _extend)
