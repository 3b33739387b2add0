"""The line between page and robot: who may come in, and what happens when it breaks."""

import asyncio
import json
import time
import urllib.request
from types import SimpleNamespace

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from envs import load_robot
from hardware.keys import Keys
from hardware.transport import Frame
from hardware.web.app import Page
from hardware.web.desk import LOST, Desk, Wish
from hardware.web.serving import serving
from hardware.web.view import LENGTH, SILENT_S, View
from tests.hardware.robots import until
from tests.hardware.test_desk import Folder, Pilot
from tests.hardware.test_robot_env import STILL

TOKEN = "0123456789abcdef"


class Shown(Pilot):
    """A pilot with a camera."""

    def frame(self):
        return Frame(int(time.monotonic() * 20), time.monotonic(),
                     np.full((18, 32, 3), (200, 30, 30), np.uint8))

    def state(self):
        return STILL


@pytest.fixture
def desk():
    found = Desk(Wish("1box_vert_left", "go"), Keys(load_robot()), "vla")
    found.open(Shown())
    found.phase = "ready"
    return found


@pytest.fixture
def page(desk):
    facts = {"scenarios": ["1box_vert_left"], "policy": "none"}
    with serving(desk, View(desk, Folder(), facts), "127.0.0.1", 0) as address:
        yield SimpleNamespace(address=address, line=address.replace("http", "ws") + "live",
                              origin=address.rstrip("/"))


def drives(desk, socket):
    """Arm from this page; the loop is not there, so its part is done here."""
    socket.send('{"do": "arm"}')
    until(lambda: desk.phase == "ready" and desk._armed_by is not None)
    desk.phase = "driving"


def answer(socket):
    """Hear one message; pictures are acknowledged. Returns what it says."""
    message = socket.recv(timeout=10)
    if isinstance(message, str):
        return json.loads(message)
    (size,) = LENGTH.unpack_from(message)
    told = json.loads(message[LENGTH.size:LENGTH.size + size])
    socket.send(json.dumps({"seen": told["number"]}))
    return told | {"jpeg": message[LENGTH.size + size:]}


def test_files_come_with_rules_for_the_browser(page):
    with urllib.request.urlopen(page.address) as found:
        assert b"Operator" in found.read()
        assert "default-src 'self'" in found.headers["Content-Security-Policy"]


def test_a_page_is_told_what_there_is_and_shown_the_camera(page):
    with connect(page.line, origin=page.origin) as socket:
        assert answer(socket)["wish"]["instruction"] == "go"
        told = [answer(socket) for _ in range(10)]
    assert told[0]["jpeg"][:3] == b"\xff\xd8\xff"
    assert told[-1]["frame_ms"] < 10_000
    assert told[-1]["page_ms"] is not None
    assert [each["number"] for each in told] == list(range(1, 11))


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:1", None, "null"])
def test_other_sites_in_the_same_browser_are_sent_away(page, origin):
    with pytest.raises(InvalidStatus, match="403"):
        connect(page.line, origin=origin)


def test_a_name_that_only_seems_to_be_this_machine_is_sent_away(page):
    """A site may let its own name lead to 127.0.0.1."""
    host = page.line.replace("127.0.0.1", "evil.example").split("/")[2]
    with pytest.raises(InvalidStatus, match="403"):
        connect(page.line.replace("127.0.0.1", "evil.example"), origin=f"http://{host}",
                sock=_dialled(page))


def _dialled(page):
    import socket

    return socket.create_connection(("127.0.0.1", int(page.line.split(":")[2].split("/")[0])))


@pytest.mark.parametrize("first", [f'{{"token": "{TOKEN}x"}}', '{"do": "arm"}', "nothing"])
def test_without_the_token_nobody_is_heard(desk, monkeypatch, first):
    monkeypatch.setenv("MOBILE_VLA_TOKEN", TOKEN)
    view = View(desk, Folder(), {"scenarios": []})
    with serving(desk, view, "0.0.0.0", 0) as address:
        assert address.endswith(f"/#token={TOKEN}")
        origin = address.split("/#")[0].replace("0.0.0.0", "127.0.0.1")
        with connect(origin.replace("http", "ws") + "/live", origin=origin) as socket:
            socket.send(first)
            with pytest.raises(ConnectionClosed):
                socket.recv(timeout=10)
        with connect(origin.replace("http", "ws") + "/live", origin=origin) as socket:
            socket.send(json.dumps({"token": TOKEN}))
            assert answer(socket)["wish"]["instruction"] == "go"
    assert desk._armed_by is None


def test_wider_than_this_machine_only_with_a_token(desk, monkeypatch):
    monkeypatch.delenv("MOBILE_VLA_TOKEN", raising=False)
    with pytest.raises(ValueError, match="MOBILE_VLA_TOKEN"):
        with serving(desk, None, "0.0.0.0", 0):
            pass


def test_closing_the_page_stops_what_it_drove(desk, page):
    with connect(page.line, origin=page.origin) as socket:
        drives(desk, socket)
        desk.pilot.asked.clear()
    until(lambda: ("disarm",) in desk.pilot.asked)
    assert desk.said == LOST


def test_a_page_that_falls_silent_stops_what_it_drove(desk, page):
    with connect(page.line, origin=page.origin) as socket:
        drives(desk, socket)
        for _ in range(30):  # for longer than silence is borne
            answer(socket)
        assert desk.drives(1)
        until(lambda: ("disarm",) in desk.pilot.asked)
        assert desk.said == LOST


class Socket:
    """A page's end without a network: says what it is told to, and takes what `takes` lets it."""

    def __init__(self, *texts, takes, stays_s=0.0, leaves=lambda: None):
        self._texts, self._takes, self._stays_s, self._leaves = [*texts], takes, stays_s, leaves

    async def receive(self):
        if self._texts:
            return {"type": "websocket.receive", "text": self._texts.pop(0)}
        await asyncio.sleep(self._stays_s)
        self._leaves()
        return {"type": "websocket.disconnect"}

    async def send_text(self, text):
        await self._takes()

    async def send_bytes(self, message):
        await self._takes()


def talk(desk, socket, patience_s=10.0):
    view = View(desk, Folder(), {"scenarios": ["1box_vert_left"], "policy": "none"})
    asyncio.run(asyncio.wait_for(Page(socket, desk, view, 1).talk(), patience_s))


async def nothing_more():
    await asyncio.sleep(1000.0)


def test_what_a_page_orders_first_is_done_first_although_it_takes_longer(desk, monkeypatch):
    done, arm, want = [], desk.arm, desk.want
    monkeypatch.setattr(desk, "arm", lambda who: (time.sleep(0.1), done.append("arm"), arm(who)))
    monkeypatch.setattr(desk, "want", lambda **words: (
        time.sleep(0.1), done.append("want"), want(**words)))
    drove = []
    talk(desk, Socket('{"do": "want", "instruction": "straight on"}', '{"do": "arm"}',
                      '{"do": "stop"}', takes=nothing_more, stays_s=0.5,
                      leaves=lambda: drove.append(desk.drives(1))))
    assert done == ["want", "arm"]
    assert drove == [False]


def test_a_page_that_leaves_right_after_arming_leaves_nothing_armed(desk, monkeypatch):
    arm = desk.arm
    monkeypatch.setattr(desk, "arm", lambda who: (time.sleep(0.2), arm(who)))
    talk(desk, Socket('{"do": "arm"}', takes=nothing_more))
    time.sleep(0.5)
    assert not desk.drives(1)
    assert desk.said == LOST


def test_a_silent_page_is_noticed_while_its_line_takes_nothing_more(desk):
    drove = []
    desk.arm(1)
    talk(desk, Socket(takes=nothing_more, stays_s=2 * SILENT_S,
                      leaves=lambda: drove.append(desk.drives(1))))
    assert drove == [False]
    assert desk.said == LOST


def test_a_page_that_nothing_can_be_shown_to_is_sent_away_and_what_it_drove_stands(desk):
    async def fails():
        raise ZeroDivisionError

    left_by_itself = []
    desk.arm(1)
    with pytest.raises(ZeroDivisionError):
        talk(desk, Socket(takes=fails, stays_s=0.5, leaves=lambda: left_by_itself.append(True)))
    assert left_by_itself == []
    assert desk.said == LOST


def test_a_page_that_hangs_up_while_it_is_told_something_is_no_fault(desk):
    async def closed():
        raise RuntimeError("Unexpected ASGI message 'websocket.send'")

    desk.arm(1)
    talk(desk, Socket(takes=closed, stays_s=1.0))
    assert desk.said == LOST


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"seen": []}', '{"seen": "x"}', '{"do": {}}',
                                  '{"do": "want", "instruction": "' + "x" * 9000 + '"}',
                                  "[" * 5000])
def test_whatever_a_page_says_the_line_holds_and_stops_are_heard(desk, page, text):
    with connect(page.line, origin=page.origin) as socket:
        socket.send(text)
        socket.send('{"do": "emergency"}')
        until(lambda: ("stop", "page") in desk.pilot.asked)
        assert desk.wish.instruction == "go"
