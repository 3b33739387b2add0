"""What a policy server says first of all: written by the server, read by `policies.remote`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from policies.interface import LABEL, TRUTH, PolicySpec

PROTOCOL = 1
MOST_PIXELS = 4096  # of a picture's side
WEIGHTS = ("none", "trained", "random")
PREFIX = "remote_"


def metadata_of(spec: PolicySpec, batch: int) -> dict[str, Any]:
    """The metadata of our server.

    Args:
        spec: Of the policy that is served.
        batch: Rows of one call of `act`, and so of one message.
    """
    height, width = spec.image_size
    policy = {name: value for name, value in vars(spec).items() if name != "needs"}
    return {
        "protocol": PROTOCOL, "batch": batch,
        "policy": policy | {"image_size": [height, width]},
        "observation": {"observation/image": f"[{height}, {width}, 3] uint8, RGB",
                        "observation/state": "[3] float: vx m/s, vy m/s, wz rad/s",
                        "prompt": "text"},
        "actions": f"[{spec.plan_length}, 3] float32: linear_x, linear_y, angular_z within +-1.15",
    }


def check_served(spec: PolicySpec) -> None:
    """Refuse a policy that no server can feed.

    Raises:
        ValueError: for one that is told more than a camera sees.
    """
    told = [name for name in (TRUTH, LABEL) if name in spec.needs]
    if told:
        raise ValueError(f"Policy {spec.name!r} is told the {' and the '.join(told)}, which only "
                         f"the simulator knows: it cannot be served.")


def spec_of(metadata: dict[str, Any], server: str) -> PolicySpec:
    """What our client's policy is, from our server's metadata.

    Raises:
        ValueError: one sentence, for another version, or what is no description of a policy.
    """
    if metadata.get("protocol") != PROTOCOL:
        raise ValueError(f"{server}: the server speaks protocol {metadata.get('protocol')!r}, "
                         f"this client {PROTOCOL}; install the same version on both machines.")
    said = metadata.get("policy")
    if not isinstance(said, dict) or not _is_count(metadata.get("batch"), 10**6):
        raise ValueError(f"{server}: the server's metadata describe no policy.")
    size = said.get("image_size")
    if not (isinstance(size, list) and len(size) == 2
            and all(_is_count(each, MOST_PIXELS) for each in size)):
        raise ValueError(f"{server}: image_size must be [height, width], each at most "
                         f"{MOST_PIXELS}, got {size!r}.")
    for name in ("plan_length", "window"):
        if not _is_count(said.get(name), MOST_PIXELS):
            raise ValueError(f"{server}: {name} must be a whole number above 0, got "
                             f"{said.get(name)!r}.")
    if said.get("weights") not in WEIGHTS or not isinstance(said.get("name"), str):
        raise ValueError(f"{server}: the policy's name or weights are missing.")
    texts = {name: said[name] for name in ("weights_hash", "trained_on", "size")
             if isinstance(said.get(name), str)}
    seed = said.get("trained_seed")
    spec = PolicySpec(PREFIX + said["name"], (size[0], size[1]), said["plan_length"],
                      said["window"], weights=said["weights"], **texts)
    return replace(spec, trained_seed=seed) if type(seed) is int else spec


def _is_count(value: Any, most: int) -> bool:
    return type(value) is int and 1 <= value <= most
