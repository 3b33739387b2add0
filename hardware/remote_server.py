"""The server's side of the WebSocket: who may come in, how much may be said, and good health."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import socket
from http import HTTPStatus

import numpy as np
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from envs.interface import Observation
from hardware.remote_batches import Batches, Begin
from hardware.remote_client import Client
from policies.interface import Policy
from policies.remote_spec import metadata_of
from policies.wire import pack

HEALTH = ("/healthz", "/health")
ROOM_BYTES = 64 * 1024  # of a message, beside its pictures
MOST_QUEUED = 2  # messages of a client that are read before it is answered

logger = logging.getLogger(__name__)


class Server:
    """Serves one policy to several clients."""

    def __init__(self, policy: Policy, batch: int, threads: int = 1, clients: int = 32,
                 token: str | None = None) -> None:
        """Nothing is open yet.

        Args:
            policy: Who answers.
            batch: Rows of one call of `act`.
            threads: That the policy computes with.
            clients: At a time.
            token: That a client must show; None: whoever reaches the port may ask.
        """
        self._policy, self._batch, self._threads = policy, batch, threads
        self._clients, self._token = clients, token
        self._inside = 0

    async def run(self, listening: socket.socket) -> None:
        """Answer on this socket until cancelled."""
        logging.getLogger("websockets").setLevel(logging.CRITICAL)  # strangers' noise
        self._batches = Batches(self._policy, self._batch, self._threads)
        height, width = self._policy.spec.image_size
        self._shape = height, width, 3
        most = self._batch * (height * width * 3 + ROOM_BYTES)
        turning = asyncio.create_task(self._batches.run())
        try:
            await self._warm_up()
            async with serve(self._talk, sock=listening, process_request=self._let_in,
                             origins=[None], compression=None, max_size=most,
                             max_queue=MOST_QUEUED):
                host, port = listening.getsockname()[:2]
                logger.info("%s is served at ws://%s:%d; health: http://%s:%d/healthz",
                            self._policy.spec.name, host, port, host, port)
                await turning
        finally:
            turning.cancel()
            self._batches.close()

    async def _warm_up(self) -> None:
        """One answer to nobody: what is slow once is done before anyone waits for it."""
        blank: Observation = {"rgb": np.zeros(self._shape, np.uint8),
                              "velocity": np.zeros(3, np.float32)}
        await self._batches.answers([(Begin("", 0), blank)])

    def _let_in(self, connection: ServerConnection, request: Request) -> Response | None:
        """Health for everyone; the rest for those with the token, while there is room."""
        if request.path in HEALTH:
            return connection.respond(HTTPStatus.OK, "OK\n")
        shown = request.headers.get("Authorization", "")
        if self._token is not None and not hmac.compare_digest(
                shown.encode(), f"Api-Key {self._token}".encode()):
            return connection.respond(HTTPStatus.UNAUTHORIZED, "Another token is wanted.\n")
        if self._inside >= self._clients:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "All places are taken.\n")
        return None

    async def _talk(self, connection: ServerConnection) -> None:
        """One client, from its metadata to its leaving."""
        client = Client(self._batches, self._shape, self._batch)
        name = ":".join(map(str, connection.remote_address[:2]))
        self._inside += 1
        logger.info("%s came; %d clients", name, self._inside)
        try:
            with contextlib.suppress(ConnectionClosed):
                await connection.send(pack(metadata_of(self._policy.spec, self._batch)))
                async for message in connection:
                    await connection.send(await client.answer(message))
        finally:
            self._inside -= 1
            client.close()
            logger.info("%s left; %d clients", name, self._inside)
