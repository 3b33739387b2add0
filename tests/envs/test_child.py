"""Processes beside this one: what counts as a sign of life."""

import time
from multiprocessing import Pipe

from envs.child import BEAT, BEAT_S, beating


def test_who_computes_gives_signs_of_life():
    ours, theirs = Pipe()
    with beating(theirs):
        while not ours.poll():
            sum(range(1000))
    assert ours.recv_bytes() == BEAT


def test_who_waits_gives_none():
    ours, theirs = Pipe()
    with beating(theirs):
        time.sleep(3 * BEAT_S)
    assert not ours.poll()
