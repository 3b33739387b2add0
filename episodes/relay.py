"""On a machine of a cluster: an actor that has a worker process beside it and passes on its words.

The worker is the same as on one machine, so that one which dies, hangs or holds the interpreter for
long cannot silence the actor. It ends with the actor.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import socket
import threading
import time

from envs.child import BEAT, Child
from episodes.installation import installation

GATHER_S = 0.02  # what follows a message so soon travels with it


class Relay:
    """Passes messages between a worker process of its machine and whoever supervises it.

    `hear` and `say` are called side by side, each from a thread of its own.
    """

    def __init__(self, folder: str, one_thread: bool) -> None:
        """Start the worker, in the folder where the command runs, if this machine has it."""
        if os.path.isdir(folder):  # so that a relative path means the same
            os.chdir(folder)
        self._said: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._child = Child("episodes.worker:work", one_thread=one_thread)
        threading.Thread(target=self._read, daemon=True).start()

    def about(self) -> tuple[str, dict[str, str]]:
        """Which process on which machine this is, and what is installed here."""
        return f"process {self._child.number} on {socket.gethostname()}", installation()

    def say(self, message: bytes) -> None:
        """Pass a pickled message to the worker."""
        with contextlib.suppress(OSError):  # it is gone: `hear` tells
            self._child.pipe.send_bytes(message)

    def hear(self, patience_s: float) -> tuple[bool, list[bytes]]:
        """Whether the worker is alive, and what it has said, pickled; waits so long for a word."""
        until, is_alive = time.monotonic() + patience_s, False
        said: list[bytes] = []
        while True:
            try:
                message = self._said.get(timeout=max(until - time.monotonic(), 0.0))
            except queue.Empty:
                return is_alive, said
            is_alive = True
            if message is None:
                return is_alive, [*said, pickle.dumps(("gone", (self._child.end(),)))]
            if message != BEAT:
                until = until if said else min(until, time.monotonic() + GATHER_S)
                said.append(message)

    def _read(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            while True:
                self._said.put(self._child.pipe.recv_bytes())
        self._said.put(None)
