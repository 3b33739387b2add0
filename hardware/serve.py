"""Serve a policy to other machines: `python -m hardware.serve --policy hybrid`."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from scenarios.cli import LogLevel, Terminated, run_command

if TYPE_CHECKING:
    from hardware.remote_server import Server

TOKEN = "MOBILE_VLA_TOKEN"  # as `policies.remote_line` reads it
LEAST_TOKEN = 16  # characters
POLICY_OPTIONS = ("size", "checkpoint", "device", "dtype", "random_weights")


@dataclass(frozen=True)
class Config:
    """Serve a policy over WebSocket, to `--policy remote` and to openpi's clients.

    Only this machine can reach it, unless --host says otherwise; then clients must show the token
    that both sides read from the environment variable MOBILE_VLA_TOKEN (docs/remote.md).
    """

    policy: Annotated[str, arg(metavar="NAME")]
    """Name, module:Class or checkpoint folder, as for eval.run."""
    host: str = "127.0.0.1"
    """Address to listen at; 0.0.0.0 is every one that this machine has."""
    port: int = 8000
    """0: any free one."""
    size: Annotated[Literal["mini", "full"] | None, arg(metavar="{mini,full}")] = None
    """Size of the model's towers; the policy's own default where not given."""
    checkpoint: Annotated[str | None, arg(metavar="DIR")] = None
    """Folder with the policy's weights; the shipped ones where not given."""
    device: Annotated[str | None, arg(metavar="NAME")] = None
    """Where the model runs: cpu, cuda; the policy's own default where not given."""
    dtype: Annotated[Literal["fp32", "bf16", "fp16"] | None, arg(metavar="{fp32,bf16,fp16}")] = None
    """What the model's towers compute in; the policy's own default (fp32) where not given."""
    batch: Annotated[int, arg(metavar="N")] = 8
    """Robots that the policy answers in one call, of whichever clients."""
    threads: Annotated[int, arg(metavar="N")] = 1
    """That the policy computes with; with 1 its answers are the same bits as in eval.run."""
    clients: Annotated[int, arg(metavar="N")] = 32
    """At a time; who comes then is sent away."""
    random_weights: bool = False
    """Do not load weights. For tests and benchmarks; said loudly in every result."""
    log_level: LogLevel = "info"
    """How much is logged."""


def main(config: Config) -> Callable[[], None]:
    """Check and load everything, and return the serving."""
    import policies
    from episodes.engine import check_batch
    from policies.remote import check_installed
    from policies.remote_spec import check_served

    check_installed()
    from hardware.remote_server import Server

    token = _checked_token(config.host)
    check_batch(config.batch)
    if min(config.threads, config.clients) < 1:
        raise ValueError(f"--threads and --clients must be 1 or more, got {config.threads} and "
                         f"{config.clients}.")
    listening = _bound(config.host, config.port)
    policy = policies.make(config.policy, **{
        name: getattr(config, name) for name in POLICY_OPTIONS if getattr(config, name)})
    check_served(policy.spec)
    server = Server(policy, config.batch, config.threads, config.clients, token)
    return lambda: _serve(server, listening)


def _serve(server: Server, listening: socket.socket) -> None:
    """Until Ctrl-C or SIGTERM."""
    async def serve() -> None:
        serving = asyncio.ensure_future(server.run(listening))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, serving.cancel)
        await serving

    try:
        asyncio.run(serve())
    except asyncio.CancelledError as cancelled:
        raise Terminated from cancelled


def _checked_token(host: str) -> str | None:
    """The token of this server.

    Raises:
        ValueError: if other machines could reach it without one, or it is too short to be one.
    """
    token = os.environ.get(TOKEN) or None
    if token is not None and len(token) < LEAST_TOKEN:
        raise ValueError(f"{TOKEN} must have at least {LEAST_TOKEN} characters, got {len(token)}; "
                         f"`openssl rand -hex 16` makes one.")
    if token is None and not _is_this_machine(host):
        raise ValueError(f"--host {host} lets other machines in: set the environment variable "
                         f"{TOKEN} here and on the clients; `openssl rand -hex 16` makes one.")
    return token


def _is_this_machine(host: str) -> bool:
    """Whether nobody else can reach this address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _bound(host: str, port: int) -> socket.socket:
    """A socket at that address, which answers only when the policy is ready.

    Raises:
        ValueError: one sentence, if it cannot be had.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"--port must be 0 to 65535, got {port}.")
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        return bound
    except OSError as error:
        bound.close()
        raise ValueError(f"cannot listen at {host}:{port} ({error.strerror}); choose another "
                         f"--host or --port.") from error


if __name__ == "__main__":
    run_command(Config, main)
