"""A simulated robot in another process, `python -m envs.serve`: spoken to over TCP."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import numpy as np

from envs.wire import DRIVES, HEADER, LOOKS, MAGIC, VELOCITY, address_of
from hardware.profile import Profile
from hardware.safety import ZERO, Velocity
from hardware.transport import Frame, LinkLostError

CONNECT_S = 5.0
LARGEST_BYTES = 4096 * 4096 * 3


class SimTransport:
    """The latest picture is kept by a thread that does nothing but read."""

    source = "simulated"
    emergency = ""  # nobody can demand one over it

    def __init__(self, address: str, profile: Profile, looks: bool) -> None:
        """Connect.

        Raises:
            ValueError: if nobody listens there.
        """
        try:
            self._link = socket.create_connection(address_of(address), CONNECT_S)
        except OSError as error:
            raise ValueError(f"No robot at {address}: {error.strerror or error}. Start one with "
                             f"`python -m envs.serve --scenario NAME --listen {address}`."
                             ) from error
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._link.settimeout(None)
        self._link.sendall(LOOKS if looks else DRIVES)
        self._address, self._profile = address, profile
        self._frame: Frame | None = None
        self._velocity: np.ndarray | None = None
        self._lost = ""
        if looks:
            threading.Thread(target=self._read, daemon=True).start()

    def frame(self) -> Frame | None:
        """The latest picture."""
        return self._frame

    def velocity(self) -> np.ndarray | None:
        """What the simulated robot measured with it."""
        return self._velocity

    def send(self, velocity: Velocity) -> None:
        """Tell the wheels a velocity; a robot that does not read is lost, too."""
        try:
            self._link.send(VELOCITY.pack(*velocity), socket.MSG_DONTWAIT)
        except OSError as error:
            self._lost = self._lost or str(error.strerror)
        if self._lost:
            raise LinkLostError(f"The robot at {self._address} is gone: {self._lost}.")

    def stop(self) -> None:
        """Tell the wheels zero."""
        with contextlib.suppress(LinkLostError):
            self.send(ZERO)

    def close(self) -> None:
        """Stop and hang up."""
        self.stop()
        with contextlib.suppress(OSError):
            self._link.shutdown(socket.SHUT_RDWR)
        self._link.close()

    def _read(self) -> None:
        """Take pictures until the link ends."""
        try:
            while True:
                header = HEADER.unpack(self._exactly(HEADER.size))
                magic, number, height, width = header[:4]
                if magic != MAGIC or not 0 < height * width * 3 <= LARGEST_BYTES:
                    raise ConnectionError("it speaks another language")
                pixels = self._exactly(height * width * 3)
                rgb = np.frombuffer(pixels, np.uint8).reshape(height, width, 3)
                self._velocity = np.array(header[4:], np.float32)
                self._frame = Frame(number, time.monotonic(), rgb)
        except OSError as error:
            self._lost = str(error.strerror or error)

    def _exactly(self, count: int) -> bytearray:
        found = bytearray(count)
        view = memoryview(found)
        while view:
            got = self._link.recv_into(view)
            if got == 0:
                raise ConnectionError("it hung up")
            view = view[got:]
        return found
