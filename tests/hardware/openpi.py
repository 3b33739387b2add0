"""openpi's protocol as a stranger knows it: no code of ours, only websockets and msgpack.

The client says one picture a message and hears `actions`; the server says its metadata first.
"""

import contextlib
import http
import threading
import time

import msgpack
import numpy as np
from websockets.sync.client import connect
from websockets.sync.server import serve


def packed(content) -> bytes:
    def array(value):
        if isinstance(value, np.ndarray):
            return {b"__ndarray__": True, b"data": value.tobytes(), b"dtype": value.dtype.str,
                    b"shape": value.shape}
        return {b"__npgeneric__": True, b"data": value.item(), b"dtype": value.dtype.str}
    return msgpack.packb(content, default=array)


def unpacked(message: bytes):
    def array(content):
        if b"__ndarray__" in content:
            return np.ndarray(buffer=content[b"data"], dtype=np.dtype(content[b"dtype"]),
                              shape=content[b"shape"])
        return content
    return msgpack.unpackb(message, object_hook=array)


class Client:
    """Connects, hears the metadata, infers."""

    def __init__(self, address: str, token: str | None = None) -> None:
        headers = {"Authorization": f"Api-Key {token}"} if token else None
        self.open = contextlib.ExitStack()
        self.socket = self.open.enter_context(connect(
            address, compression=None, max_size=None, proxy=None, additional_headers=headers))
        self.metadata = unpacked(self.socket.recv())

    def say(self, message: bytes | str) -> bytes | str:
        self.socket.send(message)
        return self.socket.recv(timeout=20)

    def infer(self, observation: dict) -> dict:
        answer = self.say(packed(observation))
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return unpacked(answer)


class Server:
    """A server of openpi's: `infer` answers, `slow_s` says how long after."""

    def __init__(self, infer, metadata=None, slow_s=()) -> None:
        self.infer, self.metadata, self.slow_s = infer, metadata or {}, list(slow_s)
        self.seen: list[dict] = []

    def talk(self, socket) -> None:
        socket.send(packed(self.metadata))
        with contextlib.suppress(Exception):
            for message in socket:
                observation = unpacked(message)
                self.seen.append(observation)
                time.sleep(self.slow_s.pop(0) if self.slow_s else 0.0)
                answer = self.infer(observation)
                socket.send(answer if isinstance(answer, str | bytes) else packed(
                    answer | {"server_timing": {"infer_ms": 1.0}}))

    @contextlib.contextmanager
    def running(self):
        """Its address, while it runs."""
        with serve(self.talk, "127.0.0.1", 0, compression=None, max_size=None,
                   process_request=self.healthy) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
            server.shutdown()

    @staticmethod
    def healthy(connection, request):
        if request.path == "/healthz":
            return connection.respond(http.HTTPStatus.OK, "OK\n")
        return None


def picture(seed: int, prompt: str = "go left", size=(16, 16)) -> dict:
    """What a client shows; the same for the same seed."""
    rng = np.random.default_rng(seed)
    return {"observation/image": rng.integers(0, 256, (*size, 3), dtype=np.uint8),
            "observation/state": rng.normal(size=3).astype(np.float32), "prompt": prompt}
