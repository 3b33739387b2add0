"""Who is connected to a served world: pictures go to all, the last velocity of any counts.

Nobody is waited for: who does not read misses pictures.
"""

from __future__ import annotations

import contextlib
import math
import socket
import time

import numpy as np

from envs.interface import Observation
from envs.wire import HEADER, LOOKS, MAGIC, VELOCITY

STANDS = (0.0, 0.0, 0.0)
BUFFER_BYTES = 8_000_000  # asked for; the system may give less


class Clients:
    """A port and its connections; one thread, no call waits."""

    def __init__(self, address: tuple[str, int]) -> None:
        """Listen.

        Raises:
            ValueError: if the address cannot be had.
        """
        try:
            self._port = socket.create_server(address)
        except OSError as error:
            raise ValueError(f"Cannot listen on {address[0]}:{address[1]}: "
                             f"{error.strerror}.") from error
        self._port.setblocking(False)
        self.address = "{}:{}".format(*self._port.getsockname()[:2])
        self._all: list[_Client] = []
        self._picture = b""
        self._seen: Observation
        self._number = 0
        self.forget()

    def forget(self) -> None:
        """Whatever velocity was heard."""
        self._velocity: tuple[float, ...] = STANDS
        self._heard_s = -math.inf

    def hear(self) -> tuple[tuple[float, ...], float]:
        """The velocity that came last, and how many seconds ago."""
        with contextlib.suppress(BlockingIOError):
            self._all.append(_Client(self._port.accept()[0]))
        for client in self._all:
            said = client.read()
            if said is not None:
                self._velocity, self._heard_s = said, time.monotonic()
        self._all = [client for client in self._all if not client.gone]
        return self._velocity, time.monotonic() - self._heard_s

    def show(self, observation: Observation) -> None:
        """Send what is seen now."""
        self._seen = observation
        self.show_again()

    def show_again(self) -> None:
        """Send what was seen last as a new picture."""
        self._number += 1
        rgb = np.ascontiguousarray(self._seen["rgb"])
        header = HEADER.pack(MAGIC, self._number, *rgb.shape[:2],
                             *(float(part) for part in self._seen["velocity"]))
        for client in self._all:
            client.write(header + rgb.tobytes())

    def close(self) -> None:
        """Hang up."""
        for client in self._all:
            client.close()
        self._port.close()


class _Client:
    """One connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection, self._looks, self.gone = connection, False, False
        self._in, self._out = b"", b""
        self._said_first = False

    def read(self) -> tuple[float, ...] | None:
        """The newest velocity that came since the last call."""
        try:
            while chunk := self._connection.recv(65536):
                self._in += chunk
            self.gone = True
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True
        if self._in and not self._said_first:
            self._said_first, self._looks = True, self._in[:1] == LOOKS
            self._in = self._in[1:]
        whole = len(self._in) - len(self._in) % VELOCITY.size
        if whole == 0:
            return None
        newest = self._in[whole - VELOCITY.size:whole]
        self._in = self._in[whole:]
        return VELOCITY.unpack(newest)

    def write(self, message: bytes) -> None:
        """Send a picture, unless the one before is not through yet."""
        if not self._looks:
            return
        self._out = self._out or message
        try:
            self._out = self._out[self._connection.send(self._out):]
        except BlockingIOError:
            pass
        except OSError:
            self.gone = True

    def close(self) -> None:
        self._connection.close()
