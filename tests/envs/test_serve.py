"""The world as a robot in another process: it shows, hears, stands when nobody speaks."""

import socket
import subprocess
import sys
import time

import numpy as np
import pytest

from envs import load_robot
from envs.serve import command_of
from envs.serve_clients import Clients
from envs.wire import DRIVES, HEADER, LOOKS, MAGIC, VELOCITY, address_of
from hardware.referee import Referee

SEEN = {"rgb": np.arange(24, dtype=np.uint8).reshape(2, 4, 3), "velocity": np.float32([1, 2, 3])}


def test_a_command_drives_at_the_velocity_that_was_asked_for():
    robot = load_robot()
    assert command_of((0.5, -0.25, 0.0), robot) == pytest.approx([1.15, -0.575, 0.0])
    assert command_of((9.0, float("nan"), float("-inf")), robot) == pytest.approx([1.15, 0.0, 0.0])


@pytest.mark.parametrize("text", ["", "5555", "host:", "host:port", "host:70000"])
def test_an_address_is_host_and_port(text):
    with pytest.raises(ValueError, match="host:port"):
        address_of(text)


@pytest.fixture
def clients():
    found = Clients(("127.0.0.1", 0))
    yield found
    found.close()


def meet(clients, first):
    link = socket.create_connection(address_of(clients.address))
    link.sendall(first)
    time.sleep(0.05)
    clients.hear()  # the connection
    return link


def test_who_looks_gets_whole_pictures_and_who_only_drives_none(clients):
    looks, drives = meet(clients, LOOKS), meet(clients, DRIVES)
    clients.hear()
    clients.show(SEEN)
    header = HEADER.unpack(looks.recv(HEADER.size))
    assert header[:4] == (MAGIC, 1, 2, 4)
    assert header[4:] == (1.0, 2.0, 3.0)
    assert looks.recv(24) == SEEN["rgb"].tobytes()
    drives.setblocking(False)
    with pytest.raises(BlockingIOError):
        drives.recv(1)


def test_the_last_velocity_of_anybody_counts_also_in_pieces(clients):
    one, other = meet(clients, LOOKS), meet(clients, DRIVES)
    one.sendall(VELOCITY.pack(0.1, 0.0, 0.0) + VELOCITY.pack(0.2, 0.0, 0.0)[:5])
    time.sleep(0.05)
    assert clients.hear()[0] == (0.1, 0.0, 0.0)
    one.sendall(VELOCITY.pack(0.2, 0.0, 0.0)[5:])
    time.sleep(0.05)
    assert clients.hear()[0] == (0.2, 0.0, 0.0)
    other.sendall(VELOCITY.pack(0.0, 0.3, 0.0))
    time.sleep(0.05)
    velocity, silent_s = clients.hear()
    assert velocity == (0.0, 0.3, 0.0)
    assert silent_s < 1.0
    clients.forget()
    assert clients.hear() == ((0.0, 0.0, 0.0), float("inf"))


def test_who_does_not_read_misses_pictures_and_delays_nobody(clients):
    link = meet(clients, LOOKS)
    large = {"rgb": np.zeros((720, 1280, 3), np.uint8), "velocity": SEEN["velocity"]}
    for _ in range(20):
        clients.show(large)
    size, got = HEADER.size + large["rgb"].size, b""
    link.settimeout(0.5)
    while len(got) < size + HEADER.size:
        clients.show(SEEN)
        got += link.recv(1 << 22)
    assert HEADER.unpack(got[:HEADER.size])[1] == 1
    assert HEADER.unpack(got[size:size + HEADER.size])[0] == MAGIC
    link.close()
    for _ in range(3):
        time.sleep(0.05)
        clients.show(SEEN)
        clients.hear()


def test_a_port_that_is_taken_is_one_sentence(clients):
    with pytest.raises(ValueError, match="Cannot listen"):
        Clients(address_of(clients.address))


def test_the_referee_knows_the_layout_of_the_seed():
    referee = Referee("1box_vert_left", "serbot", 0)
    first = referee.reset(5, {"distance": "far"})
    assert first["layout"].variation.distance == "far"
    assert first["ended_by"] is None
    assert referee.reset(6, {})["truth"].cup != first["truth"].cup
    assert referee.reset(5, {"distance": "far"})["truth"] == first["truth"]
    referee.close()
    assert referee.process.returncode == 0
    with pytest.raises(ConnectionError, match="has ended"):
        referee.judge()


def test_a_world_that_cannot_start_is_one_sentence():
    with pytest.raises(ValueError, match="did not start"):
        Referee("3box")


def test_who_started_it_may_be_gone_before_it_speaks():
    process = subprocess.Popen(
        [sys.executable, "-m", "envs.serve", "--scenario", "1box_vert_left", "--listen",
         "127.0.0.1:0", "--referee"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    process.stdin.close()
    said = process.stderr.read()
    assert (process.wait(60), said) == (0, "")
