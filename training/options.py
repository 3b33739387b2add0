"""The options of `training.run`, for the command line and for Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scenarios.cli import LogLevel

TRAINABLE = ("hybrid",)


@dataclass(frozen=True)
class TrainingOptions:
    """Train a policy's head on frozen towers; at size mini the towers too."""

    policy: str = "hybrid"
    """Whose head is trained."""
    size: Literal["mini", "full"] = "mini"
    """`mini` trains its towers here; `full` takes the published ones."""
    data: Path | None = None
    """Train on the episode files of this folder instead of generated ones."""
    towers: Path | None = None
    """A folder with towers `kosmos2` and `clip` to take instead of training them; the shipped ones
    lie in policies/checkpoints/hybrid/towers."""
    out: Path | None = None
    """The checkpoint folder; by default WORK/checkpoint."""
    work: Path = Path("work/hybrid")
    """Where the stages are kept; the same command again goes on from there."""
    episodes: int = 2400
    """Generated episodes, all scenarios together."""
    appearance: str = "mixed"
    """How generated pictures and episodes look: a profile's name or TOML file."""
    frames: int = 48_000
    """Pictures for the towers."""
    tower_epochs: int = 8
    """Passes over these pictures."""
    epochs: int = 40
    """Passes over the episodes for the head."""
    dagger_rounds: int = 1
    """How often the policy drives, the planner says what was right, and a new head learns both."""
    dagger_episodes: int = 1200
    """Driven in each round, all scenarios together."""
    validation_episodes: int = 10
    """Driven per scenario on layouts of the purpose `val` after training; 0 drives none."""
    workers: int = 2
    """Processes that make pictures, generate episodes and drive; on a cluster at most so many. 0:
    this one alone."""
    engine: Literal["local", "ray"] = "local"
    """Where episodes are generated and driven: on this machine, or on all of a Ray cluster
    (docs/many_machines.md)."""
    address: str | None = None
    """The Ray cluster's HOST:PORT; the one that this machine is in where not given."""
    seed: int = 0
    """Root of layouts, weights and order."""
    log_level: LogLevel = "info"
    """How much is logged."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained."""
        if self.policy not in TRAINABLE:
            raise ValueError(f"Policy {self.policy!r} cannot be trained, expected one of "
                             f"{', '.join(TRAINABLE)}.")
        least = {"episodes": 2, "frames": 128, "tower_epochs": 1, "epochs": 1, "workers": 0,
                 "seed": 0, "validation_episodes": 0, "dagger_rounds": 0, "dagger_episodes": 8}
        for name, smallest in least.items():
            if getattr(self, name) < smallest:
                raise ValueError(f"{name} must be at least {smallest}, got {getattr(self, name)}.")
