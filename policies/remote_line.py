"""A line to a policy server: connect, ask, and hear the answer to what was asked, nothing else.

Every message has a number. Whoever does not answer in time is given up, and where the answer comes
later it is dropped and counted: it can never pass for the answer to the next picture.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import socket
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
)
from websockets.sync.client import ClientConnection, connect

from policies.interface import UnreachableError
from policies.wire import WireError, pack, unpack

TOKEN = "MOBILE_VLA_TOKEN"  # the environment variable that both sides read it from
CONNECT_S = 5.0
MOST_ANSWER_BYTES = 16 * 2**20
TOO_BIG = 1009  # WebSocket's close code
SENTENCE = 300  # characters of what a server says that are passed on
START = "start one with `python -m hardware.serve --policy NAME`"
STATUS = {
    401: f"wants another token; set the environment variable {TOKEN} to the server's",
    403: "does not let this client in",
    503: "has as many clients as it takes; try again when one has left",
}

logger = logging.getLogger(__name__)


class Line:
    """One connection; `metadata` is what the server said first, `dropped` counts late answers."""

    def __init__(self, address: str, answer_s: float) -> None:
        """Connect.

        Args:
            address: ws://HOST:PORT or wss://HOST:PORT.
            answer_s: Seconds that an answer may take.

        Raises:
            ValueError: one sentence, if nobody is there who speaks the protocol.
        """
        self.address, self._answer_s = address, answer_s
        self.dropped, self.is_lost = 0, False
        self._numbers = itertools.count(1)
        self._waiting: list[int] = []  # messages without an answer, given up or not, in order
        self._open = contextlib.ExitStack()
        self._socket = self._open.enter_context(_connected(address))
        try:
            self.metadata = _mapping(self._heard(time.monotonic() + CONNECT_S))
        except UnreachableError as error:
            self.close()
            raise ValueError(f"{error} Expected metadata first, as openpi's server sends it.") \
                from error

    @property
    def numbered(self) -> bool:
        """Whether the server repeats the number of what it answers; else the order tells."""
        return "protocol" in self.metadata

    def exchange(self, messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Send all, and return the answer to each.

        Raises:
            UnreachableError: one sentence, if an answer does not come, or is none.
        """
        numbers = [self._say(message) for message in messages]
        until = time.monotonic() + self._answer_s
        answers: dict[int, Any] = {}
        while len(answers) < len(numbers):
            said = self._heard(until)
            number = self._number_of(said)
            if number in numbers and number not in answers:
                answers[number] = said
            else:
                self.dropped += 1
                logger.warning("%s: a late answer was dropped, the %d. so far.", self.address,
                               self.dropped)
        return [self._checked(answers[number]) for number in numbers]

    def close(self) -> None:
        """Hang up."""
        self._open.close()

    def _say(self, message: dict[str, Any]) -> int:
        number = next(self._numbers)
        try:
            self._socket.send(pack(message | {"seq": number} if self.numbered else message))
        except ConnectionClosed as closed:
            raise self._lost(closed) from closed
        self._waiting.append(number)
        return number

    def _heard(self, until: float) -> Any:
        """What the server says next: a message, or text, which says what is wrong."""
        try:
            message = self._socket.recv(timeout=max(0.0, until - time.monotonic()))
        except TimeoutError as error:
            raise UnreachableError(f"The policy server at {self.address} did not answer within "
                                   f"{self._answer_s:g} s.") from error
        except ConnectionClosed as closed:
            raise self._lost(closed) from closed
        if isinstance(message, str):
            return message
        try:
            return unpack(message)
        except WireError as error:
            raise UnreachableError(f"The policy server at {self.address} sent what is no message "
                                   f"of the protocol: {error}") from error

    def _number_of(self, said: Any) -> int:
        """Which message this answers; -1: none that waits."""
        number = said.get("seq") if isinstance(said, dict) else None
        if not self.numbered or number is None:
            number = self._waiting[0] if self._waiting else -1
        if number not in self._waiting:
            return -1
        self._waiting.remove(number)
        return number

    def _checked(self, said: Any) -> dict[str, Any]:
        """An answer that is none is the server's fault, not its policy's."""
        wrong = said.get("error") if isinstance(said, dict) else said
        if isinstance(wrong, str):
            raise UnreachableError(f"The policy server at {self.address} refused: "
                                   f"{last_line(wrong)}")
        return _mapping(said)

    def _lost(self, closed: ConnectionClosed) -> UnreachableError:
        self.is_lost = True
        close = closed.rcvd or closed.sent
        if close is not None and close.code == TOO_BIG:
            return UnreachableError(f"A message was too large for the policy server at "
                                    f"{self.address} ({close.reason or 'no reason given'}); it "
                                    f"expects another size of picture, or fewer at a time.")
        why = f"code {close.code}" if close is not None else "without a word"
        return UnreachableError(f"The connection to the policy server at {self.address} was lost "
                                f"({why}).")


def last_line(said: str) -> str:
    """One line of what a server says: the last, which of a traceback is the sentence."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return (lines or ["it does not say why."])[-1][:SENTENCE]


def _mapping(said: Any) -> dict[str, Any]:
    if isinstance(said, dict) and all(isinstance(name, str) for name in said):
        return said
    raise UnreachableError(f"The policy server said no map of names, but {type(said).__name__}.")


def _connected(address: str) -> ClientConnection:
    """An open connection, or one sentence."""
    _check(address)
    token = os.environ.get(TOKEN)
    headers = {"Authorization": f"Api-Key {token}"} if token else None
    try:
        return connect(address, compression=None, max_size=MOST_ANSWER_BYTES, proxy=None,
                       open_timeout=CONNECT_S, additional_headers=headers)
    except socket.gaierror as error:
        raise ValueError(f"{address}: there is no host of that name "
                         f"({error.strerror}).") from error
    except ConnectionRefusedError as error:
        raise ValueError(f"{address}: nobody listens there; {START}.") from error
    except TimeoutError as error:
        raise ValueError(f"{address}: no answer within {CONNECT_S:g} s; is the server's machine "
                         f"on, and the port open?") from error
    except InvalidStatus as error:
        status = error.response.status_code
        why = STATUS.get(status, f"answers with HTTP {status}, as no policy server does")
        raise ValueError(f"{address}: the server {why}.") from error
    except (InvalidMessage, InvalidHandshake, ConnectionClosed, EOFError) as error:
        raise ValueError(f"{address}: who listens there is no policy server "
                         f"({last_line(str(error))}).") from error
    except OSError as error:
        raise ValueError(f"{address}: cannot be reached ({error.strerror or error}).") from error


def _check(address: str) -> None:
    """Refuse what is no address.

    Raises:
        ValueError: one sentence.
    """
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("ws", "wss") and parts.hostname and parts.port != 0
    except ValueError:  # a port that is none
        known = False
    if not known:
        raise ValueError(f"{address!r} is no address of a policy server: expected ws://HOST:PORT, "
                         f"like ws://127.0.0.1:8000.")
