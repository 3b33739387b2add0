"""Serve a policy to other machines: `python -m hardware.serve --policy hybrid`."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import arg

from scenarios.cli import LogLevel, Terminated, run_command

if TYPE_CHECKING:
    import socket

    from hardware.remote_server import Server

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
    from hardware.listening import bound, checked_token
    from hardware.remote_server import Server

    token = checked_token(config.host)
    check_batch(config.batch)
    if min(config.threads, config.clients) < 1:
        raise ValueError(f"--threads and --clients must be 1 or more, got {config.threads} and "
                         f"{config.clients}.")
    listening = bound(config.host, config.port)
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


if __name__ == "__main__":
    run_command(Config, main)
