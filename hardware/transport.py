"""How a robot is spoken to: the protocol that every transport keeps, and where they are found."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from envs.wire import address_of
from hardware.profile import Profile, load_profile
from hardware.safety import Velocity
from scenarios import did_you_mean

TRANSPORTS = {
    "sim": "hardware.transport_sim:SimTransport",
    "dds": "hardware.transport_dds:DdsTransport",
    "replay": "hardware.transport_replay:ReplayTransport",
    "ros": "hardware.ros:RosTransport",
    "serbot": "hardware.transport_serbot:SerbotTransport",
}
MISSING = {  # how a user gets what a transport needs
    "dds": "pip install 'mobile-vla-bench[dds]'",
    "ros": "a ROS 2 installation whose setup.bash was sourced, with the messages that it names; "
           "without one, --transport dds speaks to the same topics",
}
LAST_DOMAIN = 232  # beyond it DDS's ports end
DARKEST = 8  # a picture in which nothing is brighter comes from a covered or broken camera


class LinkLostError(ConnectionError):
    """The robot is not there any more; one sentence says how it went."""


@dataclass(frozen=True)
class Frame:
    """The camera's latest picture. There is never another one in its place."""

    number: int  # rises with every new picture
    arrived_s: float  # monotonic clock
    rgb: np.ndarray  # [H, W, 3] uint8, RGB, upright

    @property
    def is_black(self) -> bool:
        """Whether nothing can be seen in it."""
        return bool(self.rgb.max(initial=0) <= DARKEST)


@dataclass(frozen=True)
class Place:
    """Where a robot is found; can be sent to another process."""

    transport: str  # a name of TRANSPORTS
    address: str  # what that transport understands by it
    profile: str = "serbot"  # name or TOML file

    def open(self, looks: bool = True) -> Transport:
        """Speak to it; without `looks` only velocities are sent.

        Raises:
            ValueError: if there is no such transport, or nobody there.
        """
        check_transport(self.transport)
        module, _, cls = TRANSPORTS[self.transport].partition(":")
        try:
            found = getattr(importlib.import_module(module), cls)
            return found(self.address, load_profile(self.profile), looks)
        except ModuleNotFoundError as error:
            raise ValueError(f"--transport {self.transport} needs {error.name}: "
                             f"{MISSING.get(self.transport, 'install it')}.") from error


class Transport(Protocol):
    """One robot. No call waits for it."""

    source: str  # of the episodes that are driven over it: real, simulated or dummy
    emergency: str  # who demands an emergency stop over it, "" while nobody does

    def __init__(self, address: str, profile: Profile, looks: bool) -> None:
        """Connect, or say in one ValueError why not."""

    def frame(self) -> Frame | None:
        """The latest picture, None before the first."""

    def velocity(self) -> np.ndarray | None:
        """What the robot measured last: [3] float32 as in `Observation`; None: nothing measures."""

    def send(self, velocity: Velocity) -> None:
        """Tell the wheels a velocity.

        Raises:
            LinkLostError: if nobody is there any more.
        """

    def stop(self) -> None:
        """Tell the wheels zero; a link that is lost is no error here."""

    def close(self) -> None:
        """Stop, and hang up; closing twice is allowed."""


def check_transport(name: str, address: str | None = None) -> None:
    """Refuse an unknown transport, and an address that no robot of its kind can have.

    Raises:
        ValueError: with a suggestion.
    """
    if name not in TRANSPORTS:
        raise ValueError(f"Unknown transport {name!r}.{did_you_mean(name, list(TRANSPORTS))} "
                         f"Expected one of {', '.join(TRANSPORTS)}.")
    if address is None:
        return
    if name == "sim":
        address_of(address)
    elif name == "dds":
        domain_of(address)
    elif name == "replay" and not Path(address).is_file():
        raise ValueError(f"--address {address}: no such file, expected a recorded episode.")


def domain_of(address: str) -> int:
    """A DDS domain's number.

    Raises:
        ValueError: for an address that is none.
    """
    if not (address.isdecimal() and int(address) <= LAST_DOMAIN):
        raise ValueError(f"The address of a DDS robot is its domain, 0 to {LAST_DOMAIN} "
                         f"(ROS_DOMAIN_ID), got {address!r}.")
    return int(address)
