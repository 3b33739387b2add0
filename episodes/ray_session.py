"""Into a Ray cluster and out of it, with one sentence for whatever is wrong with the address."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

QUIET = ("RAY_DEDUP_LOGS_SKIP_REGEX", ".")  # Ray prints no line of a lost machine's log here
REACH_S = 5.0  # a head that does not answer within this is not there
# HTTP/2 (RFC 9113): what a client says first, with empty settings; a frame's head, whose fourth
# byte is its kind; the kind that each side says first.
HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
FRAME_BYTES, FRAME_KIND, SETTINGS = 9, 3, 4

logger = logging.getLogger(__name__)


def check(address: str | None) -> None:
    """Refuse what cannot be connected to, without connecting.

    Raises:
        ValueError: one sentence, if Ray is not installed, or nobody listens at the address.
    """
    if importlib.util.find_spec("ray") is None:
        raise ValueError("--engine ray needs Ray, which is not installed: install "
                         "mobile-vla-bench[ray].")
    if address is None:
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in address:
        raise ValueError(f"--address must be HOST:PORT of a Ray head, got {address!r}.")
    try:  # Ray itself would try for minutes, or for ever
        _greet(host, int(port))
    except (OSError, OverflowError) as error:
        raise ValueError(f"no Ray cluster answers at {address} ({error}; asked for at most "
                         f"{REACH_S:g} s); `ray status` on its head says whether it runs and at "
                         f"which address.") from error


def _greet(host: str, port: int) -> None:
    """Say hello in HTTP/2, which a head speaks, and hear its settings.

    Raises:
        OSError: if nobody is there, or does not answer so.
    """
    with socket.create_connection((host, port), timeout=REACH_S) as line:
        line.sendall(HELLO)
        until, heard = time.monotonic() + REACH_S, b""
        while len(heard) < FRAME_BYTES:
            line.settimeout(max(until - time.monotonic(), 0.001))
            more = line.recv(FRAME_BYTES - len(heard))
            if not more:
                raise ConnectionError("it hung up")
            heard += more
    if heard[FRAME_KIND] != SETTINGS:
        raise ConnectionError("what listens there is something else")


def connect(address: str | None) -> None:
    """Connect this process to a cluster.

    Args:
        address: host:port of the head; where not given, the cluster that this machine is in.

    Raises:
        ValueError: one sentence, if Ray is not installed, not there, or of another version.
    """
    check(address)
    os.environ.setdefault(*QUIET)
    import ray

    if ray.is_initialized():
        raise ValueError("this process is connected to a Ray cluster already; call ray.shutdown() "
                         "first.")
    with _signals_kept():
        try:
            ray.init(address=address or "auto", logging_level=logging.CRITICAL,
                     log_to_driver=False, include_dashboard=False)
        except (ConnectionError, RuntimeError, ValueError, OSError, AssertionError) as error:
            ray.shutdown()
            where = f"at {address}" if address else "on this machine"
            raise ValueError(f"no Ray cluster can be used {where}: {_first_line(error)} Start one "
                             f"with `ray start --head`, join it here with `ray start --address "
                             f"HOST:PORT`, and give --address HOST:PORT.") from error


def disconnect() -> None:
    """Leave the cluster; what this process runs there ends."""
    import ray

    with _signals_kept():
        ray.shutdown()


def _first_line(error: BaseException) -> str:
    """What it says first, as a sentence."""
    said = str(error).strip().splitlines() or [type(error).__name__]
    return said[0].rstrip(".:") + "."


@contextlib.contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself; how a command ends is ours."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before: Any = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
