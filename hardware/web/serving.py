"""The page's server, in a thread beside the loop."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import uvicorn

from hardware.listening import bound, checked_token, is_this_machine
from hardware.web.app import make_app
from hardware.web.desk import Desk
from hardware.web.view import View

START_S, END_S = 10.0, 3.0


@contextlib.contextmanager
def serving(desk: Desk, view: View, host: str, port: int) -> Iterator[str]:
    """Serve the page until the block ends; gives its address.

    Raises:
        ValueError: one sentence, if the address cannot be had, or lets others in without a token.
    """
    token = checked_token(host)
    listening = bound(host, port)
    app = make_app(desk, view, token, anywhere=not is_this_machine(host))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="websockets-sansio",
                                           lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    until_s = time.monotonic() + START_S
    while not server.started and thread.is_alive() and time.monotonic() < until_s:
        time.sleep(0.01)
    shown = f"[{host}]" if ":" in host else host
    try:
        yield (f"http://{shown}:{listening.getsockname()[1]}/"
               + (f"#token={token}" if token is not None else ""))
    finally:
        server.should_exit = True
        thread.join(END_S)
        listening.close()
