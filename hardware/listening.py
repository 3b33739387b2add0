"""Where servers of ours listen, and who may come in. Standard library only."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket

TOKEN = "MOBILE_VLA_TOKEN"  # as `policies.remote_line` reads it
LEAST_TOKEN = 16  # characters


def checked_token(host: str) -> str | None:
    """The token of this server.

    Raises:
        ValueError: if other machines could reach it without one, or it is too short to be one.
    """
    token = os.environ.get(TOKEN) or None
    if token is not None and len(token) < LEAST_TOKEN:
        raise ValueError(f"{TOKEN} must have at least {LEAST_TOKEN} characters, got {len(token)}; "
                         f"`openssl rand -hex 16` makes one.")
    if token is None and not is_this_machine(host):
        raise ValueError(f"--host {host} lets other machines in: set the environment variable "
                         f"{TOKEN} here and on the clients; `openssl rand -hex 16` makes one.")
    return token


def is_this_machine(host: str) -> bool:
    """Whether nobody else can reach this address."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def bound(host: str, port: int) -> socket.socket:
    """A socket at that address, which answers once somebody serves it.

    Raises:
        ValueError: one sentence, if it cannot be had.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"--port must be 0 to 65535, got {port}.")
    found = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        return found
    except OSError as error:
        found.close()
        raise ValueError(f"cannot listen at {host}:{port} ({error.strerror}); choose another "
                         f"--host or --port.") from error
