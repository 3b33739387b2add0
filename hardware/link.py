"""Small messages between two of our own processes; neither ever waits for the other."""

from __future__ import annotations

import json
import socket
from typing import Any

LARGEST_BYTES = 65536


class Link:
    """One end of a pair of sockets; whole JSON messages, in order."""

    def __init__(self, end: socket.socket) -> None:
        """Take over the end."""
        end.setblocking(False)
        self._end = end
        self.lost = False  # the other process is gone

    def send(self, **message: Any) -> None:
        """Say something; if the other does not listen any more, or too slowly, it is not said."""
        try:
            self._end.send(json.dumps(message).encode())
        except BlockingIOError:
            pass  # it has enough to read
        except OSError:
            self.lost = True

    def heard(self) -> list[dict[str, Any]]:
        """What the other has said since the last call."""
        found = []
        while not self.lost:
            try:
                message = self._end.recv(LARGEST_BYTES)
            except BlockingIOError:
                break
            except OSError:
                message = b""
            if message:
                found.append(json.loads(message))
            else:
                self.lost = True
        return found

    def close(self) -> None:
        """Hang up; the other end notices."""
        self._end.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends, for two processes."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def inherited(number: int) -> Link:
    """The end that a parent left open for us."""
    return Link(socket.socket(fileno=number))
