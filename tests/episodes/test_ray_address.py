"""What is given as a Ray cluster's address is tried within a stated time, without Ray."""

import contextlib
import socket
import threading

import pytest

from episodes.ray_session import check


@contextlib.contextmanager
def listening(answer: bytes | None):
    """A port at which somebody says this, hangs up (nothing), or never says anything (None)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept = []

        def talk():
            with contextlib.suppress(OSError):
                kept.append(server.accept()[0])
                if answer is not None:
                    kept[0].recv(100)
                    kept[0].sendall(answer)
                    kept[0].close()

        threading.Thread(target=talk, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(("answer", "why"), [
    (None, "timed out"), (b"", "it hung up"), (b"\0\0\0", "it hung up"),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", "what listens there is something else"),
])
def test_somebody_who_is_no_head_is_refused_after_a_stated_time(monkeypatch, answer, why):
    monkeypatch.setattr("episodes.ray_session.REACH_S", 0.3)
    with listening(answer) as address:
        with pytest.raises(ValueError, match=rf"no Ray cluster answers at {address} \({why}; asked "
                                             r"for at most 0\.3 s\); `ray status`"):
            check(address)


def test_a_head_is_known_by_its_settings():
    with listening(bytes((0, 0, 6, 4, 0, 0, 0, 0, 0)) + bytes(6)) as address:
        check(address)
