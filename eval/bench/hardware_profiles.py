"""What machines can do at most: memory bandwidth, cache, operations a second by number format.

Shipped profiles are TOML files beside this one; `here` measures this machine.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from scenarios.strict import build, read_toml

FOLDER = Path(__file__).parent / "hardware"
HERE = "here"
DTYPE_BYTES = {"fp32": 4, "fp16": 2, "bf16": 2, "int8": 1}


@dataclass(frozen=True)
class Hardware:
    """One machine.

    Raises:
        ValueError: for numbers that no machine has.
    """

    name: str
    bandwidth_bytes_s: float
    cache_bytes: int  # of the last level: so many weights need not be read again
    source: str  # where the numbers come from
    peak_operations_s: dict[str, float]  # by dtype, dense; a dtype that it lacks is left out

    def __post_init__(self) -> None:
        """Refuse what would make a floor meaningless."""
        unknown = [each for each in self.peak_operations_s if each not in DTYPE_BYTES]
        if unknown or not self.peak_operations_s:
            raise ValueError(f"peak_operations_s must have some of {', '.join(DTYPE_BYTES)}, "
                             f"got {', '.join(unknown) or 'none'}.")
        if min(self.bandwidth_bytes_s, *self.peak_operations_s.values()) <= 0.0:
            raise ValueError("bandwidth_bytes_s and peak_operations_s must be above 0.")
        if self.cache_bytes < 0:
            raise ValueError(f"cache_bytes must be 0 or more, got {self.cache_bytes}.")


def shipped() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_hardware(name: str) -> Hardware:
    """A shipped profile by name, or a TOML file of one's own.

    Raises:
        ValueError: for an unknown name ("Did you mean") or a damaged file.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if name.endswith(".toml") or name in shipped():
        return build(Hardware, read_toml(path), path.name)
    near = difflib.get_close_matches(name, [*shipped(), HERE], n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ValueError(f"Unknown hardware {name!r}.{hint} Expected one of {', '.join(shipped())}, "
                     f"{HERE} (measured now), or a TOML file.")
