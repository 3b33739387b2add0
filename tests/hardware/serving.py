"""A server of ours that runs beside a test, in this process or as the command that a user types."""

import asyncio
import contextlib
import re
import select
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import policies
from hardware.remote_server import Server

ROOT = Path(__file__).parent.parent.parent
BEGIN_S = 300.0  # on a machine that is busy with something else


@contextlib.contextmanager
def served(policy: policies.Policy, batch: int = 4, **options):
    """The address of a server in a thread of this process."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()
    task = loop.create_task(Server(policy, batch, **options).run(listening))

    def run():
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    address = f"127.0.0.1:{listening.getsockname()[1]}"
    wait_for(*address.split(":"))
    yield f"ws://{address}"
    loop.call_soon_threadsafe(task.cancel)
    thread.join(10)
    assert not thread.is_alive()


def wait_for(host: str, port: str) -> None:
    """Until somebody listens there."""
    until = time.monotonic() + BEGIN_S
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until
            time.sleep(0.02)


@contextlib.contextmanager
def command(*options: str, env=None):
    """`python -m hardware.serve` as a process, and the address that it says."""
    process = subprocess.Popen([sys.executable, "-m", "hardware.serve", "--port", "0", *options],
                               cwd=ROOT, stderr=subprocess.PIPE, text=True, env=env)
    said, until = "", time.monotonic() + BEGIN_S
    while not (found := re.search(r"at (ws://\S+);", said)):
        assert process.poll() is None, said
        assert time.monotonic() < until, said
        if select.select([process.stderr], [], [], 1.0)[0]:
            said += process.stderr.readline()
    try:
        yield process, found[1]
    finally:
        process.kill()
        process.communicate()
