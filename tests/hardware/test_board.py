"""Messages between our own processes: the latest, whole, without waiting."""

import os
import subprocess
import sys

import pytest

from hardware.board import Board, shared_file
from hardware.link import Link, pair

WRITER = """
import sys
from hardware.board import Board
board = Board(int(sys.argv[1]), 40000)
for number in range(3000):
    board.write(bytes([number % 251]) * (10000 + number))
"""


def boards(size):
    file = shared_file(size)
    both = Board(file, size), Board(file, size)
    os.close(file)
    return both


def test_only_the_latest_message_is_read_and_only_once():
    writer, reader = boards(10)
    assert reader.read() is None
    writer.write(b"one")
    writer.write(b"two", b"half")
    assert reader.read() == (2, b"twohalf")
    assert reader.read(2) is None


def test_a_message_that_does_not_fit_is_refused_and_the_last_one_stays():
    writer, reader = boards(3)
    writer.write(b"abc")
    with pytest.raises(ValueError, match="4 bytes, expected at most 3"):
        writer.write(b"abcd")
    assert reader.read() == (1, b"abc")


def test_messages_are_whole_while_somebody_writes_as_fast_as_possible():
    file = shared_file(40000)
    reader = Board(file, 40000)
    with subprocess.Popen([sys.executable, "-c", WRITER, str(file)], pass_fds=[file]) as writer:
        seen = 0
        while writer.poll() is None or reader.read(seen):
            found = reader.read(seen)
            if found:
                seen, message = found
                assert message == bytes([(seen - 1) % 251]) * (10000 + seen - 1)
    assert seen == 3000
    os.close(file)


def test_a_link_says_and_hears_whole_messages_and_never_waits():
    one, other = (Link(end) for end in pair())
    assert other.heard() == []
    one.send(a=1)
    one.send(b=[2, None])
    assert other.heard() == [{"a": 1}, {"b": [2, None]}]
    for _ in range(10000):  # nobody reads
        one.send(c="x" * 100)
    assert not one.lost
    one.close()
    assert len(other.heard()) > 10
    assert other.lost
    other.send(d=1)
    assert other.heard() == []
