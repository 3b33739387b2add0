"""What a simulated robot says and hears over TCP: pictures and speed out, velocities in.

A client's first byte says whether it wants pictures. All numbers are little-endian.
"""

from __future__ import annotations

import struct

LOOKS, DRIVES = b"L", b"D"  # first byte: wants pictures and may drive; only drives
HEADER = struct.Struct("<4sIIIfff")  # MAGIC, number, height, width, vx m/s, vy m/s, wz rad/s
MAGIC = b"MVB1"
VELOCITY = struct.Struct("<3d")  # vx m/s, vy m/s, wz rad/s, body frame


def address_of(text: str) -> tuple[str, int]:
    """Host and port of `host:port`.

    Raises:
        ValueError: for anything else.
    """
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"Expected host:port, like 127.0.0.1:5555 (port 0: any), got {text!r}.")
    return host, int(port)
