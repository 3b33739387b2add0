"""The page and the line behind it: files, and one WebSocket a page."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import itertools
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI, Response, WebSocket
from fastapi.responses import FileResponse
from starlette.websockets import WebSocketDisconnect

from hardware.web.desk import Desk
from hardware.web.orders import MAY_WAIT, obey
from hardware.web.view import SILENT_S, View

FILES = {"/": "page.html", "/page.css": "page.css", "/page.js": "page.js",
         "/camera.js": "camera.js", "/icon.svg": "icon.svg"}
HERE = Path(__file__).parent
HEADERS = {"Content-Security-Policy": "default-src 'self'; img-src 'self' blob:; "
                                      "frame-ancestors 'none'",
           "X-Content-Type-Options": "nosniff", "Cache-Control": "no-cache"}
PERIOD_S = 0.05  # between two messages to a page
UNSEEN = 2  # messages that a page may not have seen yet
TOKEN_S = 5.0  # for the first message
LARGEST = 8192  # characters of an order
LOOPBACK = ("127.0.0.1", "localhost", "::1")
FORBIDDEN, NO_TEXT = 1008, 1003  # codes with which a page is told to go


def make_app(desk: Desk, view: View, token: str | None = None,
             anywhere: bool = False) -> FastAPI:
    """The operator's page.

    Args:
        desk: What orders go to.
        view: What pages are told.
        token: That a page must show first.
        anywhere: Pages may have been opened by any name of this machine, not loopback's alone.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    numbers = itertools.count(1)

    for path, name in FILES.items():
        app.get(path)(_file(HERE / name))

    @app.websocket("/live")
    async def live(socket: WebSocket) -> None:
        if not is_our_page(socket.headers.get("host", ""), socket.headers.get("origin", ""),
                           anywhere):
            return await socket.close(FORBIDDEN)
        await socket.accept()
        if token is not None and not await _shows(socket, token):
            return await socket.close(FORBIDDEN, "Another token is wanted.")
        await Page(socket, desk, view, next(numbers)).talk()

    return app


class Page:
    """One open page."""

    def __init__(self, socket: WebSocket, desk: Desk, view: View, who: int) -> None:
        """`who`: a number of its own."""
        self._socket, self._desk, self._view, self._who = socket, desk, view, who
        self._sent = self._seen = 0
        self._sent_s: dict[int, float] = {}  # messages that were not seen yet
        self._way_ms: float | None = None  # to the page and back, the last time
        self._heard_s = time.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    async def talk(self) -> None:
        """Until it leaves, or cannot be shown anything more: what it drives stands then.

        Silence is noticed by a task that waits for nothing else: a line that is cut takes no more
        messages, and says so late.
        """
        tasks = [asyncio.create_task(part())
                 for part in (self._listen, self._show, self._notice_silence)]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._desk.left(self._who)
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for each in ended:
            with contextlib.suppress(WebSocketDisconnect):
                each.result()

    async def _listen(self) -> None:
        """Until it hangs up, or says what is no text."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if message.get("text") is None:
                await self._socket.close(NO_TEXT)
                return
            self._hear(message["text"])

    async def _notice_silence(self) -> None:
        """A page that says nothing for so long is gone."""
        while True:
            await asyncio.sleep(PERIOD_S)
            if time.monotonic() - self._heard_s > SILENT_S:
                self._desk.left(self._who)

    def _hear(self, text: str) -> None:
        """One order, done before the next is heard: a stop is never overtaken by what it stops."""
        self._heard_s = time.monotonic()
        order = _order(text)
        seen = order.get("seen")
        if type(seen) is int and seen in self._sent_s:
            self._seen = seen
            self._way_ms = 1000 * (self._heard_s - self._sent_s.pop(seen))
        elif order.get("do") in MAY_WAIT:
            task = asyncio.create_task(
                asyncio.to_thread(obey, self._desk, self._view, self._who, order))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            obey(self._desk, self._view, self._who, order)

    async def _show(self) -> None:
        """Tell how things stand, no faster than the page looks."""
        version, shown = -1, -1
        while True:
            if self._desk.version != version:
                about = await asyncio.to_thread(self._view.about)
                version = about["version"]
                await self._tell(json.dumps(about))
            if self._sent - self._seen < UNSEEN:
                frame = self._view.frame()
                if frame is not None and frame.number == shown:
                    frame = None
                shown = shown if frame is None else frame.number
                self._sent += 1
                self._sent_s[self._sent] = time.monotonic()
                told = self._view.now(self._who) | {"number": self._sent, "page_ms": self._way_ms}
                await self._tell(await asyncio.to_thread(self._view.message, told, frame))
            await asyncio.sleep(PERIOD_S)

    async def _tell(self, message: str | bytes) -> None:
        """Send; raises WebSocketDisconnect where nobody is there any more."""
        try:
            if isinstance(message, str):
                await self._socket.send_text(message)
            else:
                await self._socket.send_bytes(message)
        except RuntimeError as closed:  # a page that is hanging up is told nothing more
            raise WebSocketDisconnect from closed


def is_our_page(host: str, origin: str, anywhere: bool) -> bool:
    """Whether a page of ours speaks, and no other site that the browser has open.

    Args:
        host: As the browser says it: `127.0.0.1:8080`.
        origin: Where the page came from: `http://127.0.0.1:8080`; browsers always say it.
        anywhere: See `make_app`.
    """
    named = urlsplit(f"//{host}").hostname
    return urlsplit(origin).netloc == host and (anywhere or named in LOOPBACK)


def _file(path: Path) -> Any:
    async def answer() -> Response:
        return FileResponse(path, headers=HEADERS)

    return answer


async def _shows(socket: WebSocket, token: str) -> bool:
    """Whether the first message is the token."""
    try:
        text = await asyncio.wait_for(socket.receive_text(), TOKEN_S)
    except (TimeoutError, asyncio.TimeoutError, WebSocketDisconnect, KeyError):
        return False
    shown = _order(text).get("token")
    return isinstance(shown, str) and hmac.compare_digest(shown.encode(), token.encode())


def _order(text: str) -> dict[str, Any]:
    """A message of a page; an empty one for what is none."""
    if len(text) > LARGEST:
        return {}
    try:
        order = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return order if isinstance(order, dict) else {}
