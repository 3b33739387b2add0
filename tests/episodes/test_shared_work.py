"""Pieces that two threads share: each is done once, and comes back in its place."""

import os
import threading

import pytest

from episodes.shared_work import SharedWork


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    """This process may use two, whatever the machine has."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def test_results_stand_in_the_order_of_the_pieces():
    done = []

    def squared(piece):
        done.append(piece)
        return piece * piece

    assert SharedWork(squared, range(200)).results() == [each * each for each in range(200)]
    assert sorted(done) == list(range(200)), "each piece is done once"


def test_the_second_thread_begins_before_anyone_asks():
    begun = threading.Event()
    shared = SharedWork(lambda piece: begun.set(), [0])
    assert begun.wait(10.0)
    shared.drop()


def test_who_asks_works_from_the_other_end():
    asked, workers = threading.Event(), {}

    def work(piece):
        workers[piece] = threading.current_thread()
        if piece == 0:
            asked.wait(10.0)  # the other thread stays with its first piece
        elif piece == 1:
            asked.set()
        return piece

    assert SharedWork(work, range(5)).results() == [0, 1, 2, 3, 4]
    assert [workers[piece] is threading.current_thread() for piece in range(5)] == [
        False, True, True, True, True]


def test_what_is_dropped_is_begun_no_more():
    free, at_work, begun = threading.Event(), threading.Event(), []

    def work(piece):
        begun.append(piece)
        at_work.set()
        free.wait(10.0)

    shared = SharedWork(work, range(5))
    assert at_work.wait(10.0)
    shared.drop()
    free.set()
    shared._pool.shutdown(wait=True)
    assert begun == [0]


@pytest.mark.parametrize("bad", [0, 4])
def test_an_error_reaches_who_asks(bad):
    def work(piece):
        if piece == bad:
            raise ValueError(f"piece {piece}")

    with pytest.raises(ValueError, match=f"piece {bad}"):
        SharedWork(work, range(5)).results()


def test_pieces_too_small_for_a_thread_begin_none():
    threads = threading.active_count()
    shared = SharedWork(lambda piece: threading.current_thread(), [0, 1], helped=False)
    assert threading.active_count() == threads
    assert shared.results() == [threading.current_thread()] * 2


def test_one_core_has_no_second_thread(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    shared = SharedWork(lambda piece: threading.current_thread(), [0, 1])
    assert shared.results() == [threading.current_thread()] * 2
