"""A Python process of ours beside this one: one pipe, one thread, and it dies with its parent.

The user's own script is not read again in it, as multiprocessing would: a policy or a world is
found by its name.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, Pipe

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
BEGIN = ("import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
         "from envs.child import begin; begin(*sys.argv[2:])")
BEAT = b""  # a message without words: a sign of life
BEAT_S = 0.5  # such are sent no more often
BUSY_S = 0.05  # of processor time: whoever spent less since the last sign waits for something
PR_SET_PDEATHSIG = 1  # Linux: the signal that a process gets when its parent is gone


class Child:
    """A process that runs `module:function` with its end of the pipe; `pipe` is ours."""

    def __init__(self, target: str, files: Sequence[int] = (), one_thread: bool = True) -> None:
        """Start it.

        Args:
            target: `module:function`; it is called with a `Connection` and the numbers of `files`.
            files: Open files that it inherits, such as shared memory.
            one_thread: Whether libraries may use one thread only.
        """
        self.pipe, theirs = Pipe()
        words = [json.dumps(sys.path), target, str(os.getpid()), str(theirs.fileno()),
                 *map(str, files)]
        kept = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is the parent's
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", BEGIN, *words], stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), *files),
                env={**os.environ, **(ONE_THREAD if one_thread else {})})
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, kept)
            theirs.close()

    @property
    def number(self) -> int:
        """The process's number in the system."""
        return self._process.pid

    def end(self, patience_s: float = 0.2) -> str:
        """Make sure that it is gone; returns how it ended, in words.

        Args:
            patience_s: One that is just ending may take so long, and then says why.
        """
        try:
            self._process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
        code = self._process.wait()
        self.pipe.close()
        if code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    def kill(self) -> None:
        """End it at once; the pipe then says that it is gone."""
        self._process.kill()


def begin(target: str, parent: str, pipe: str, *files: str) -> None:
    """The first lines of a child: never outlive the parent, then do what it is there for."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it went before we could ask
        return
    module, _, function = target.partition(":")
    connection = Connection(int(pipe))
    # The parent may close the pipe while we read or write: then nobody waits for us any more.
    with contextlib.suppress(EOFError, BrokenPipeError):
        with beating(connection):
            work = getattr(importlib.import_module(module), function)
        work(connection, *map(int, files))


@contextlib.contextmanager
def beating(pipe: Connection) -> Iterator[None]:
    """Signs of life while the main thread loads or compiles, which takes as long as it takes.

    They come only while this process uses the processor, reading included: one that is stopped, or
    waits for what never comes, falls silent.
    """
    done = threading.Event()

    def beat() -> None:
        spent_s = time.process_time()
        while not done.wait(BEAT_S):
            if time.process_time() - spent_s >= BUSY_S:
                spent_s = time.process_time()
                with contextlib.suppress(OSError):  # nobody listens any more: the main thread ends
                    pipe.send_bytes(BEAT)

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
